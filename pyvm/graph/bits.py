"""and, or, xor; shifts and rotations: what happens to single bits.

Enters: the state, and where the operands' bytes are.  Leaves: the positions of two bytes A and H,
and, from their bits, the byte that comes next.

Logic takes A of the second operand and H of the top.  A shift by n = 8 m + r bits takes A and H of
the second operand, m bytes further on: sixteen bits A + 256 H, of which the result is eight.  A
byte that is only copied, where its sign counts, is a shift by nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyvm.graph.gates import NOTHING, Gates, switch
from pyvm.graph.primitives import Expr, FetchValue, Linear, Persist, Reglu, total
from pyvm.graph.state import Builder, MachineState
from pyvm.graph.token_points import BITS
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import Instruction

# of  and  = both,  or = A + H - both,  xor = A + H - 2 both
_CODE = {"and": 1, "or": -1, "xor": -2}


@dataclass
class BitCases:
    """low_at, high_at: positions of A and H.  amount: 1 more than the bits by which the sixteen are
    shifted to the right; 0: not at all.  logic: 1 and, -1 or, -2 xor, else 0.  filled: what a sign
    fills."""

    low_at: list[Linear] = field(default_factory=list)
    high_at: list[Linear] = field(default_factory=list)
    amount: list[Linear] = field(default_factory=list)
    logic: list[Linear] = field(default_factory=list)
    filled: list[Linear] = field(default_factory=list)


def shift_count(b: Builder, s: MachineState, g: Gates) -> tuple[Expr, Expr, Expr]:
    """Of the lowest byte on top, where something shifts: bits 0 to 2, bits 3 to 4, bit 5."""
    rows = [r for r in g.language.rows if r.source == isa.SHIFT or r.operation == "sticky"]
    at = b.persist("count_at", total(g.when(row.name, s.top_at) for row in rows))
    bit = [b.embedded[name] for name in BITS]
    values = (bit[0] + 2 * bit[1] + 4 * bit[2], bit[3] + 2 * bit[4], bit[5])
    found = b.gathered("count", values, at)
    names = ("count_bits", "count_bytes", "count_more")
    r, m, more = (b.persist(name, value)._expr() for name, value in zip(names, found, strict=True))
    return r, m, more


def bit_cases(s: MachineState, g: Gates, count: tuple[Expr, Expr, Expr]) -> BitCases:
    """Which bytes, and what is done with their bits."""
    cases, k = BitCases(), s.byte_index
    for row in g.language.rows:
        if row.source == isa.LOGIC:
            cases.low_at.append(g.when(row.name, s.second_at + k))
            cases.high_at.append(g.when(row.name, s.top_at + k))
            cases.logic.append(_CODE[row.operation] * g.when(row.name, s.one))
        elif row.source == isa.SHIFT:
            _shift(cases, row, s, g, count)
        elif row.source == isa.TOP and row.access_bytes and not row.cell:
            copied = row.access_bytes
            cases.low_at.append(g.first_bytes(row.name, s.top_at + k, copied))
            cases.amount.append(g.first_bytes(row.name, s.one, copied))
    return cases


def _shift(
    cases: BitCases, row: Instruction, s: MachineState, g: Gates, count: tuple[Expr, Expr, Expr]
) -> None:
    op, one, k, size = row.name, s.one, s.byte_index, row.operand_bytes
    r, m = count[0], count[1] + (4 * count[2] if size == 8 else NOTHING)
    here, there = s.second_at + k - m, s.second_at + k + m

    def where(value: Linear, index: Expr) -> Expr:
        """value where op is fetched and the index is not negative; it is below 32."""
        return switch(op, one, value, 32 * (g.gate(op) - one) + index + one)

    if row.operation == "shl":  # H is the byte m below, A the one below that
        cases.low_at.append(where(here - one, k - m - one))
        cases.high_at.append(where(here, k - m))
    elif row.operation == "rotl":
        cases.low_at.append(g.when(op, here + (size - 1) * one) - size * where(one, k - m - one))
        cases.high_at.append(g.when(op, here + size * one) - size * where(one, k - m))
    elif row.operation == "rotr":
        cases.low_at.append(g.when(op, there) - size * where(one, k + m - size * one))
        cases.high_at.append(g.when(op, there + one) - size * where(one, k + m - (size - 1) * one))
    else:
        cases.low_at.append(where(there, (size - 1) * one - k - m))
        cases.high_at.append(where(there + one, (size - 2) * one - k - m))
    left = row.operation in ("shl", "rotl")
    cases.amount.append(g.when(op, 9 * one - r if left else r + one))
    if row.operation == "shr_s":
        # Of a negative number the 8 k + 8 m + r - 8 (size - 1) highest bits, at most eight.
        ones = 8 * k + 8 * m + r - 8 * (size - 1) * one
        slopes = [128, *(-(1 << 7 - j) for j in range(1, 8)), -1]
        negative = g.far(op, s.second_sign - one)
        cases.filled += [
            c * Reglu(op, one, ones - j * one + negative) for j, c in enumerate(slopes)
        ]


def bit_value(
    low: tuple[Expr, ...], high: tuple[Expr, ...], amount: Linear, logic: Linear, one: Linear
) -> Expr:
    """The byte that logic or a shift makes of the bits of A (low) and H (high)."""
    # shifted(amount) is linear between whole numbers: 0 at 0, seen[t] at t + 1.
    window = [*low, *high]
    seen = [NOTHING, *(total((1 << i) * window[t + i] for i in range(8)) for t in range(9))]
    shifted = Reglu("shift 0", seen[1], amount._expr()) + total(
        Reglu(f"shift {t}", seen[t + 1] - 2 * seen[t] + seen[t - 1], amount - t * one)
        for t in range(1, 9)
    )
    low_byte, high_byte = (total((1 << i) * bit for i, bit in enumerate(b)) for b in (low, high))
    both = total(Reglu(f"and {i}", (1 << i) * logic, low[i] + high[i] - one) for i in range(8))
    # `both` is and, -or's or -xor's part; or and xor add A + H.
    either = low_byte + high_byte
    return shifted + both + Reglu("either", either, -logic) - Reglu("once", either, -logic - one)


def kept_bits(b: Builder, name: str, found: Sequence[FetchValue]) -> tuple[Expr, ...]:
    """The eight bits of a fetched byte, each in a slot."""
    kept: list[Persist] = [b.persist(f"{name} bit {i}", value) for i, value in enumerate(found)]
    return tuple(bit._expr() for bit in kept)
