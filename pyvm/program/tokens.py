"""The token language: the vocabulary, and text to token ids and back.

Enters: text (words separated by white space).  Leaves: int32 arrays of token ids in the order of
a vocabulary.  `VOCABULARY` is the standard machine's, 915 tokens; other models bring their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pyvm.program.instructions import COMMITS, INSTRUCTIONS

# Printable ASCII that may stand for its own byte in an input: white space separates words, and
# the braces delimit the program.
ALIASES = tuple(chr(c) for c in range(0x21, 0x7F) if chr(c) not in "{}")


def byte_token(value: int, carry: bool = False) -> str:
    """The token of a byte; `carry` marks a carry, borrow or sign passed to the next byte."""
    return f"{value:02x}'" if carry else f"{value:02x}"


def output_token(value: int) -> str:
    """The token that outputs a byte: out(c) for printable characters but space, else out(hh)."""
    return f"out({chr(value)})" if 0x21 <= value < 0x7F else f"out({value:02x})"


def commit_token(stack_delta: int, pushes: bool, branch: bool = False) -> str:
    """The token that completes an instruction (`branch`: a branch offset is applied)."""
    return f"commit({stack_delta:+d},sts={int(pushes)},bt={int(branch)})"


VOCABULARY: tuple[str, ...] = (
    *(byte_token(b) for b in range(256)),
    *(byte_token(b, carry=True) for b in range(256)),
    *(output_token(b) for b in range(256)),
    *(commit_token(d, s, bt) for d, s in COMMITS for bt in (False, True)),
    "branch_taken",
    "call_commit",
    "return_commit",
    "{",
    "}",
    *INSTRUCTIONS,
    *ALIASES,
)

TOKEN_ID: dict[str, int] = {token: i for i, token in enumerate(VOCABULARY)}


class TokenError(ValueError):
    """A word that is no token, with its position."""


def parse(text: str, token_id: dict[str, int] = TOKEN_ID) -> np.ndarray:
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


def encode(tokens: Iterable[str], token_id: dict[str, int] = TOKEN_ID) -> np.ndarray:
    """Token ids (int32) of tokens that are known to be in the vocabulary."""
    return np.fromiter((token_id[token] for token in tokens), dtype=np.int32)


def decode(ids: Sequence[int] | np.ndarray, vocabulary: Sequence[str] = VOCABULARY) -> list[str]:
    """The tokens of some ids."""
    return [vocabulary[i] for i in ids]
