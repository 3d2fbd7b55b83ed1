"""A program of the machine: instructions, input, and the way back to the source.

Enters: code and input, or the tokens of a prompt.  Leaves: a `Program`, which becomes tokens.
"""

from __future__ import annotations

import hashlib
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pyvm.isa import instructions as isa
from pyvm.isa.debug import NOTHING_KNOWN, Debug, Place, Places
from pyvm.isa.errors import ProgramError
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.prompt import NAMES, Listing, read_prompt
from pyvm.isa.tokens import (
    ALIASES,
    END_OF_INPUT,
    TOKEN_ID,
    VOCABULARY,
    Ids,
    TokenError,
    byte_token,
    decode,
)
from pyvm.isa.tokens import parse as parse_tokens
from pyvm.isa.traps import Trap, TrapSite, trap_kind
from pyvm.printable import printable

if TYPE_CHECKING:
    import numpy as np


class _Program(NamedTuple):
    code: Sequence[tuple[str, int]]
    input: bytes | None
    places: Sequence[Place]
    name: str
    debug: Debug
    room: int | None
    data: tuple[bytes, ...]
    is_command: bool
    reads_stdin: bool
    settled: bool


class Program(_Program):
    """Code and input.

    Attributes:
        code: (opcode, 32-bit immediate) per instruction.
        input: the text for a program that has the row `input_base`, else None.
        places: per instruction (wasm function or None, offset in the .wasm file or None); may be
            empty.
        name: for messages.
        debug: more of that, for traps and statistics.
        room: how many bytes another input may have; None: nobody knows, or any number.
        data: the bytes for each row `data` and `elements`, in their order.  These rows and
            `input_base` stand before all others.
        is_command: the input is what a run gives a command (pyvm/host/environment.py).
        reads_stdin: of a command: whether it can read standard input.
        settled: every input that has room there gives the same code, as far as it was compiled.

    >>> program = pyvm.isa.program.Program((("i32.const", 42), ("output", 0), ("halt", 0)))
    >>> model.generate(program).output
    b'*'
    """

    __slots__ = ()

    def __new__(
        cls,
        code: Sequence[tuple[str, int]],
        input: bytes | None = None,
        places: Sequence[Place] = (),
        name: str = "program",
        debug: Debug = NOTHING_KNOWN,
        room: int | None = None,
        data: tuple[bytes, ...] = (),
        is_command: bool = False,
        reads_stdin: bool = False,
        settled: bool = False,
    ) -> Program:
        try:
            listing = Listing.of(code)
        except ValueError as error:
            raise ProgramError(str(error)) from None
        if not listing:
            raise ProgramError("a program needs at least one instruction")
        given = listing.given()
        _check_rows(listing, len(given))
        inputs = given.count("input_base")
        if inputs > 1 or bool(inputs) != (input is not None):
            raise ProgramError("a program has an input exactly if it has one row input_base")
        if len(given) - inputs != len(data):
            raise ProgramError("a program has data for each of its rows `data` and `elements`")
        rest = (name, debug, room, data, is_command, reads_stdin, settled)
        return super().__new__(cls, listing, input, Places.of(places), *rest)

    def __eq__(self, other: object) -> bool:
        """The same code, data and input, from the same places, by the same name."""
        if not isinstance(other, Program):
            return NotImplemented
        return self._key() == other._key()

    def __ne__(self, other: object) -> bool:  # a tuple's is of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.code, self.input, self.places, self.name, self.data

    def replaced(self, **changes: Any) -> Program:
        """The same program but for these attributes, checked again.

        >>> pyvm.compile("hello").replaced(name="hi")
        <Program hi: ... instructions>
        """
        return Program(**{**self._asdict(), **changes})

    def __repr__(self) -> str:
        given = ""
        if self.input is not None:
            shown = repr(self.input[:20]) + ("..." if len(self.input) > 20 else "")
            given = f", input {shown}"
        return f"<Program {printable(self.name)}: {len(self.code):,} instructions{given}>"

    @property
    def listing(self) -> Listing:
        """The code as arrays."""
        return Listing.of(self.code)

    @property
    def takes_input(self) -> bool:
        return "input_base" in self.listing.given()

    @property
    def reads_input(self) -> bool:
        """Whether what a user types can reach the program."""
        return self.reads_stdin if self.is_command else self.takes_input

    def given(self) -> list[bytes]:
        """The bytes for each of the rows that the program begins with, as in the prompt.

        >>> pyvm.compile("hello").given()
        [b'Hello from inside the transformer!\\n']
        """
        data = iter(self.data)
        rows = self.listing.given()
        text = (self.input or b"") + b"\0"
        return [text if op == "input_base" else next(data) for op in rows]

    def with_input(self, text: bytes | str) -> Program:
        """The same program with another input; ProgramError where it takes none, or has no room.

        >>> model.generate(pyvm.compile("addition").with_input("2+3")).output
        b'2 + 3\\n= 5\\ncarries: 0\\n'
        """
        if self.is_command or not self.takes_input:
            more = (
                ": it is a command, which with_environment gives others" if self.is_command else ""
            )
            raise ProgramError(f"{self.name} takes no input{more}")
        data = as_bytes(text)
        if self.room is not None and len(data) > self.room:
            raise ProgramError(
                f"an input of {len(data)} bytes does not fit where the input of {self.name} lies "
                f"(there is room for {self.room}): compile it with this input"
            )
        return self.replaced(input=data)

    def renamed(self, name: str, input: bytes | None) -> Program:
        """The same program with another name, and an input that has room.

        >>> pyvm.compile("hello").renamed("hi", None)
        <Program hi: ... instructions>
        """
        return self.replaced(name=name, input=input)

    def words(self) -> list[str]:
        """The prompt as token spellings.

        >>> pyvm.compile("hello").words()[:6]
        ['{', 'data', '00', '00', '10', '00']
        """
        return decode(self.ids())

    def tokens(self) -> np.ndarray:
        """The prompt (int32).

        >>> pyvm.compile("hello").tokens()[:3].tolist()
        [785, 1270, 0]
        """
        import numpy as np

        return np.frombuffer(self.ids(), np.int32)

    # Before Python 3.12 an array takes no type, and what reads annotations would stumble.
    def ids(self) -> array:  # type: ignore[type-arg]
        """The prompt ("i"), for those who need no array of numpy.

        >>> pyvm.compile("hello").ids()[:3].tolist()
        [785, 1270, 0]
        """
        listing = self.listing
        code = bytearray(20 * len(listing))  # five ids each, of four bytes in little endian
        code[0::20], code[1::20] = _OPCODE_TOKEN.of(listing.rows)
        for k in range(4):  # bytes come first in the vocabulary
            code[4 * (k + 1) :: 20] = listing.octets[k::4]
        parts = [_word("{"), code, _word("}")]
        for op, octets in zip(listing.given(), self.given(), strict=True):
            given = bytearray(4 * len(octets))
            if op == "input_base":  # what can be read is spelled so
                given[0::4], given[1::4] = _SPELLED.of(octets)
            else:
                given[0::4] = octets
            parts += [given, _word(END_OF_INPUT)]
        ids = array("i", b"".join(parts))
        if sys.byteorder == "big":
            ids.byteswap()
        return ids

    def text(self) -> str:
        """The token file: one instruction per line, then what stands behind the program.

        >>> pyvm.compile("hello").text().splitlines()[1]
        'data 00 00 10 00'
        """
        words = self.words()
        end = 1 + 5 * len(self.code)
        rows = ["{", *(" ".join(words[i : i + 5]) for i in range(1, end, 5)), "}"]
        begin = end + 1
        for octets in self.given():
            rows.append(" ".join(words[begin : begin + len(octets) + 1]))
            begin += len(octets) + 1
        return "\n".join(rows) + "\n"

    def trap_at(
        self, cursor: int, calls: Callable[[], Iterable[int]] | None = None
    ) -> TrapSite | None:
        """The trap that a run means which stopped at instruction `cursor`; None for the normal
        end.

        >>> pyvm.isa.program.Program((("trap", 1),)).trap_at(0).kind
        <Trap...: 1>
        """
        if not 0 <= cursor < len(self.code):
            return None
        op, imm = self.code[cursor]
        kind = trap_kind(imm) if op in ("halt", "trap") else None
        return None if kind is None else self.site(kind, cursor, calls)

    def site(
        self, kind: Trap, cursor: int, calls: Callable[[], Iterable[int]] | None = None
    ) -> TrapSite:
        """A trap at an instruction; `calls` gives those that have not returned, the last first.

        >>> kind = pyvm.isa.traps.Trap(1)
        >>> pyvm.isa.program.Program((("halt", 0),)).site(kind, 0).kind is kind
        True
        """
        function, offset = self.places[cursor] if self.places else (None, None)
        found = TrapSite(
            kind, function, offset, self.debug.line(offset), self.debug.refused.get(cursor)
        )
        routine = function is None  # of the compiler: the function is the one that called it
        ask = calls is not None and bool(self.places) and (routine or _ends_programs(function))
        for call in calls() if calls is not None and ask else ():
            caller, offset = self.places[call]
            if caller is not None and not _ends_programs(caller):
                line = self.debug.line(offset)
                if routine:
                    return found._replace(function=caller, offset=offset, line=line)
                return found._replace(caller=caller, offset=offset, line=line)
        return found


# Functions of libraries in which a program ends on purpose: what matters is who called them.
_ENDINGS = ("abort", "__assert_fail", "env.abort", "printf", "sscanf")
_REFUSALS = ("printf(", "printf_refuses", "sscanf(", "sscanf_refuses")  # runtime/internal.h


def _ends_programs(function: str | None) -> bool:
    return function in _ENDINGS or (function or "").startswith(_REFUSALS)


def _check_rows(code: Listing, given: int) -> None:
    """What may stand where; `given` rows stand before all others."""
    if max(code.rows) >= len(NAMES):
        raise ProgramError("an instruction that does not exist")
    # What each row is to these rules, a letter each; the first match is what is wrong.
    kinds = code.rows[given:].translate(_KINDS)
    for found in _WRONG.finditer(kinds):
        i = given + found.start()
        if found[0] == b"t":
            if code.immediate(i) not in _TRAPS:
                raise ProgramError(f"instruction {i}: {code.immediate(i)} is no kind of trap")
        elif found[0] == b"n":
            op = code.name(i)
            raise ProgramError(f"instruction {i}: {op} can only stand before all others")
        elif found[0] == b"c" and i + 1 == len(code):
            raise ProgramError(f"instruction {len(code)}: i64.high is missing")
        else:
            i += found[0] == b"c"
            raise ProgramError(f"instruction {i}: i64.high follows i64.const, and nothing else")


def _word(token: str) -> bytearray:
    return bytearray(TOKEN_ID[token].to_bytes(4, "little"))


class _Ids:
    """Token ids by a byte."""

    def __init__(self, ids: Sequence[int]):
        padded = [*ids, *[0] * (256 - len(ids))]
        self._low, self._high = bytes(id & 255 for id in padded), bytes(id >> 8 for id in padded)

    def of(self, data: bytes) -> tuple[bytes, bytes]:
        """The lower and the upper bytes of the ids."""
        return data.translate(self._low), data.translate(self._high)


_TRAPS = frozenset(map(int, Trap))
_KINDS = bytes(
    {"trap": b"t", "i64.const": b"c", "i64.high": b"h"}.get(
        op, b"n" if INSTRUCTIONS[op].completion == isa.NEVER else b"."
    )[0]
    for op in NAMES
).ljust(256, b".")
# A half that follows none (behind the first of these two all others are skipped), one that is
# missing, a row that cannot stand here, and each trap.
_WRONG = re.compile(rb"(?<!c)h|c(?!h)|[nt]")
_OPCODE_TOKEN = _Ids([TOKEN_ID[op] for op in NAMES])
# The token for each byte of an input: the character itself where it is an alias.
_ALIASED = set(map(ord, ALIASES))
_SPELLED = _Ids([TOKEN_ID[chr(b) if b in _ALIASED else byte_token(b)] for b in range(256)])


def code_digest(code: Iterable[tuple[str, int]]) -> str:
    """Tells programs apart: a specialised model carries that of the program in its weights."""
    return hashlib.sha256(repr(tuple(code)).encode()).hexdigest()


def parse(text: str, name: str = "program") -> Program:
    """The program of a token file; errors name the position of the token."""
    try:
        return from_tokens(parse_tokens(text), name)
    except TokenError as error:
        raise ProgramError(f"{name}: {error}") from None


def from_tokens(ids: Ids, name: str = "program") -> Program:
    """The program of a prompt in the standard vocabulary."""
    try:
        listing, given = read_prompt(ids, VOCABULARY)
    except TokenError as error:
        raise ProgramError(f"{name}: {error}") from None
    rows = list(zip(listing.given(), given))
    text = next((octets[:-1] for op, octets in rows if op == "input_base"), None)
    data = tuple(octets for op, octets in rows if op != "input_base")
    is_command = text is not None and 0 in text  # a text has no zero byte
    return Program(listing, text, (), name, data=data, is_command=is_command)


def as_input(text: bytes | str | None) -> bytes:
    """An input as bytes."""
    if not isinstance(text, (bytes, str, type(None))):
        raise TypeError(f"input must be text or bytes, not {text!r}")
    return text.encode() if isinstance(text, str) else text or b""


def as_bytes(text: bytes | str | None) -> bytes:
    """The input of a program that takes a text; raises ProgramError where it holds a zero byte."""
    data = as_input(text)
    if 0 in data:
        raise ProgramError(
            "the input contains a zero byte, which ends it (a program that defines main reads it)"
        )
    return data
