"""What each token means to a machine: its embedding columns, and its point in the output plane.

Enters: a vocabulary.  Leaves: for every token the embedded numbers (`embed`), and the pair
(type, value) that the output head must reach for the token to be generated (`output_point`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pyvm.graph.opcode_points import Circle, circle_for
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.tokens import (
    BASE_VOCABULARY,
    TOKENS,
    VOCABULARY,
    Kind,
    Token,
)

# Types of the next token, the first coordinate of the output plane. BYTE + 1 is a byte with a mark.
BYTE, MARKED_BYTE, OUT, HALT = range(4)
_WITHOUT_VALUE = (Kind.BRANCH_TAKEN, Kind.CALL_COMMIT, Kind.RETURN_COMMIT, Kind.COMMIT, Kind.RESIZE)
# The cursor behind every program: the opcode is looked for at the last token, a trap's, which has
# the point of `halt`.
FAR_CURSOR = 1 << 30
# Of the memory until the program says how many it has.
MOST_PAGES = 1 << 16

EMBEDDED = (
    "one",  # the constant 1
    "byte",  # value of a byte token
    "top_bit",  # its bit 7
    "carry",  # its mark
    "is_byte",
    "cursor_step",  # rows of the program that the token completes
    "jump",  # 1: the last four bytes are an offset to apply
    "stack_step",  # change of the operand stack's depth
    "call_step",  # change of the call depth
    "no_push",  # 0: the last four bytes go on the operand stack, or its bottom
    "no_call",  # 0: call_commit, or the bottom of the call stack
    "taken",  # 1: branch_taken, the bytes that follow are an offset
    "opcode_x",  # the opcode's point, for program tokens
    "opcode_y",
)
# The other seven bits of a byte, and what is read off a byte to count bits.
BITS = (*(f"bit_{i}" for i in range(7)), "top_bit")
MORE_EMBEDDED = (
    *BITS[:7],
    "scratch",  # the number of a scratch token
    "leading",  # 8 minus the zeros that a byte begins with
    "trailing",  # 8 minus the zeros that it ends with
    "wide",  # 4: eight bytes go on the stack
    "no_size",  # 0: the last four bytes are the memory's size
)


@dataclass(frozen=True)
class Language:
    """The tokens of a machine.

    Attributes:
        rows: its instructions.
        vocabulary: its tokens.
        columns: the numbers that are embedded.
        circle, opcode: a point for each opcode.
        types: the type of each token that has no value, of traps, and of the kinds that have one.
    """

    rows: tuple[Instruction, ...]
    vocabulary: tuple[str, ...]
    columns: tuple[str, ...]
    circle: Circle
    opcode: dict[str, tuple[int, int]]
    types: dict[str | Kind, int]

    def embed(self, spelling: str) -> dict[str, int]:
        """The embedded numbers of a token; what is not named is 0."""
        token = TOKENS[spelling]
        row = {"one": 1, "no_push": 1 - bool(token.pushed_bytes), "no_call": 1, "no_size": 1}
        row |= {"stack_step": token.stack_delta, "jump": int(token.jumps)}
        row |= {"cursor_step": token.rows, "wide": max(0, token.pushed_bytes - 4)}
        if token.kind is Kind.BYTE:
            row |= _byte(token)
        elif token.kind is Kind.SCRATCH:
            row |= {"scratch": token.value, "is_byte": 1}
        elif token.kind in (Kind.OPEN, Kind.START):
            # The bottom of both stacks: a lookup in an empty one finds depth 0 here.  So does one
            # for the memory's size, which is the last word plus `wide`.
            row |= {"no_push": 0, "no_call": 0, "no_size": 0, "wide": MOST_PAGES}
        elif token.kind is Kind.CLOSE:
            # The cursor is -1 inside the program: nothing executes there.
            row |= {"cursor_step": 1}
        elif token.kind is Kind.BRANCH_TAKEN:
            row |= {"taken": 1}
        elif token.kind is Kind.CALL_COMMIT:
            row |= {"call_step": 1, "no_call": 0}
        elif token.kind is Kind.RETURN_COMMIT:
            row |= {"call_step": -1}
        elif token.kind is Kind.RESIZE:
            row |= {"no_size": 0}
        elif token.kind is Kind.TRAP:
            row |= {"cursor_step": FAR_CURSOR}
            row["opcode_x"], row["opcode_y"] = self.opcode["halt"]
        elif token.kind is Kind.OPCODE:
            row["opcode_x"], row["opcode_y"] = self.opcode[spelling]
        return row

    def output_point(self, spelling: str) -> tuple[int, int] | None:
        """(type, value) of a token that can be generated; None for program tokens and aliases."""
        token = TOKENS[spelling]
        if token.alias:
            return None
        if token.kind is Kind.BYTE:
            return (MARKED_BYTE if token.mark else BYTE), token.value
        if token.kind in (Kind.OUTPUT, Kind.ERROR, Kind.SCRATCH):
            return self.types[token.kind], token.value
        kind = self.types.get(spelling)
        return None if kind is None else (kind, 0)

    def embedding_columns(self, vocabulary: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """For every embedded input its column: one number per token."""
        rows = [self.embed(token) for token in vocabulary]
        return {name: tuple(row.get(name, 0) for row in rows) for name in self.columns}


def _byte(token: Token) -> dict[str, int]:
    value = token.value
    bits = {name: value >> i & 1 for i, name in enumerate(BITS)}
    trailing = 9 - (value & -value).bit_length() if value else 0
    return {
        "byte": value,
        "carry": int(token.mark),
        "is_byte": 1,
        "leading": value.bit_length(),
        "trailing": trailing,
        **bits,
    }


@cache
def language(machine: str) -> Language:
    """The tokens of the "base" or of the "standard" machine."""
    base = machine == "base"
    rows = tuple(row for row in INSTRUCTIONS.values() if row.base or not base)
    vocabulary = BASE_VOCABULARY if base else VOCABULARY
    circle = circle_for([row.name for row in rows])
    types: dict[str | Kind, int] = {"halt": HALT, Kind.OUTPUT: OUT}
    named = ("branch_taken", "call_commit", "return_commit")
    without_value = [t for t in vocabulary if TOKENS[t].kind in _WITHOUT_VALUE and t not in named]
    for spelling in (*named, *without_value):
        types[spelling] = len(types) + 2
    if not base:
        types |= {Kind.SCRATCH: len(types) + 2, Kind.ERROR: len(types) + 3}
        types[Kind.TRAP] = first = len(types) + 2  # plus the kind
        traps = (TOKENS[token] for token in vocabulary if TOKENS[token].kind is Kind.TRAP)
        types |= {token.spelling: first + token.value for token in traps}
    return Language(
        rows=rows,
        vocabulary=vocabulary,
        columns=EMBEDDED if base else (*EMBEDDED, *MORE_EMBEDDED),
        circle=circle,
        opcode=circle.place([row.name for row in rows]),
        types=types,
    )
