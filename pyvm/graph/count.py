"""clz, ctz, popcnt, sticky: counting bits.

Enters: the state.  Leaves: the count, the first byte of the value.

Each byte has columns: 8 minus its leading zeros, 8 minus its trailing zeros.  As digits of base 16
of a number N they tell where the first one is: if byte i is the highest that is not zero, N lies
between d 16^i and (d + 1) 16^i, where d is its column, and of the thresholds v 16^j (v = 1 .. 8)
exactly 8 i + d are passed.  For trailing zeros the digits stand in the other order.
The positions that are not asked for are 0 or less, where all columns are 0.
"""

from __future__ import annotations

from pyvm.graph.gates import NOTHING, Gates, step, switch
from pyvm.graph.primitives import Expr, total
from pyvm.graph.state import Builder, MachineState
from pyvm.graph.token_points import BITS
from pyvm.isa import instructions as isa

_FAR = 1 << 10  # more than any count


def count_value(b: Builder, s: MachineState, g: Gates, shift: Expr) -> Expr:
    """The count where one is fetched and its first byte comes next, else 0.

    `shift`: the bits that a shift by the top would shift eight bytes by.
    """
    one, k = s.one, s.byte_index
    rows = [row for row in g.language.rows if row.source == isa.COUNT]
    low, high = NOTHING, NOTHING
    for row in rows:
        at = s.second_at if row.operation == "sticky" else s.top_at
        low += g.when(row.name, at + 4 * one, -k)
        if row.operand_bytes == 8:
            high += g.when(row.name, at + 8 * one, -k)
    ends = b.persist("counted_low", low), b.persist("counted_high", high)
    ones = total(b.embedded[name] for name in BITS)
    columns = (b.embedded["leading"], b.embedded["trailing"], ones)
    found = [
        b.gathered(f"counted {i}", columns, ends[i // 4] - (4 - i % 4) * one) for i in range(8)
    ]
    leading = b.persist("leading bits", total(16**i * v[0] for i, v in enumerate(found)))
    low_trailing, high_trailing = (
        b.persist(
            f"{name} trailing bits",
            total(16 ** (3 - i) * v[1] for i, v in enumerate(found[first : first + 4])),
        )
        for name, first in (("low", 0), ("high", 4))
    )
    all_ones = b.persist("all ones", total(v[2] for v in found))
    digits, count, lost = NOTHING, NOTHING, NOTHING
    for row in rows:
        wide = row.operand_bytes == 8
        if row.operation == "popcnt":
            count += g.when(row.name, all_ones, -k)
            continue
        trailing = 16**4 * low_trailing + high_trailing if wide else low_trailing._expr()
        digits += g.when(row.name, leading if row.operation == "clz" else trailing, -k)
        if row.operation == "sticky":
            lost += g.when(row.name, shift + _FAR * one, -k)
        count += g.when(row.name, 8 * row.operand_bytes * one, -k)
    number_of_digits = b.persist("digits", digits)
    counted = b.persist("counted", count)
    passed = b.persist(
        "passed",
        total(
            step(f"{v} 16^{j}", one, number_of_digits - (v * 16**j - 1) * one)
            for j in range(8)
            for v in range(1, 9)
        ),
    )
    # sticky: more bits are lost than the zeros that second ends with, 64 - passed.
    zeros, limit = counted - passed, b.persist("lost", lost)
    result = step("sticky", one, limit - zeros - _FAR * one)
    return zeros + b.persist("any lost", result - switch("sticky", one, zeros, limit))
