"""The token language: every token with its meaning, the vocabulary, and text to ids and back.

Enters: text (words separated by white space).  Leaves: int32 arrays of token ids in the order of
a vocabulary.  `VOCABULARY` is the standard machine's, 915 tokens; other models bring their own, in
which the same spelling means the same.

A prompt is `{`, per instruction its opcode and four immediate bytes (least significant first), `}`;
then, when instruction 0 is input_base, the input's bytes, 00 and END_OF_INPUT.  A specialised
model's prompt is `start` and the input.  A trace has per executed instruction: `branch_taken` when
it jumps, the bytes of its value (least significant first), and one token that completes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import COMMITS, INSTRUCTIONS, Instruction

Ids = npt.NDArray[np.int32]


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


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes:
        value: the byte of a BYTE or OUTPUT.
        mark: of a BYTE: a carry, borrow or sign is passed to the next byte.
        alias: of a BYTE: a printable character that stands for itself in an input.
        stack_delta: change of the operand stack's depth.
        pushes: the last four bytes go on the operand stack.
        jumps: the last four bytes are an offset that moves the cursor.
    """

    spelling: str
    kind: Kind
    value: int = 0
    mark: bool = False
    alias: bool = False
    stack_delta: int = 0
    pushes: bool = False
    jumps: bool = False

    @property
    def completes(self) -> bool:
        """It completes an instruction: the cursor moves by one (and by the offset if it jumps)."""
        return self.kind in _COMPLETING


_COMPLETING = (Kind.OUTPUT, Kind.COMMIT, Kind.CALL_COMMIT, Kind.RETURN_COMMIT)


def byte_token(value: int, carry: bool = False) -> str:
    """The token of a byte; `carry` marks a carry, borrow or sign passed to the next byte."""
    return f"{value:02x}'" if carry else f"{value:02x}"


def output_token(value: int) -> str:
    """The token that outputs a byte: out(c) for printable characters but space, else out(hh)."""
    return f"out({chr(value)})" if 0x21 <= value < 0x7F else f"out({value:02x})"


def commit_token(stack_delta: int, pushes: bool, branch: bool = False) -> str:
    """The token that completes an instruction (`branch`: a branch offset is applied)."""
    return f"commit({stack_delta:+d},sts={int(pushes)},bt={int(branch)})"


def completing_token(row: Instruction) -> str:
    """The token that completes an instruction (of a br_if: one that is taken); out(00) for all
    of `output`, the end of the input for input_base."""
    if row.completion == isa.OUTPUT:
        return output_token(0)
    if row.completion in (isa.COMMIT, isa.BRANCH, isa.NEVER):
        return commit_token(row.stack_delta, row.pushes, row.completion == isa.BRANCH)
    return row.completion


def _tokens() -> Iterable[Token]:
    """All tokens in the order of the standard vocabulary, then `start`."""
    for mark in (False, True):
        for value in range(256):
            yield Token(byte_token(value, mark), Kind.BYTE, value, mark)
    for value in range(256):
        yield Token(output_token(value), Kind.OUTPUT, value, stack_delta=-1)
    for delta, pushes in COMMITS:
        for jumps in (False, True):
            spelling = commit_token(delta, pushes, jumps)
            yield Token(spelling, Kind.COMMIT, stack_delta=delta, pushes=pushes, jumps=jumps)
    yield Token("branch_taken", Kind.BRANCH_TAKEN)
    yield Token("call_commit", Kind.CALL_COMMIT, jumps=True)
    yield Token("return_commit", Kind.RETURN_COMMIT, jumps=True)
    yield Token("{", Kind.OPEN)
    yield Token("}", Kind.CLOSE)
    for name in INSTRUCTIONS:
        yield Token(name, Kind.OPCODE)
    # Printable ASCII that may stand for its own byte in an input: white space separates words, and
    # the braces delimit the program.
    for value in range(0x21, 0x7F):
        if chr(value) not in "{}":
            yield Token(chr(value), Kind.BYTE, value, alias=True)
    yield Token("start", Kind.START)


# Every token by its spelling. Only specialised models have `start`.
TOKENS: dict[str, Token] = {token.spelling: token for token in _tokens()}
VOCABULARY: tuple[str, ...] = tuple(
    token.spelling for token in TOKENS.values() if token.kind is not Kind.START
)
TOKEN_ID: dict[str, int] = {token: i for i, token in enumerate(VOCABULARY)}
ALIASES: tuple[str, ...] = tuple(token.spelling for token in TOKENS.values() if token.alias)
# No instruction commits this way: it only stands behind an input.
END_OF_INPUT = commit_token(0, False)


class TokenError(ValueError):
    """A word that is no token, with its position."""


def parse(text: str, token_id: dict[str, int] = TOKEN_ID) -> Ids:
    """Token ids (int32) of a text; raises TokenError that names the first unknown word."""
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
    return np.fromiter((token_id[token] for token in tokens), dtype=np.int32)


def decode(ids: Sequence[int] | Ids, vocabulary: Sequence[str] = VOCABULARY) -> list[str]:
    """The tokens of some ids."""
    return [vocabulary[i] for i in ids]
