"""and, or, xor; shifts and rotations: what happens to single bits.

Enters: the state, and where the operands' bytes are.  Leaves: the positions of two bytes A and H,
and, from their bits, the byte that comes next.

Logic takes A of the second operand and H of the top.  A shift by n = 8 m + r bits takes A and H of
the second operand, m bytes further on: sixteen bits A + 256 H, of which the result is eight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyvm.graph.gates import Gates, switch
from pyvm.graph.primitives import Expr, FetchValue, Linear, Persist, Reglu, total
from pyvm.graph.state import Builder, MachineState
from pyvm.graph.token_points import BITS
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import Instruction

# of  and  = both,  or = A + H - both,  xor = A + H - 2 both
_CODE = {"and": 1, "or": -1, "xor": -2}


@dataclass(frozen=True)
class BitCases:
    """byte_at, high_at: positions of A and H.  amount: by how many bits the sixteen are shifted to
    the right.  logic: 1 and, -1 or, -2 xor, else 0.  value: what a sign fills."""

    byte_at: Expr
    high_at: Expr
    amount: Expr
    logic: Expr
    value: Expr


def shift_count(b: Builder, s: MachineState, g: Gates) -> tuple[Expr, Expr, Expr]:
    """Of the lowest byte on top, where a shift is fetched: bits 0 to 2, bits 3 to 4, bit 5."""
    rows = [row for row in g.language.rows if row.source == isa.SHIFT]
    at = b.persist("count_at", total(g.when(row.name, s.top_at) for row in rows))
    bit = [b.embedded[name] for name in BITS]
    values = (bit[0] + 2 * bit[1] + 4 * bit[2], bit[3] + 2 * bit[4], bit[5])
    found = b.gathered("count", values, at)
    names = ("count_bits", "count_bytes", "count_more")
    r, m, more = (b.persist(name, value)._expr() for name, value in zip(names, found, strict=True))
    return r, m, more


def bit_cases(s: MachineState, g: Gates, count: tuple[Expr, Expr, Expr]) -> BitCases:
    """Which bytes, and what is done with their bits."""
    byte_at: list[Linear] = []
    high_at: list[Linear] = []
    amount: list[Linear] = []
    logic: list[Linear] = []
    value: list[Linear] = []
    k = s.byte_index
    for row in g.language.rows:
        if row.source == isa.LOGIC:
            byte_at.append(g.when(row.name, s.second_at + k))
            high_at.append(g.when(row.name, s.top_at + k))
            logic.append(_CODE[row.operation] * g.when(row.name, s.one))
        elif row.source == isa.SHIFT:
            bits, low, high, filled = _shift(row, s, g, count)
            amount.append(bits)
            byte_at += low
            high_at += high
            value += filled
    return BitCases(*map(total, (byte_at, high_at, amount, logic, value)))


def _shift(
    row: Instruction, s: MachineState, g: Gates, count: tuple[Expr, Expr, Expr]
) -> tuple[Expr, list[Linear], list[Linear], list[Linear]]:
    """Amount, terms of A's position, of H's position, and what the sign fills."""
    op, one, k, size = row.name, s.one, s.byte_index, row.operand_bytes
    r, m = count[0], count[1] + (4 * count[2] if size == 8 else Expr())
    here, there = s.second_at + k - m, s.second_at + k + m

    def where(value: Linear, index: Expr) -> Expr:
        """value where op is fetched and the index is not negative; it is below 8 + size."""
        return switch(op, one, value, 32 * (g.gate(op) - one) + index + one)

    if row.operation == "shl":  # H is the byte m below, A the one below that
        return (
            g.when(op, 8 * one - r),
            [where(here - one, k - m - one)],
            [where(here, k - m)],
            [],
        )
    if row.operation == "rotl":
        return (
            g.when(op, 8 * one - r),
            [g.when(op, here + (size - 1) * one), -size * where(one, k - m - one)],
            [g.when(op, here + size * one), -size * where(one, k - m)],
            [],
        )
    if row.operation == "rotr":
        return (
            g.when(op, r),
            [g.when(op, there), -size * where(one, k + m - size * one)],
            [g.when(op, there + one), -size * where(one, k + m - (size - 1) * one)],
            [],
        )
    filled: list[Linear] = []
    if row.operation == "shr_s":
        # Of a negative number the 8 k + 8 m + r - 8 (size - 1) highest bits, at most eight.
        ones = 8 * k + 8 * m + r - 8 * (size - 1) * one
        slopes = [128, *(-(1 << 7 - j) for j in range(1, 8)), -1]
        negative = g.far(op, s.second_sign - one)
        filled = [c * Reglu(op, one, ones - j * one + negative) for j, c in enumerate(slopes)]
    return (
        g.when(op, r),
        [where(there, (size - 1) * one - k - m)],
        [where(there + one, (size - 2) * one - k - m)],
        filled,
    )


def bit_value(
    low: tuple[Expr, ...], high: tuple[Expr, ...], amount: Linear, logic: Linear, one: Linear
) -> Expr:
    """The byte that logic or a shift makes of the bits of A (low) and H (high).

    A byte A alone, with amount and logic 0, is added elsewhere.
    """
    # shifted(r) is linear between whole numbers r; where amount is 0 it is 0.
    window = [*low, *high]
    seen = [total((1 << i) * window[t + i] for i in range(8)) for t in range(9)]
    shifted = Reglu("shift 0", seen[1] - seen[0], amount._expr()) + total(
        Reglu(f"shift {t}", seen[t + 1] - 2 * seen[t] + seen[t - 1], amount - t * one)
        for t in range(1, 8)
    )
    low_byte, high_byte = (total((1 << i) * bit for i, bit in enumerate(b)) for b in (low, high))
    both = total(
        Reglu(f"and {i}", (1 << i) * logic, low[i] + high[i] - one) for i in range(8)
    )
    # A is there already: `and` takes it away; `or` and `xor` add H.
    return (
        shifted
        + both
        - Reglu("no A", low_byte, logic._expr())
        + Reglu("H", high_byte, -logic)
        - Reglu("H once", high_byte, -logic - one)
    )


def kept_bits(b: Builder, name: str, found: Sequence[FetchValue]) -> tuple[Expr, ...]:
    """The eight bits of a fetched byte, each in a slot."""
    kept: list[Persist] = [
        b.persist(f"{name} bit {i}", value) for i, value in enumerate(found)
    ]
    return tuple(bit._expr() for bit in kept)
