"""Comparisons of eight bytes.

Enters: the state.  Leaves: the result, the first byte of the value.

The words of the upper halves are the state's top and second.  Those of the lower halves are
gathered where they were complete.  The difference of the upper halves decides, then that of the
lower ones: twice the first plus the sign of the second has the sign of the whole.
"""

from __future__ import annotations

from pyvm.graph.dispatch import compared
from pyvm.graph.gates import NOTHING, Gates, step
from pyvm.graph.primitives import Expr, Linear
from pyvm.graph.state import Builder, MachineState
from pyvm.isa import instructions as isa


def wide_comparison(b: Builder, s: MachineState, g: Gates, last_word: Linear) -> Expr:
    """1 where a comparison of eight bytes is fetched and holds, and its byte comes next."""
    one, k = s.one, s.byte_index
    rows = [r for r in g.language.rows if r.source == isa.COMPARE and r.operand_bytes == 8]
    top_at, second_at = NOTHING, NOTHING
    for row in rows:
        top_at += g.when(row.name, s.top_at + 4 * one, -k)
        if row.pops == 2:
            second_at += g.when(row.name, s.second_at + 4 * one, -k)
    low = b.persist(
        "low_difference",
        b.gather("low half of second", last_word, b.persist("low_second_at", second_at))
        - b.gather("low half of top", last_word, b.persist("low_top_at", top_at)),
    )
    sign = b.persist("low_sign", step("low >", one, low) - step("low <", one, -low))
    difference = s.second - s.top
    signed = difference - (1 << 32) * s.sign_difference
    result = NOTHING
    for row in rows:
        relation, _, how = row.operation.partition("_")
        if relation == "eqz":
            number = -2 * s.top + sign
            relation = "eq"
        else:
            number = 2 * (signed if how == "s" else difference) + sign
        result += compared(row.name, relation, number, g, -k)
    return b.persist("wide_result", result)._expr()
