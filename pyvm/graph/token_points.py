"""What each token means to the machine: its embedding columns, and its point in the output plane.

Enters: a vocabulary.  Leaves: for every token the embedded numbers (`embed`), and the pair
(type, value) that the output head must reach for the token to be generated (`output_points`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyvm.graph.opcode_points import opcode_points
from pyvm.program.instructions import COMMITS, INSTRUCTIONS
from pyvm.program.tokens import ALIASES, commit_token

OPCODE_POINTS = opcode_points(INSTRUCTIONS)

# Types of the next token, the first coordinate of the output plane. BYTE + 1 is a byte with a mark.
BYTE, MARKED_BYTE, OUT, HALT, BRANCH_TAKEN, CALL_COMMIT, RETURN_COMMIT = range(7)
COMMIT_TYPE = {
    commit_token(delta, pushes, branch): 7 + i
    for i, (delta, pushes, branch) in enumerate(
        (d, s, b) for d, s in COMMITS for b in (False, True)
    )
}

EMBEDDED = (
    "one",  # the constant 1
    "byte",  # value of a byte token
    "top_bit",  # its bit 7
    "carry",  # its mark
    "is_byte",
    "cursor_step",  # instructions that the token completes
    "jump",  # 1: the last four bytes are an offset to apply
    "stack_step",  # change of the operand stack's depth
    "call_step",  # change of the call depth
    "no_push",  # 0: the last four bytes go on the operand stack, or its bottom
    "no_call",  # 0: call_commit, or the bottom of the call stack
    "taken",  # 1: branch_taken, the bytes that follow are an offset
    "opcode_x",  # the opcode's point, for program tokens
    "opcode_y",
)

_BYTE = re.compile(r"([0-9a-f]{2})('?)")
_OUT = re.compile(r"out\((?:([0-9a-f]{2})|(.))\)")
_COMMIT = re.compile(r"commit\(([+-]\d),sts=([01]),bt=([01])\)")


def _byte_of(token: str) -> tuple[int, bool] | None:
    """(value, mark) of a byte token or alias, else None."""
    if match := _BYTE.fullmatch(token):
        return int(match[1], 16), bool(match[2])
    return (ord(token), False) if token in ALIASES else None


def embed(token: str) -> dict[str, int]:
    """The embedded numbers of a token; what is not named is 0."""
    row = {"one": 1, "no_push": 1, "no_call": 1}
    if byte := _byte_of(token):
        value, mark = byte
        row |= {"byte": value, "top_bit": value >> 7, "carry": int(mark), "is_byte": 1}
    elif match := _COMMIT.fullmatch(token):
        row |= {"cursor_step": 1, "stack_step": int(match[1])}
        row |= {"no_push": 1 - int(match[2]), "jump": int(match[3])}
    elif _OUT.fullmatch(token):
        row |= {"cursor_step": 1, "stack_step": -1}
    elif token in ("{", "start"):
        # The bottom of both stacks: a lookup in an empty one finds depth 0 here.
        row |= {"no_push": 0, "no_call": 0}
    elif token == "}":
        row |= {"cursor_step": 1}
    elif token == "branch_taken":
        row |= {"taken": 1}
    elif token == "call_commit":
        row |= {"cursor_step": 1, "jump": 1, "call_step": 1, "no_call": 0}
    elif token == "return_commit":
        row |= {"cursor_step": 1, "jump": 1, "call_step": -1}
    else:
        row["opcode_x"], row["opcode_y"] = OPCODE_POINTS[token]
    return row


def output_point(token: str) -> tuple[int, int] | None:
    """(type, value) of a token that can be generated; None for program tokens and aliases."""
    if match := _BYTE.fullmatch(token):
        return (MARKED_BYTE if match[2] else BYTE), int(match[1], 16)
    if match := _OUT.fullmatch(token):
        return OUT, int(match[1], 16) if match[1] else ord(match[2])
    named = {
        "halt": HALT,
        "branch_taken": BRANCH_TAKEN,
        "call_commit": CALL_COMMIT,
        "return_commit": RETURN_COMMIT,
    }
    kind = named.get(token, COMMIT_TYPE.get(token))
    return None if kind is None else (kind, 0)


def embedding_columns(
    vocabulary: Sequence[str], names: Sequence[str] = EMBEDDED
) -> dict[str, tuple[int, ...]]:
    """For every embedded input its column: one number per token."""
    rows = [embed(token) for token in vocabulary]
    return {name: tuple(row.get(name, 0) for row in rows) for name in names}
