"""The one table of small token programs: what every level of the system is tested with.

Each case is a program in the token language (opcode and immediate per instruction), its input and
what it writes.  Together they hit every opcode, with carries, borrows, signs, branches in both
directions, calls and returns, and rewritten memory.  They are short, so that the slow levels can
take them; long programs are the bundled ones (pyvm.bundled).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.isa.tokens import byte_token, encode


@dataclass(frozen=True)
class Case:
    """text: an instruction per line, `name [immediate]`; `label:` and `@label` are jump targets."""

    name: str
    text: str
    output: bytes = b""
    input: bytes | None = None

    @property
    def prompt(self) -> np.ndarray:
        return prompt(self.text, self.input)


def instructions(text: str) -> list[tuple[str, int]]:
    """(opcode, immediate) of a case's text.

    `@label` is the offset to a label; `return @f` returns from the function that starts at label f.
    """
    labels: dict[str, int] = {}
    rows: list[list[str]] = []
    for line in text.strip().splitlines():
        words = line.split("#")[0].split()
        while words and words[0].endswith(":"):
            labels[words.pop(0)[:-1]] = len(rows)
        if words:
            rows.append(words)
    result = []
    for i, (name, *rest) in enumerate(rows):
        word = rest[0] if rest else "0"
        # Offsets are relative to the next instruction: the same formula for br, call and return.
        value = labels[word[1:]] - i - 1 if word.startswith("@") else int(word, 0)
        result.append((name, value & 0xFFFFFFFF))
    return result


def prompt(text: str, given: bytes | None = None) -> np.ndarray:
    words = ["{"]
    for name, immediate in instructions(text):
        words += [name, *(byte_token(b) for b in immediate.to_bytes(4, "little"))]
    words.append("}")
    if given is not None:
        words += [byte_token(b) for b in given + b"\0"] + ["commit(+0,sts=0,bt=0)"]
    return encode(words)


def show(expression: str) -> str:
    """Lines that write the low byte of an expression's value; the trace has all four."""
    return expression + "\noutput\n"


def binary(name: str, a: int, b: int) -> str:
    return show(f"i32.const {a:#x}\ni32.const {b:#x}\n{name}")


def low(*values: int) -> bytes:
    return bytes(value & 0xFF for value in values)


def _signed(value: int) -> int:
    return value - (value >> 31 << 32)


PAIRS = (
    (0, 0),
    (1, 2),
    (0xFFFFFFFF, 1),
    (0x80000000, 0x7FFFFFFF),
    (0x01FF80FE, 0xFE007F03),
)
MEANING = {
    "i32.add": lambda a, b: a + b,
    "i32.sub": lambda a, b: a - b,
    "i32.eq": lambda a, b: a == b,
    "i32.ne": lambda a, b: a != b,
    "i32.lt_s": lambda a, b: _signed(a) < _signed(b),
    "i32.lt_u": lambda a, b: a < b,
    "i32.gt_s": lambda a, b: _signed(a) > _signed(b),
    "i32.gt_u": lambda a, b: a > b,
    "i32.le_s": lambda a, b: _signed(a) <= _signed(b),
    "i32.le_u": lambda a, b: a <= b,
    "i32.ge_s": lambda a, b: _signed(a) >= _signed(b),
    "i32.ge_u": lambda a, b: a >= b,
}


def _binaries() -> list[Case]:
    cases = []
    for name, meaning in MEANING.items():
        text = "".join(binary(name, a, b) for a, b in PAIRS) + "halt"
        output = low(*(int(meaning(a, b)) for a, b in PAIRS))
        cases.append(Case(name, text, output))
    return cases


CASES: tuple[Case, ...] = (
    Case("halt", "halt"),
    Case(
        "output",
        "".join(f"i32.const {byte}\noutput\n" for byte in (0x41, 0x20, 0x00, 0x0A, 0xFF, 0x7B))
        + "halt",
        b"A \x00\n\xff{",
    ),
    *_binaries(),
    Case(
        "eqz",
        show("i32.const 0\ni32.eqz") + show("i32.const 256\ni32.eqz") + "halt",
        low(1, 0),
    ),
    Case(
        "drop select",
        """
        i32.const 65
        i32.const 66
        drop
        output                      # A
        i32.const 67
        i32.const 68
        i32.const 0x01000000
        select
        output                      # C: a byte of the condition is not zero
        i32.const 67
        i32.const 68
        i32.const 0
        select
        output                      # D
        halt
        """,
        b"ACD",
    ),
    Case(
        "locals globals",
        """
        i32.const 0x11223344
        local.tee 0
        local.set 63
        i32.const 0x55667788
        global.set 0
        i32.const 0x99aabbcc
        global.set 255
        """
        + show("local.get 0\nlocal.get 63\ni32.add")
        + show("global.get 0")
        + show("global.get 255")
        + """
        i32.const 7
        local.set 0
        i32.const 8
        global.set 0
        """
        + show("local.get 0\nglobal.get 0\ni32.add")
        + "halt",
        low(0x88, 0x88, 0xCC, 15),
    ),
    Case(
        "load store",
        """
        i32.const 1000
        i32.const 0x81828384
        i32.store
        i32.const 990
        i32.const 0x1234ffff
        i32.store16 14              # 1004: ff ff
        i32.const 1001
        i32.const 0x7f
        i32.store8                  # 84 7f 82 81 ff ff 00 00
        """
        + show("i32.const 1000\ni32.load")
        + show("i32.const 1000\ni32.load8_s")
        + show("i32.const 1001\ni32.load8_s")
        + show("i32.const 999\ni32.load8_u 3")
        + show("i32.const 1000\ni32.load16_s")
        + show("i32.const 1002\ni32.load16_s")
        + show("i32.const 1003\ni32.load16_u")
        + show("i32.const 1004\ni32.load")
        + show("i32.const 5000\ni32.load")  # never written
        + "halt",
        low(0x84, 0x84, 0x7F, 0x82, 0x84, 0x82, 0x81, 0xFF, 0),
    ),
    Case(
        "high addresses",
        """
        i32.const 0xfffffff0
        i32.const 0x01020304
        i32.store
        i32.const 0xffffffef
        i32.const 9
        i32.store8
        """
        + show("i32.const 0xffffff00\ni32.load 240")
        + show("i32.const 0xffffffee\ni32.load")
        + "halt",
        low(4, 0),
    ),
    Case(
        "loop",
        """
        i32.const 3
        local.set 0
        loop:
        local.get 0
        i32.const 48
        i32.add
        output
        local.get 0
        i32.const 1
        i32.sub
        local.tee 0
        br_if @loop
        br @end
        i32.const 33
        output
        end:
        halt
        """,
        b"321",
    ),
    Case(
        "calls",
        """
        i32.const 3
        global.set 0
        call @count
        i32.const 46
        output
        call @count
        halt
        count:
        global.get 0
        i32.eqz
        br_if @done
        global.get 0
        local.set 0
        local.get 0
        i32.const 1
        i32.sub
        global.set 0
        call @count                 # recursion: the local of this depth survives
        local.get 0
        i32.const 48
        i32.add
        output
        done:
        return @count
        """,
        b"123.",
    ),
    Case(
        "input",
        """
        input_base 0x2000
        i32.const 0
        local.set 0
        loop:
        local.get 0
        i32.load8_u 0x2000
        local.tee 1
        i32.eqz
        br_if @end
        local.get 1
        i32.const 1
        i32.add
        output
        local.get 0
        i32.const 1
        i32.add
        local.set 0
        br @loop
        end:
        halt
        """,
        b"IBM!|",
        b"HAL {",
    ),
    Case("empty input", "input_base 512\ni32.const 512\ni32.load8_u\noutput\nhalt", b"\0", b""),
    Case("trap", "i32.const 33\noutput\nhalt 0x0502", b"!"),
)

BY_NAME = {case.name: case for case in CASES}
