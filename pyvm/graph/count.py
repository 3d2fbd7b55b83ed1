"""clz, ctz, popcnt: counting bits.

Enters: the state.  Leaves: the count, the first byte of the value.

Each byte has columns: 8 minus its leading zeros, 8 minus its trailing zeros.  As digits of base 16
of a number N they tell where the first one is: if byte i is the highest that is not zero, N lies
between d 16^i and (d + 1) 16^i, where d is its column, and of the thresholds v 16^j (v = 1 .. 8)
exactly 8 i + d are passed.  For trailing zeros the digits stand in the other order.
"""

from __future__ import annotations

from pyvm.graph.gates import NOTHING, Gates, step
from pyvm.graph.primitives import Expr, FetchValue, total
from pyvm.graph.state import Builder, MachineState
from pyvm.graph.token_points import BITS
from pyvm.isa import instructions as isa


def count_value(b: Builder, s: MachineState, g: Gates) -> Expr:
    """The count where one is fetched and its first byte comes next, else 0."""
    one, k = s.one, s.byte_index
    rows = [row for row in g.language.rows if row.source == isa.COUNT]
    first, last = NOTHING, NOTHING
    for row in rows:
        if row.operation == "ctz":
            last += g.when(row.name, s.top_at + (row.operand_bytes - 1) * one, -k)
        else:
            first += g.when(row.name, s.top_at, -k)
    first_at, last_at = b.persist("counted_at", first), b.persist("counted_to", last)
    ones = total(b.embedded[name] for name in BITS)
    forth = [
        b.gathered(f"counted {i}", (b.embedded["leading"], ones), first_at + i * one)
        for i in range(8)
    ]
    back = [b.gathered(f"counted back {i}", (b.embedded["trailing"],), last_at - i * one)
            for i in range(8)]  # fmt: skip

    def halves(name: str, values: list[FetchValue], base: int) -> tuple[Expr, Expr]:
        """The number of digits 0 to 3, and of all."""
        low = b.persist(f"{name} low", total(base**i * v for i, v in enumerate(values[:4])))
        high = b.persist(f"{name} high", total(base ** (i + 4) * v for i, v in enumerate(values[4:])))
        return low._expr(), low + high

    numbers = {
        "clz": halves("leading", [v[0] for v in forth], 16),
        "popcnt": halves("ones", [v[1] for v in forth], 1),
        "ctz": halves("trailing", [v[0] for v in back], 16),
    }
    digits, count = NOTHING, NOTHING
    for row in rows:
        number = g.when(row.name, numbers[row.operation][row.operand_bytes == 8], -k)
        if row.operation == "popcnt":
            count += number
        else:
            digits += number
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
    return counted - passed
