"""What the standard machine checks, and its jumps through tables.

Enters: the state and the cases.  Leaves: types of traps, and where the bytes of what comes from a
table or from the memory's size are.
"""

from __future__ import annotations

from pyvm.graph.bits import BitCases
from pyvm.graph.gates import FAR_CONDITION, NOTHING, Gates, at_zero, step
from pyvm.graph.primitives import Expr, FetchValue, Linear, Reglu
from pyvm.graph.state import Builder, Cases, Fetched, MachineState
from pyvm.isa import instructions as isa
from pyvm.isa.tokens import trap_token
from pyvm.isa.traps import Trap

_PAGE = 1 << 16


def bounds(s: MachineState, i: Fetched, g: Gates) -> Expr:
    """The type of a trap where an access reaches beyond the memory."""
    kind = NOTHING
    out_of_bounds = g.language.types[trap_token(Trap.OUT_OF_BOUNDS)]
    for row in g.language.rows:
        if row.cell == isa.ADDRESS and row.pops:
            address = s.top if row.source == isa.CELL else s.second
            beyond = address + i.immediate + row.access_bytes * s.one - _PAGE * s.pages
            far = g.far(row.name, -s.byte_index)
            kind += out_of_bounds * step(row.name, s.one, beyond + far)
    return kind


def jumps(cases: Cases, s: MachineState, i: Fetched, g: Gates) -> None:
    """The memory's size; the distance of a function on top."""
    for row in g.language.rows:
        if row.source == isa.SIZE:
            cases.byte_at.append(g.when(row.name, s.pages_at + s.byte_index))
            # Before the first memory.resize no token holds the number, which is 65,536: its byte 2
            # is 1.  A position is not multiplied by what outweighs words: that would pass 2^63.
            said = 8 * (s.pages_at + 4 * s.one)
            third = s.byte_index - 2 * s.one - said + g.far(row.name)
            cases.value.append(at_zero(row.name, s.one, third, s.one))
        elif row.source == isa.DISTANCE:
            inside = s.in_offset - s.one
            cases.byte_at.append(g.when(row.name, s.top_at + s.byte_index, inside))
            cases.value.append(-1 * g.carried(row))
            if i.immediate_at is not None:
                at = i.immediate_at + s.byte_index
                cases.subtracted_at.append(g.when(row.name, at, inside))
            for index, byte in enumerate(i.immediate_bytes[:4]):
                away = s.byte_index - index * s.one + g.far(row.name, inside)
                cases.value.append(-1 * at_zero(row.name, byte, away, s.one))


def clamped(b: Builder, cases: Cases, s: MachineState, i: Fetched, g: Gates) -> Expr:
    """br_table's distance: the operand on top, or the immediate where that is less.

    Returns what is added to the value where there is no program to take the immediate's bytes from.
    """
    (row,) = (row for row in g.language.rows if row.source == isa.CLAMPED)
    inside = s.in_offset - s.one
    less = i.immediate - s.top + g.far(row.name, inside)
    below = b.persist("below", step(row.name, s.one, less))
    at = s.top_at + s.byte_index
    if i.immediate_at is not None:
        immediate_at = i.immediate_at + s.byte_index
        cases.byte_at.append(g.when(row.name, immediate_at, inside))
        cases.byte_at.append(Reglu(row.name, at - immediate_at, below._expr()))
        return NOTHING
    cases.byte_at.append(Reglu(row.name, at, below._expr()))
    value = NOTHING
    for index, byte in enumerate(i.immediate_bytes[:4]):
        away = s.byte_index - index * s.one + g.far(row.name, inside - below)
        value += at_zero(row.name, byte, away, s.one)
    return b.persist("immediate_byte", value)._expr()


def elements(
    b: Builder,
    cases: BitCases,
    s: MachineState,
    i: Fetched,
    g: Gates,
    key: Linear,
    entry: tuple[FetchValue, ...],
) -> Expr:
    """The type of a trap where an entry of the table is not one of that type.

    `entry`: the type, the position and the key of the nearest entry, which may be another.
    """
    (row,) = (row for row in g.language.rows if row.source == isa.ELEMENT)
    op, one, k, types = row.name, s.one, s.byte_index, g.language.types
    kind, at, found = (
        b.persist(name, value)
        for name, value in zip(("entry_type", "entry_at", "entry_key"), entry, strict=True)
    )
    # The entry is eight bytes, of which the last one is at `at`.
    cases.low_at.append(g.when(op, at - 7 * one + k))
    cases.amount.append(g.first_bytes(op, one, 4))
    first = g.far(op, -k)
    there = b.persist("entry_there", at_zero(op, one, key - found + first, one))
    inside = FAR_CONDITION * (there - one)
    right = at_zero(op, one, kind - i.immediate + inside, one)
    empty = at_zero(op, one, kind + inside, one)
    undefined, uninitialized, mismatch = (
        types[trap_token(trap)]
        for trap in (Trap.UNDEFINED_ELEMENT, Trap.UNINITIALIZED_ELEMENT, Trap.TYPE_MISMATCH)
    )
    kinds = undefined * (g.when(op, one, -k) - Reglu(op, one, there._expr()))
    kinds += mismatch * (Reglu(op, one, there._expr()) - right - empty)
    return b.persist("entry_trap", kinds + uninitialized * empty)._expr()
