"""An interpreter of Brainfuck (Urban Müller, 1993): eight instructions, a tape, input and output.

Enters: a program of at most 1,024 instructions, `|`, bytes of input, `#`.  Leaves: one token per
executed instruction, then `halt`; `out-72` writes byte 72.  Cells hold bytes and wrap around; the
tape is endless on both sides; behind the end of the input there are zeros.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyvm.machine import Machine, Token

RIGHT, LEFT, CELL, OUT, IN, GOTO, ON, HALT = range(8)  # types of tokens
LONGEST = 1024
_PREFIX = {CELL: "cell", OUT: "out", IN: "in"}


def _tokens() -> list[Token]:
    code = [
        Token(">", right=1),
        Token("<", left=1),
        Token("+", adds=1, change=1),
        Token("-", adds=1, change=-1),
        Token(".", writes=1),
        Token(",", reads=1),
        Token("[", opens=1),
        Token("]", closes=1),
        Token("|", bar=1),
    ]
    inputs = [Token(f"'{byte}", given=byte) for byte in range(256)]
    # `#` ends the prompt: execution goes on at instruction 0.
    steps = [
        Token("#", jumps=1),
        Token("right", (RIGHT, 0), move=1),
        Token("left", (LEFT, 0), move=-1),
    ]
    steps += [Token("on", (ON, 0)), Token("halt", (HALT, 0))]
    for byte in range(256):
        steps.append(Token(f"cell-{byte}", (CELL, byte), keeps=1, byte=byte))
        steps.append(Token(f"in-{byte}", (IN, byte), keeps=1, byte=byte, taken=1))
        steps.append(Token(f"out-{byte}", (OUT, byte)))
    steps += [Token(f"goto-{to}", (GOTO, to), jumps=1, target=to) for to in range(LONGEST)]
    return code + inputs + steps


def brainfuck() -> Machine:
    m = Machine(_tokens(), stop="halt")
    one = m.one

    # Brackets find their partners while the prompt is read. An opening one lies at its depth on a
    # stack; a closing one that has found it leaves a note under its partner's position.
    depth = m.running_sum("depth", m["opens"] - m["closes"])
    (partner,) = m.newest(
        "open bracket",
        query=depth + m["closes"],
        key=depth,
        square=m.square("depth squared", depth),
        where=m["opens"],
        partner=m.position,
    )

    # The instruction to execute: so many after the newest jump as there are tokens behind it.
    base, jump_at = m.latest("jump", m["jumps"], base=m["target"], jump_at=m.position)
    place = base + m.position - jump_at + one  # position 0 is `begin`
    names = ("right", "left", "adds", "change", "writes", "reads", "opens", "closes", "bar")
    found = m.at("instruction", place, **{f"is {name}": m[name] for name in names})
    op = dict(zip(names, found))
    # Where no bracket is executed they ask for position 0, and what they find is not used: a lookup
    # that finds its own key is fastest.
    (opening,) = m.newest(
        "partner of a closing bracket",
        query=m.product("closing place", place, op["closes"]),
        key=m.position,
        square=m.square("position squared", m.position),
        where=m["closes"],
        opening=partner,
    )
    (closing,) = m.newest(
        "note",
        query=m.product("opening place", place, op["opens"]),
        key=partner,
        square=m.square("partner squared", partner),
        where=m["closes"],
        closing=m.position,
    )

    # The tape: the newest byte that was kept under this cell's number; none was: 0.
    cell = m.running_sum("cell", m["move"])
    kept, kept_at = m.newest(
        "tape", cell, cell, m.square("cell squared", cell), m["keeps"], kept=m["byte"], kept_at=cell
    )
    byte = m.at_zero("this cell", kept, cell - kept_at)

    # The input follows the bar; behind `#` nothing is given.
    taken = m.running_sum("input taken", m["taken"])
    (bar_at,) = m.latest("bar", m["bar"], bar_at=m.position)
    (given,) = m.at("input", bar_at + one + taken, given_byte=m["given"])

    # What the next token is.
    zero = m.at_zero("zero", one, byte)
    forward = m.step("forward", op["opens"] + zero - one)
    back = m.step("back", op["closes"] - zero)
    raw = byte + op["change"]
    wrapped = (
        m.at_zero("256 becomes 0", one, raw - 256 * one),
        m.at_zero("-1 becomes 255", one, raw + one),
    )
    kind = (
        RIGHT * op["right"]
        + LEFT * op["left"]
        + CELL * op["adds"]
        + OUT * op["writes"]
        + IN * op["reads"]
        + ON * (op["opens"] + op["closes"])
        + (GOTO - ON) * (forward + back)
        + HALT * op["bar"]
    )
    value = (
        m.product("new byte", raw - 256 * wrapped[0] + 256 * wrapped[1], op["adds"])
        + m.product("written", byte, op["writes"])
        + m.product("read", given, op["reads"])
        + m.product("behind the closing one", closing, forward)
        + m.product("behind the opening one", opening, back)
    )
    m.next(kind, value)
    return m


def prompt(program: str, data: bytes = b"") -> list[str]:
    """The tokens of a program and its input; all other characters are comments."""
    code = [letter for letter in program if letter in "><+-.,[]"]
    if len(code) > LONGEST:
        raise ValueError(
            f"{len(code)} instructions are more than the {LONGEST} that a jump can name"
        )
    open_ = 0
    for letter in code:
        open_ += (letter == "[") - (letter == "]")
        if open_ < 0:
            break
    if open_:
        raise ValueError("the brackets of the program do not match")
    return [*code, "|", *(f"'{byte}" for byte in data), "#"]


def output(tokens: Iterable[str]) -> bytes:
    """What a program wrote."""
    return bytes(int(token[4:]) for token in tokens if token.startswith("out-"))
