"""Opcode dispatch: what the instruction at the cursor does with the machine's state.

Enters: the state (operand stack, call depth, byte index, ...) and the fetched instruction.  Leaves:
`Cases`: where the next byte comes from, the cell that is read or written, what is added directly to
the value, and the type of the next token.

Every case is a neuron or two (gates.py), for every row of the table that its columns ask for.
`k` is the number of tokens of the value that are already there.  What only the standard machine's
instructions do is in bits.py, count.py, multiply.py, divide.py, wide.py and control.py.
"""

from __future__ import annotations

from pyvm.graph import token_points as points
from pyvm.graph.gates import NOTHING, Gates, at_zero, step
from pyvm.graph.primitives import Expr, Linear, Reglu, total
from pyvm.graph.state import Cases, Fetched, MachineState
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import Instruction
from pyvm.isa.tokens import Kind, commit_token, completing_token

WRITE, NEITHER, READ = 0, 1, 2


def dispatch(s: MachineState, i: Fetched, g: Gates) -> Cases:
    """The cases that both machines have."""
    cases = Cases()
    for row in g.language.rows:
        _bytes(cases, row, s, i, g)
        _cells(cases, row, s, i, g)
        _type(cases, row, s, i, g)
        if row.source == isa.COMPARE and row.operand_bytes == 4:
            _compare(cases, row, s, g)
    cases.mode.append(Reglu("one", s.one, s.one))
    # Position 0 writes a zero, so that some key is always there to be found.
    at_first = Reglu("first position", s.one, s.one - s.position)
    cases.mode.append(-at_first)
    cases.table += [Reglu("one", s.one, s.one), -at_first]
    return cases


def _bytes(cases: Cases, row: Instruction, s: MachineState, i: Fetched, g: Gates) -> None:
    """Where the bytes of the value come from, and the marks between them."""
    op, one, k = row.name, s.one, s.byte_index
    # The bytes of a jump come after its branch_taken.
    offset_only = [s.in_offset - one] if row.jumps and row.source != isa.IMMEDIATE else []
    if row.source == isa.TOP and (row.cell or not row.access_bytes):
        cases.byte_at.append(g.when(op, s.top_at + k))
    elif row.source in (isa.ADD, isa.SUB, isa.SELECT):
        cases.byte_at.append(g.when(op, s.second_at + k))
    elif row.source in (isa.IMMEDIATE, isa.RETURN):
        _immediate(cases, row, s, i, g, offset_only)
    if row.source == isa.ADD:
        cases.added_at.append(g.when(op, s.top_at + k))
    elif row.source == isa.SUB:
        cases.subtracted_at.append(g.when(op, s.top_at + k))
    elif row.source == isa.RETURN:  # subtracts the call's offset
        cases.subtracted_at.append(g.when(op, s.call_at + k, *offset_only))
    elif row.source == isa.SELECT:
        instead = s.third_at - s.second_at
        cases.byte_at += [g.when(op, instead), -1 * g.when(op, instead, -s.top)]
    # Carries and borrows are added to the next byte; a sign fills it.
    if row.source == isa.ADD:
        cases.value.append(g.carried(row))
    elif row.source in (isa.SUB, isa.RETURN):
        cases.value.append(-1 * g.carried(row))
    elif row.signed:
        cases.value.append(255 * g.carried(row))
        cases.kind.append(g.carried(row))
        size = row.access_bytes
        cases.signed.append(g.between(op, one, size - 1, size))


def _immediate(
    cases: Cases,
    row: Instruction,
    s: MachineState,
    i: Fetched,
    g: Gates,
    conditions: list[Expr],
) -> None:
    """The immediate's bytes; of a number of eight bytes the upper four are the next row's."""
    op, one, k = row.name, s.one, s.byte_index
    if i.immediate_at is not None:
        cases.byte_at.append(g.when(op, i.immediate_at + k, *conditions))
        if row.value_bytes == 8:  # behind the next row's opcode
            cases.byte_at.append(g.from_byte(op, one, 4))
    for index, byte in enumerate(i.immediate_bytes[: row.value_bytes]):
        away = k - index * one + g.far(op, total(conditions))
        cases.value.append(at_zero(op, byte, away, one))


def _cells(cases: Cases, row: Instruction, s: MachineState, i: Fetched, g: Gates) -> None:
    """The cell that is read (its byte k comes next) or written (byte k - 1 is the last token)."""
    op, one, k = row.name, s.one, s.byte_index
    below = {  # the key of byte k, negative
        isa.LOCAL: -1 * (1028 * one + 256 * s.call_depth + 4 * i.immediate) + k,
        isa.GLOBAL: -1 * (4 * one + 4 * i.immediate) + k,
    }
    if row.source == isa.CELL:
        key = below.get(row.cell, s.top + i.immediate + k + one)
        short = 0 < row.access_bytes < row.value_bytes
        cases.key.append(g.first_bytes(op, key, row.access_bytes) if short else g.when(op, key))
        cases.mode.append(g.first_bytes(op, one, row.access_bytes or row.value_bytes))
    elif row.source == isa.ELEMENT:
        cases.key.append(g.when(op, 8 * s.top + 8 * one))
    elif row.cell:
        if row.cell in below:
            key = below[row.cell] - one
            cases.square.append(Reglu(op, -key, g.far(op) - key))
        else:
            key = (s.second if row.pops else NOTHING) + i.immediate + k
            cases.square.append(Reglu(op, key, g.far(op) + key))
        cases.key.append(g.when(op, key))
        written = cases.table if row.cell == isa.TABLE else cases.mode
        written += [g.when(op, one, -k), -1 * g.when(op, one)]


def _compare(cases: Cases, row: Instruction, s: MachineState, g: Gates) -> None:
    """The result of a comparison of two words."""
    one, k = s.one, s.byte_index
    difference = s.second - s.top
    signed = difference - (1 << 32) * s.sign_difference
    relation, _, sign = row.operation.partition("_")
    if relation == "eqz":
        cases.value.append(g.when(row.name, one, -k, -s.top))
    else:
        number = signed if sign == "s" else difference
        cases.value.append(compared(row.name, relation, number, g, -k))


def compared(op: str, relation: str, number: Expr, g: Gates, condition: Linear) -> Expr:
    """1 where op is fetched, the condition is 0 and the number, which stands for a difference of
    operands, has the relation to 0."""
    one, far = g.one, g.far(op, condition)
    if relation == "eq":
        return at_zero(op, one, number + far, one)
    if relation == "ne":
        return g.when(op, one, condition) - at_zero(op, one, number + far, one)
    positive_when = {"lt": -number, "gt": number, "le": one - number, "ge": one + number}
    return step(op, one, positive_when[relation] + far)


def _type(cases: Cases, row: Instruction, s: MachineState, i: Fetched, g: Gates) -> None:
    """The type of the next token: a byte (0) unless the instruction says otherwise."""
    op, one, k, types = row.name, s.one, s.byte_index, g.language.types
    length = row.scratch + row.value_bytes
    if row.completion == isa.HALT:
        cases.kind.append(points.HALT * g.when(op, one, *([k - length * one] if length else [])))
    elif row.completion in (isa.OUTPUT, isa.ERROR):
        kind = types[Kind.OUTPUT if row.completion == isa.OUTPUT else Kind.ERROR]
        cases.kind.append(kind * g.when(op, one))
    elif row.completion == isa.TRAP:
        cases.kind.append(g.when(op, types[Kind.TRAP] * one + i.immediate))
    elif row.executed:
        commit = types[completing_token(row)]
        cases.kind.append(commit * g.when(op, one, k - length * one))
    if row.scratch:
        cases.kind.append(types[Kind.SCRATCH] * g.first_bytes(op, one, row.scratch))
    if not row.jumps:
        return
    taken = types["branch_taken"]
    cases.kind.append(taken * g.when(op, one, -s.in_offset))
    if row.source == isa.IMMEDIATE and row.pops:  # br_if
        not_taken = types[commit_token(-1, 0)]
        cases.kind.append((not_taken - taken) * g.when(op, one, -s.in_offset, -s.top))
