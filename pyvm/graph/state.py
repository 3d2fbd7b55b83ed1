"""What a machine knows at a position before it knows the instruction, and what collects its cases.

Enters: nothing.  Leaves: `Builder`, which writes down persists and fetches; `MachineState`,
`Fetched`; `Cases`, the sums over all cases of all instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyvm.graph.primitives import (
    AVERAGE,
    Dim,
    Expr,
    Fetch,
    FetchValue,
    Input,
    Linear,
    Persist,
    Product,
    Reglu,
    product_of,
)

# What running sums are kept higher by: far more than their rounding, and more than they can be.
LIFT = 1 << 32


class Builder:
    """Collects the persists of a machine in the order in which they are written down."""

    def __init__(self, embedded: Sequence[str]) -> None:
        self.position = Input("position")
        self.recency = Input("recency")
        self.position_sq = Input("position_sq")
        self.embedded = {name: Input(name) for name in embedded}
        self.one = self.embedded["one"]
        self.persists: list[Persist] = []

    def persist(self, name: str, expr: Linear, large: bool = False) -> Persist:
        """Keeps an expression of head outputs, or of products, in a slot."""
        dim = Persist(name, _joined(expr._expr()), large)
        self.persists.append(dim)
        return dim

    def gather(self, name: str, value: Linear, at: Linear) -> FetchValue:
        """The value at a position; positions before the first give the first."""
        return self.gathered(name, (value,), at)[0]

    def gathered(self, name: str, values: Sequence[Linear], at: Linear) -> tuple[FetchValue, ...]:
        """Values at one position."""
        place = (self.position._expr(), self.position_sq._expr(), Expr())
        return Fetch(name, tuple(v._expr() for v in values), at._expr(), *place).outputs()

    def newest(
        self,
        name: str,
        values: Sequence[Linear],
        query: Linear,
        key: Linear,
        square: Linear,
        clear: Linear,
    ) -> tuple[FetchValue, ...]:
        """Values at the newest position among those whose key is nearest the query."""
        terms = (query._expr(), key._expr(), square._expr(), clear._expr())
        return Fetch(name, tuple(v._expr() for v in values), *terms).outputs()

    def running_sums(self, *terms: tuple[str, Linear]) -> list[Expr]:
        """Sums over all positions so far: the mean, times the number of positions."""
        zero, one = Expr(), self.one._expr()
        values = tuple(term._expr() for _, term in terms)
        means = Fetch(
            "mean " + ", ".join(n for n, _ in terms), values, zero, zero, zero, zero, AVERAGE
        )
        count = self.position + one
        sums = []
        for (name, _), mean in zip(terms, means.outputs(), strict=True):
            kept = self.persist(f"mean {name}", mean)
            sums.append((name, kept))
        # A mean is rounded, and so is the product.  Far from zero float64 has no room for that: the
        # sum is kept 2^32 higher, where numbers are multiples of 2^-20, and taken down by readers.
        lifted = LIFT * Reglu("one", one, one)
        return [
            self.persist(name, Reglu(name, kept._expr(), count) + lifted) - LIFT * one
            for name, kept in sums
        ]


def _joined(expr: Expr) -> Expr:
    """The same sum, with equal products in one term; what cancels is gone."""
    first: dict[Product, Reglu] = {}
    terms: dict[Dim, int] = {}
    for dim, coefficient in expr.terms.items():
        if isinstance(dim, Reglu):
            dim = first.setdefault(product_of(dim), dim)
        terms[dim] = terms.get(dim, 0) + coefficient
    return Expr({dim: c for dim, c in terms.items() if c})


@dataclass(frozen=True)
class MachineState:
    """What is known before the instruction is: all numbers of the current position."""

    one: Expr
    position: Expr
    byte_index: Expr
    in_offset: Expr  # 1 from branch_taken to the commit
    call_depth: Expr
    top: Expr  # unsigned words; of eight bytes the upper four
    second: Expr
    top_at: Expr  # positions of first bytes
    second_at: Expr
    third_at: Expr
    call_at: Expr
    sign_difference: Expr  # the highest bit of second minus that of top
    # Of the standard machine alone:
    top_sign: Expr = Expr()
    second_sign: Expr = Expr()
    pages: Expr = Expr()  # of the memory; the position of the first byte of that number
    pages_at: Expr = Expr()


@dataclass(frozen=True)
class Fetched:
    """The instruction at the cursor: its opcode's point, and its immediate, either as the position
    of its first byte in the program or, when there is no program to look at, as bytes (the second
    four are those of the next row)."""

    x: Expr
    y: Expr
    immediate: Expr
    immediate_at: Expr | None = None
    immediate_bytes: tuple[Expr, ...] = ()


@dataclass
class Cases:
    """Sums over the cases; each list is added up.

    byte_at, added_at, subtracted_at: positions of bytes that the next byte is made of.  kind: the
    type of the next token.  value: what the next byte is made of without bytes.  key, square, mode:
    of the cell that is read or written (mode 0: the last byte goes there, 2: read).  table: 1 less
    where the last byte belongs to an entry of the table.  signed: 1 where the byte of a cell, or
    the byte A, carries the sign.
    """

    byte_at: list[Linear] = field(default_factory=list)
    added_at: list[Linear] = field(default_factory=list)
    subtracted_at: list[Linear] = field(default_factory=list)
    kind: list[Linear] = field(default_factory=list)
    value: list[Linear] = field(default_factory=list)
    key: list[Linear] = field(default_factory=list)
    square: list[Linear] = field(default_factory=list)
    mode: list[Linear] = field(default_factory=list)
    table: list[Linear] = field(default_factory=list)
    signed: list[Linear] = field(default_factory=list)
