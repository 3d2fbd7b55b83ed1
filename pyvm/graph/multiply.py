"""mul: the products of bytes, column by column.

Enters: the state.  Leaves: the value of the next token, a scratch token or a byte.

Column c of a product is t = sum of a_i b_(c - i) plus what column c - 1 carried; it carries
t // 256.  First the carries of all columns are emitted as scratch tokens, then the bytes, each
t - 256 (what column c carried): both are there by then.
"""

from __future__ import annotations

from pyvm.graph.gates import NOTHING, Gates, step
from pyvm.graph.primitives import Expr, Reglu, total
from pyvm.graph.state import Builder, MachineState
from pyvm.isa import instructions as isa

_LEVEL = 32 * 256  # the upper level of thresholds; a column is below 64 of them


def product_value(b: Builder, s: MachineState, g: Gates) -> Expr:
    """The value where a product is fetched, else 0."""
    one = s.one
    rows = [row for row in g.language.rows if row.source in (isa.MULTIPLY, isa.MULTIPLY_HIGH)]
    size = max(row.operand_bytes for row in rows)
    first = total(g.when(row.name, s.top_at) for row in rows)
    first_at = b.persist("factors_at", first)
    second_at = [NOTHING] * size
    carrying, carried_out = NOTHING, NOTHING
    for row in rows:
        for i in range(row.operand_bytes):
            second_at[i] += _second_at(row, i, s, g)
        carrying += g.first_bytes(row.name, one, row.scratch)
        # What the byte's column carries is row.value_bytes - 1 tokens back; what is carried to it
        # stands before that.
        back = (row.value_bytes - 1) * one
        carried_out += g.from_byte(row.name, s.position - back, row.scratch)
    carries = b.persist("carrying", carrying)
    carry_at = b.persist("carry_at", carried_out)
    products = []
    for part in range(0, size, 4):
        factors = [
            (
                b.persist(
                    f"top {i}", b.gather(f"factor {i}", b.embedded["byte"], first_at + i * one)
                ),
                b.persist(
                    f"second {i}",
                    b.gather(
                        f"other factor {i}",
                        b.embedded["byte"],
                        b.persist(f"other factor {i} at", second_at[i]),
                    ),
                ),
            )
            for i in range(part, part + 4)
        ]
        terms = (
            Reglu(f"product {part + i}", x._expr(), y._expr()) for i, (x, y) in enumerate(factors)
        )
        products.append(b.persist(f"column {part}", total(terms)))
    column = total(products)
    carried = b.persist(
        "carried",
        b.gather("carry in", b.embedded["scratch"], carry_at - one)
        - 256 * b.gather("carry out", b.embedded["scratch"], carry_at),
    )
    off = (1 << 24) * (one - carries)
    number = column + b.embedded["scratch"]
    high = b.persist(
        "carry_high",
        total(step(f"{d} 8192", one, number - (_LEVEL * d - 1) * one - off) for d in range(1, 64)),
    )
    rest = number - _LEVEL * high
    low = total(step(f"{d} 256", one, rest - (256 * d - 1) * one - off) for d in range(1, 32))
    only_carry = b.persist("carry_low", low - Reglu("no column", column, carries._expr()))
    return only_carry + 32 * high + column + carried


def _second_at(row: isa.Instruction, i: int, s: MachineState, g: Gates) -> Expr:
    """The position of the byte that byte i of the top is multiplied by, 0 for none."""
    op, one, k, size = row.name, s.one, s.byte_index, row.operand_bytes
    found = NOTHING
    # While the carries of columns 0 to row.scratch - 1 come: column k.  Then the value's columns.
    for first, end, column in (
        (0, row.scratch, 0),
        (row.scratch, row.scratch + row.value_bytes, row.scratch - row.value_bytes),
    ):
        at = s.second_at + k + (column - first - i) * one
        begin = max(first, first - column + i)
        stop = min(end, first - column + i + size)
        if begin < stop:
            found += g.between(op, at, begin, stop)
    return found
