"""The grammar of prompts: the one place that takes a sequence of tokens apart.

Enters: token ids and their vocabulary.  Leaves: the program as arrays (`Listing`), the bytes that
stand behind it (input, data, entries of the table), and where the prompt ends and the trace begins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, overload

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import BASE_VOCABULARY, END_OF_INPUT, VOCABULARY, Ids, TokenError, byte_token

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pyvm.isa.classes import TokenClasses

NAMES = tuple(INSTRUCTIONS)
_NUMBER = {name: i for i, name in enumerate(NAMES)}


class Listing(Sequence[tuple[str, int]]):
    """A program's instructions: a sequence of (opcode, immediate), kept as bytes.

    Attributes:
        rows: a byte for each instruction, index into NAMES.
        octets: four bytes for each, the immediate, least significant first.
    """

    def __init__(self, rows: bytes, octets: bytes):
        if len(octets) != 4 * len(rows):
            raise ValueError("a listing has four bytes of immediate for each instruction")
        self.rows, self.octets = rows, octets

    @property
    def opcodes(self) -> npt.NDArray[np.uint8]:
        """`rows` as an array."""
        import numpy as np

        return np.frombuffer(self.rows, np.uint8)

    @property
    def immediates(self) -> npt.NDArray[np.uint32]:
        """The immediates as an array."""
        import numpy as np

        return np.frombuffer(self.octets, "<u4")

    @classmethod
    def of(cls, code: Iterable[tuple[str, int]]) -> Listing:
        """The arrays of such a sequence; ValueError for what is no instruction."""
        if isinstance(code, Listing):
            return code
        code = list(code)
        for i, (op, imm) in enumerate(code):
            if op not in _NUMBER or not 0 <= imm < 1 << 32:
                raise ValueError(f"instruction {i}: {op!r} {imm} is no instruction")
        immediates = [imm for _, imm in code]
        octets = struct.pack(f"<{len(code)}I", *immediates)
        return cls(bytes(_NUMBER[op] for op, _ in code), octets)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> tuple[str, int]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, int], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, int] | tuple[tuple[str, int], ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return self.name(index), self.immediate(index)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        immediates = struct.unpack(f"<{len(self)}I", self.octets)
        return zip(map(NAMES.__getitem__, self.rows), immediates)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Listing):
            return tuple(self) == other
        return self.rows == other.rows and self.octets == other.octets

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def name(self, cursor: int) -> str:
        return NAMES[self.rows[cursor]]

    def immediate(self, cursor: int) -> int:
        at = 4 * range(len(self))[cursor]
        return int.from_bytes(self.octets[at : at + 4], "little")

    def given(self) -> list[str]:
        """The rows that it begins with and that the prompt completes, behind the program."""
        return given_rows(map(NAMES.__getitem__, self.rows))


def read_program(tokens: Ids, vocabulary: tuple[str, ...]) -> tuple[Listing, int]:
    """The program that the tokens begin with, and the position behind its `}`.

    Raises TokenError, which names the position of the first token that cannot stand there.
    """
    import numpy as np

    from pyvm.isa.classes import token_classes

    classes = token_classes(vocabulary)
    if not tokens.size or tokens[0] != classes.program_begin:
        raise _unexpected(tokens, 0, "'{'", vocabulary)
    closes = np.flatnonzero(tokens == classes.program_end)
    end = int(closes[0]) if closes.size else tokens.size
    body = tokens[1:end]
    opcodes, parts = classes.opcode[body], classes.byte[body]
    is_opcode = np.arange(body.size) % 5 == 0
    is_byte = (parts >= 0) & ~classes.mark[body] & ~classes.alias[body]
    wrong = np.flatnonzero(np.where(is_opcode, opcodes < 0, ~is_byte))
    if wrong.size:
        first = int(wrong[0])
        expected = "a byte" if first % 5 else "an instruction or '}'"
        raise _unexpected(tokens, 1 + first, expected, vocabulary)
    if body.size % 5:
        raise _unexpected(tokens, end, "a byte", vocabulary)
    if not closes.size:
        raise _unexpected(tokens, end, "'}'", vocabulary)
    if not body.size:
        raise TokenError("the program is empty")
    rows, octets = opcodes[::5].astype(np.uint8), parts.reshape(-1, 5)[:, 1:].astype(np.uint8)
    return Listing(rows.tobytes(), octets.tobytes()), end + 1


def given_rows(names: Iterable[str]) -> list[str]:
    """The rows that a program begins with and that the prompt completes, behind the program."""
    return list(takewhile(lambda op: INSTRUCTIONS[op].completion == isa.NEVER, names))


def read_prompt(tokens: Ids, vocabulary: tuple[str, ...]) -> tuple[Listing, list[bytes]]:
    """The program, and the bytes for each of its `given_rows`; raises TokenError."""
    import numpy as np

    from pyvm.isa.classes import token_classes

    classes = token_classes(vocabulary)
    listing, at = read_program(tokens, vocabulary)
    given = []
    for op in listing.given():
        rest = tokens[at:]
        ends = np.flatnonzero(rest == classes.input_end)
        count = int(ends[0]) if ends.size else rest.size
        octets = classes.byte[rest[:count]]
        wrong = np.flatnonzero((octets < 0) | classes.mark[rest[:count]])
        if wrong.size:
            raise _unexpected(tokens, at + int(wrong[0]), "a byte", vocabulary)
        if op == "input_base" and (not count or octets[-1] != 0):
            expected = f"an input that ends in {byte_token(0)}"
            raise _unexpected(tokens, at + count, expected, vocabulary)
        if not ends.size:
            raise _unexpected(tokens, tokens.size, repr(END_OF_INPUT), vocabulary)
        given.append(octets.astype(np.uint8).tobytes())
        at += count + 1
    if at != tokens.size:
        raise _unexpected(tokens, at, "the end", vocabulary)
    return listing, given


def read_listing(tokens: Ids, vocabulary: tuple[str, ...]) -> Listing | None:
    """None when the tokens do not begin with a program (those of a specialised model do not)."""
    try:
        return read_program(tokens, vocabulary)[0]
    except TokenError:
        return None


def spelled_in(tokens: Ids, vocabulary: tuple[str, ...]) -> Ids:
    """A prompt in the standard vocabulary, in another; raises TokenError where a token is missing.

    A specialised model has no `{`: its prompt is `start` and what stands behind the program.
    """
    import numpy as np

    from pyvm.isa.classes import token_classes

    number = {token: i for i, token in enumerate(vocabulary)}
    parts = []
    if "{" not in number and "start" in number:
        tokens = tokens[trace_begin(tokens, token_classes(VOCABULARY)) :]
        parts.append(np.array([number["start"]], dtype=np.int32))
    ids = np.array([number.get(token, -1) for token in VOCABULARY], dtype=np.int32)[tokens]
    missing = np.flatnonzero(ids < 0)
    if missing.size:
        word = VOCABULARY[tokens[missing[0]]]
        base = "" if word in BASE_VOCABULARY else ': compile it for the machine "base"'
        raise TokenError(
            f"the model's vocabulary has no token {word!r}, which the program needs{base}"
        )
    return np.concatenate([*parts, ids])


def trace_begin(tokens: Ids, classes: TokenClasses) -> int:
    """The position after the program's `}` (or after `start`): input and trace begin there."""
    if tokens.size and tokens[0] == classes.start:
        return 1
    (ends,) = (tokens == classes.program_end).nonzero()
    return int(ends[0]) + 1 if ends.size else 0


def _unexpected(
    tokens: Ids, position: int, expected: str, vocabulary: tuple[str, ...]
) -> TokenError:
    found = repr(vocabulary[tokens[position]]) if position < tokens.size else "the end"
    return TokenError(f"token {position}: {expected} expected, found {found}")
