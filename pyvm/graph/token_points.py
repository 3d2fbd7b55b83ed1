"""What each token means to the machine: its embedding columns, and its point in the output plane.

Enters: a vocabulary.  Leaves: for every token the embedded numbers (`embed`), and the pair
(type, value) that the output head must reach for the token to be generated (`output_points`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyvm.graph.opcode_points import opcode_points
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import TOKENS, Kind

OPCODE_POINTS = opcode_points(INSTRUCTIONS)

# Types of the next token, the first coordinate of the output plane. BYTE + 1 is a byte with a mark.
BYTE, MARKED_BYTE, OUT, HALT = range(4)
# Of the tokens that have no value.
TYPE = {
    spelling: 4 + i
    for i, spelling in enumerate(
        ("branch_taken", "call_commit", "return_commit")
        + tuple(token.spelling for token in TOKENS.values() if token.kind is Kind.COMMIT)
    )
}
BRANCH_TAKEN = TYPE["branch_taken"]

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


def embed(spelling: str) -> dict[str, int]:
    """The embedded numbers of a token; what is not named is 0."""
    token = TOKENS[spelling]
    row = {"one": 1, "no_push": 1 - int(token.pushes), "no_call": 1}
    row |= {"stack_step": token.stack_delta, "jump": int(token.jumps)}
    row |= {"cursor_step": int(token.completes)}
    if token.kind is Kind.BYTE:
        row |= {"byte": token.value, "top_bit": token.value >> 7}
        row |= {"carry": int(token.mark), "is_byte": 1}
    elif token.kind in (Kind.OPEN, Kind.START):
        # The bottom of both stacks: a lookup in an empty one finds depth 0 here.
        row |= {"no_push": 0, "no_call": 0}
    elif token.kind is Kind.CLOSE:
        # The cursor is -1 inside the program: nothing executes there.
        row |= {"cursor_step": 1}
    elif token.kind is Kind.BRANCH_TAKEN:
        row |= {"taken": 1}
    elif token.kind is Kind.CALL_COMMIT:
        row |= {"call_step": 1, "no_call": 0}
    elif token.kind is Kind.RETURN_COMMIT:
        row |= {"call_step": -1}
    elif token.kind is Kind.OPCODE:
        row["opcode_x"], row["opcode_y"] = OPCODE_POINTS[spelling]
    return row


def output_point(spelling: str) -> tuple[int, int] | None:
    """(type, value) of a token that can be generated; None for program tokens and aliases."""
    token = TOKENS[spelling]
    if token.alias:
        return None
    if token.kind is Kind.BYTE:
        return (MARKED_BYTE if token.mark else BYTE), token.value
    if token.kind is Kind.OUTPUT:
        return OUT, token.value
    kind = HALT if spelling == "halt" else TYPE.get(spelling)
    return None if kind is None else (kind, 0)


def embedding_columns(
    vocabulary: Sequence[str], names: Sequence[str] = EMBEDDED
) -> dict[str, tuple[int, ...]]:
    """For every embedded input its column: one number per token."""
    rows = [embed(token) for token in vocabulary]
    return {name: tuple(row.get(name, 0) for row in rows) for name in names}
