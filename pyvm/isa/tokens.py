"""The token language: every token with its meaning, the vocabulary, and text to ids and back.

Enters: text (words separated by white space).  Leaves: int32 arrays of token ids in the order of
a vocabulary.  `VOCABULARY` is the standard machine's; it begins with the 915 tokens of the base
machine's.  Other models bring their own, in which the same spelling means the same.

A prompt is `{`, per instruction its opcode and four immediate bytes (least significant first), `}`;
then, for each of the rows input_base, data and elements that the program begins with, bytes (those
of an input end in 00) and END_OF_INPUT.  A specialised model's prompt is `start` and what stands
behind the program.  A trace has per executed instruction: `branch_taken` when it jumps, or its
scratch tokens, then the bytes of its value (least significant first), and one token that completes
it; or `trap(kind)` and `halt`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import COMMITS, INSTRUCTIONS, MORE_COMMITS, Instruction
from pyvm.isa.traps import Trap

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Ids: TypeAlias = "npt.NDArray[np.int32]"


class Kind(Enum):
    """What a token is."""

    BYTE = "byte"
    OUTPUT = "output"  # writes a byte; completes its instruction
    COMMIT = "commit"  # these three complete an instruction
    CALL_COMMIT = "call_commit"
    RETURN_COMMIT = "return_commit"
    BRANCH_TAKEN = "branch_taken"  # the bytes after it are the offset of a jump
    OPEN = "open"
    CLOSE = "close"
    START = "start"
    OPCODE = "opcode"  # `halt` ends a trace, too
    SCRATCH = "scratch"  # a number that later tokens of the same instruction read
    ERROR = "error"  # like OUTPUT, on the error stream
    RESIZE = "resize"  # the last four bytes are the memory's size; completes an instruction
    TRAP = "trap"  # the program stops here; `halt` follows


class Token(NamedTuple):
    """One token.

    Attributes:
        value: the byte of a BYTE, OUTPUT or ERROR, the number of a SCRATCH, the kind of a TRAP.
        mark: of a BYTE: a carry, borrow or sign is passed to the next byte.
        alias: of a BYTE: a printable character that stands for itself in an input.
        stack_delta: change of the operand stack's depth.
        pushed_bytes: so many of the last bytes go on the operand stack (0, 4 or 8).
        skips: rows of the program that the cursor skips after this one.
        jumps: the last four bytes are an offset that moves the cursor.
    """

    spelling: str
    kind: Kind
    value: int = 0
    mark: bool = False
    alias: bool = False
    stack_delta: int = 0
    pushed_bytes: int = 0
    skips: int = 0
    jumps: bool = False

    @property
    def completes(self) -> bool:
        """It completes an instruction."""
        return self.kind in _COMPLETING

    @property
    def rows(self) -> int:
        """By how many rows the token moves the cursor (and by the offset if it jumps)."""
        return self.completes + self.skips


_COMPLETING = (
    Kind.OUTPUT, Kind.ERROR, Kind.COMMIT, Kind.RESIZE, Kind.CALL_COMMIT, Kind.RETURN_COMMIT,
)  # fmt: skip
# A column of a product of eight bytes is at most 8 * 255 * 255, and 2,040 are carried to it.
SCRATCH_NUMBERS = (8 * 255 * 255 + 2040) // 256 + 1


def byte_token(value: int, carry: bool = False) -> str:
    """The token of a byte; `carry` marks a carry, borrow or sign passed to the next byte."""
    return f"{value:02x}'" if carry else f"{value:02x}"


def output_token(value: int) -> str:
    """The token that outputs a byte: out(c) for printable characters but space, else out(hh)."""
    return f"out({chr(value)})" if 0x21 <= value < 0x7F else f"out({value:02x})"


def error_token(value: int) -> str:
    """The token that writes a byte on the error stream."""
    return f"err({chr(value)})" if 0x21 <= value < 0x7F else f"err({value:02x})"


def scratch_token(value: int) -> str:
    return f"q{value}"


def trap_token(kind: Trap) -> str:
    return f"trap({kind.name.lower()})"


def commit_token(stack_delta: int, pushed_bytes: int, jumps: bool = False, skips: int = 0) -> str:
    """The token that completes an instruction (`jumps`: a branch offset is applied)."""
    more = f",skip={skips}" if skips else ""
    return f"commit({stack_delta:+d},sts={pushed_bytes // 4},bt={int(jumps)}{more})"


def call_token(stack_delta: int) -> str:
    """The token that completes a call; it takes an operand if it calls what lies on the stack."""
    return f"call_commit({stack_delta:+d})" if stack_delta else "call_commit"


def completing_token(row: Instruction) -> str:
    """The token that completes an instruction (of a br_if: one that is taken); out(00) for all
    of `output`, err(00) for output_error, the end of the input for what stands before one."""
    if row.completion == isa.OUTPUT:
        return output_token(0)
    if row.completion == isa.ERROR:
        return error_token(0)
    if row.completion == isa.CALL_COMMIT:
        return call_token(row.stack_delta)
    if row.completion == isa.TRAP:
        return trap_token(Trap.UNREACHABLE)
    if row.completion in (isa.COMMIT, isa.BRANCH, isa.NEVER):
        return commit_token(row.stack_delta, row.pushed_bytes, row.completion == isa.BRANCH)
    if row.completion == isa.SKIP:
        return commit_token(row.stack_delta, row.pushed_bytes, skips=1)
    return row.completion if row.completion != isa.PART else END_OF_INPUT


def _tokens() -> Iterable[Token]:
    """All tokens in the order of the standard vocabulary, then `start`."""
    yield from _BASE
    for delta, pushed in MORE_COMMITS:
        yield _commit(delta, pushed)
    (skip,) = (row for row in INSTRUCTIONS.values() if row.completion == isa.SKIP)
    yield _commit(skip.stack_delta, skip.pushed_bytes, skips=1)
    yield Token(call_token(-1), Kind.CALL_COMMIT, stack_delta=-1, jumps=True)
    yield Token("resize", Kind.RESIZE, stack_delta=-1)
    for kind in Trap:
        yield Token(trap_token(kind), Kind.TRAP, kind)
    for value in range(256):
        yield Token(error_token(value), Kind.ERROR, value, stack_delta=-1)
    for name, row in INSTRUCTIONS.items():
        if not row.base:
            yield Token(name, Kind.OPCODE)
    numbers = range(SCRATCH_NUMBERS)  # two of three tokens
    yield from map(Token, map(scratch_token, numbers), repeat(Kind.SCRATCH), numbers)
    yield Token("start", Kind.START)


def _commit(delta: int, pushed: int, jumps: bool = False, skips: int = 0) -> Token:
    spelling = commit_token(delta, pushed, jumps, skips)
    return Token(
        spelling, Kind.COMMIT, stack_delta=delta, pushed_bytes=pushed, jumps=jumps, skips=skips
    )


def _base_tokens() -> Iterable[Token]:
    for mark in (False, True):
        for value in range(256):
            yield Token(byte_token(value, mark), Kind.BYTE, value, mark)
    for value in range(256):
        yield Token(output_token(value), Kind.OUTPUT, value, stack_delta=-1)
    for delta, pushed in COMMITS:
        for jumps in (False, True):
            yield _commit(delta, pushed, jumps)
    yield Token("branch_taken", Kind.BRANCH_TAKEN)
    yield Token("call_commit", Kind.CALL_COMMIT, jumps=True)
    yield Token("return_commit", Kind.RETURN_COMMIT, jumps=True)
    yield Token("{", Kind.OPEN)
    yield Token("}", Kind.CLOSE)
    for name, row in INSTRUCTIONS.items():
        if row.base:
            yield Token(name, Kind.OPCODE)
    # Printable ASCII that may stand for its own byte in an input: white space separates words, and
    # the braces delimit the program.
    for value in range(0x21, 0x7F):
        if chr(value) not in "{}":
            yield Token(chr(value), Kind.BYTE, value, alias=True)


_BASE = tuple(_base_tokens())
# Every token by its spelling. Only specialised models have `start`.
TOKENS: dict[str, Token] = {token.spelling: token for token in _tokens()}
VOCABULARY: tuple[str, ...] = tuple(spelling for spelling in TOKENS if spelling != "start")
BASE_VOCABULARY: tuple[str, ...] = tuple(token.spelling for token in _BASE)
TOKEN_ID: dict[str, int] = {token: i for i, token in enumerate(VOCABULARY)}
ALIASES: tuple[str, ...] = tuple(token.spelling for token in _BASE if token.alias)
# No instruction commits this way: it only stands behind an input.
END_OF_INPUT = commit_token(0, 0)


class TokenError(ValueError):
    """A word that is no token, with its position."""


def parse(text: str, token_id: dict[str, int] = TOKEN_ID) -> Ids:
    """Token ids (int32) of a text; raises TokenError that names the first unknown word."""
    import numpy as np

    words = text.split()
    ids = np.empty(len(words), dtype=np.int32)
    for position, word in enumerate(words):
        try:
            ids[position] = token_id[word]
        except KeyError:
            shown = word if len(word) <= 40 else word[:37] + "..."
            raise TokenError(f"token {position}: {shown!r} is not in the vocabulary") from None
    return ids


def encode(tokens: Iterable[str], token_id: dict[str, int] = TOKEN_ID) -> Ids:
    """Token ids (int32) of tokens that are known to be in the vocabulary."""
    import numpy as np

    return np.fromiter((token_id[token] for token in tokens), dtype=np.int32)


def decode(ids: Sequence[int] | Ids, vocabulary: Sequence[str] = VOCABULARY) -> list[str]:
    """The tokens of some ids."""
    return [vocabulary[i] for i in ids]
