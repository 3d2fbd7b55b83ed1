"""Opcode dispatch: what the instruction at the cursor does with the machine's state.

Enters: the state (operand stack, call depth, byte index, ...) and the fetched instruction.  Leaves:
where the next byte comes from, the cell that is read or written, what is added directly to the
value, and the type of the next token.

Every case is a neuron whose gate is 1 when its opcode is fetched and at most -6 otherwise, so sums
over opcodes select.  `k` is the number of bytes already emitted, 0 to 4; further conditions are
subtracted from the gate, which stays at most 0 when they fail:
    G - k        the opcode's first byte comes next          G + k - n    n bytes have been emitted
    G - flag     and the flag is 0                           G + flag - 1 and the flag is 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyvm.graph import token_points as points
from pyvm.graph.opcode_points import RADIUS_SQ
from pyvm.graph.primitives import Expr, Linear, Persist, Reglu, total
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import commit_token, completing_token

# Outweighs every difference of two words or keys (below 2**37 for traces of 2**31 tokens) in a gate
# that an opcode opens; times the circle's 32045 it still is an exact float64.
FAR_GATE = 1 << 37
# Outweighs every difference of two keys (below 2**41 at any call depth of such traces) in a gate
# without an opcode; four times a byte of it still is an exact float64.
FAR = 1 << 42

WRITE, NEITHER, READ = 0, 1, 2

NOTHING = Expr()


class PersistFn(Protocol):
    """Keeps an expression in a slot; `large`: its integers may pass 2**53."""

    def __call__(self, name: str, expr: Linear, large: bool = False) -> Persist: ...


@dataclass(frozen=True)
class MachineState:
    """What is known before the instruction is: all numbers of the current position."""

    one: Expr
    byte_index: Expr
    carry: Expr
    in_offset: Expr  # 1 from branch_taken to the commit
    call_depth: Expr
    top: Expr  # unsigned words
    second: Expr
    top_at: Expr  # positions of first bytes
    second_at: Expr
    third_at: Expr
    call_at: Expr
    sign_difference: Expr  # sign bit of second minus sign bit of top


@dataclass(frozen=True)
class Fetched:
    """The instruction at the cursor: its opcode's point, and its immediate, either as the position
    of its first byte in the program or, when there is no program to look at, as four bytes."""

    x: Expr
    y: Expr
    immediate: Expr
    immediate_at: Expr | None = None
    immediate_bytes: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What the instruction asks for. Positions and keys are 0 when nothing is asked."""

    byte_at: Persist
    added_at: Persist
    subtracted_at: Persist
    key: Persist
    key_square: Persist  # key * key where the mode is WRITE
    cell_mode: Persist  # of the cell `key`: WRITE (the last byte goes there), NEITHER or READ
    signed_load: Persist  # 1: the byte of the cell carries the sign
    value: Persist  # what the value is without bytes
    token_type: Persist


def from_source(source: str) -> list[str]:
    """The opcodes whose bytes come from there."""
    return [row.name for row in INSTRUCTIONS.values() if row.source == source]


def step(name: str, one: Linear, number: Linear) -> Expr:
    """1 when the integer `number` is positive, else 0."""
    return Reglu(name, one._expr(), number._expr()) - Reglu(name, one._expr(), number - one)


def at_zero(name: str, value: Linear, number: Linear, one: Linear) -> Expr:
    """value when the integer `number` is 0, else 0."""
    hat = ((1, number + one), (-2, number._expr()), (1, number - one))
    return total(weight * Reglu(name, value._expr(), gate) for weight, gate in hat)


def dispatch(s: MachineState, i: Fetched, position: Linear, persist: PersistFn) -> Choice:
    """Writes down every case; `position` tells the first position, the store's dummy write."""
    one, k = s.one, s.byte_index

    def gate(op: str) -> Expr:
        x, y = points.OPCODE_POINTS[op]
        return x * i.x + y * i.y - (RADIUS_SQ - 1) * one

    def when(op: str, value: Linear, *conditions: Linear) -> Reglu:
        """value when op is fetched and the sum of conditions is 0 (they are never positive)."""
        return Reglu(op, value._expr(), gate(op) + total(conditions))

    def first_bytes(op: str, value: Linear, count: int) -> Expr:
        """value while fewer than count bytes of op have been emitted."""
        if count == 1:
            return when(op, value, -k)._expr()
        remaining = count * gate(op) - k
        return Reglu(op, value._expr(), remaining) - Reglu(op, value._expr(), remaining - one)

    def last_byte(op: str, value: Linear, count: int) -> Expr:
        """value when just the last of count bytes of op is missing."""
        if count == 1:
            return first_bytes(op, value, 1)
        return first_bytes(op, value, count) - first_bytes(op, value, count - 1)

    def carried(op: str) -> Expr:
        """1 when the last byte of op's value, which is not complete, has a mark."""
        marked = gate(op) + s.carry - one
        return Reglu(op, one, marked) - Reglu(op, one, marked + k - 4 * one)

    def far(op: str, condition: Linear = NOTHING) -> Expr:
        """0 when op is fetched and the condition 0, else far below zero."""
        return FAR_GATE * (gate(op) - one + condition)

    # Where the next byte comes from.
    offset_only = s.in_offset - one
    byte_at: list[Linear] = [when(op, s.top_at + k) for op in from_source(isa.TOP)]
    second = [*from_source(isa.ADD), *from_source(isa.SUB), *from_source(isa.SELECT)]
    byte_at += [when(op, s.second_at + k) for op in second]
    third_instead = s.third_at - s.second_at
    for op in from_source(isa.SELECT):
        byte_at += [when(op, third_instead), -when(op, third_instead, -s.top)]
    immediate_bytes: list[Linear] = []
    # The bytes of a jump come after its branch_taken; `return` subtracts the call's offset.
    for op in (*from_source(isa.IMMEDIATE), *from_source(isa.RETURN)):
        condition = [offset_only] if INSTRUCTIONS[op].source == isa.RETURN else []
        if i.immediate_at is not None:
            byte_at.append(when(op, i.immediate_at + k, *condition))
        for index, byte in enumerate(i.immediate_bytes):
            away = k - index * one + far(op, total(condition))
            immediate_bytes.append(at_zero(op, byte, away, one))
    added_at = [when(op, s.top_at + k) for op in from_source(isa.ADD)]
    subtracted_at = [when(op, s.top_at + k) for op in from_source(isa.SUB)]
    subtracted_at += [when(op, s.call_at + k, offset_only) for op in from_source(isa.RETURN)]

    # The cell that is read (its byte k comes next) or written (byte k - 1 is the last token).
    base = {
        isa.LOCAL: -1 * (1028 * one + 256 * s.call_depth + 4 * i.immediate) + k,
        isa.GLOBAL: -1 * (4 * one + 4 * i.immediate) + k,
    }
    reads: list[Linear] = []
    mode: list[Linear] = [Reglu("one", one, one)]
    for op in from_source(isa.CELL):
        row = INSTRUCTIONS[op]
        key = base.get(row.cell, s.top + i.immediate + k + one)
        short = 0 < row.access_bytes < row.value_bytes
        reads.append(first_bytes(op, key, row.access_bytes) if short else when(op, key))
        mode.append(first_bytes(op, one, row.access_bytes or row.value_bytes))
    writers = [row for row in INSTRUCTIONS.values() if row.writes]
    negative = {row.name: base[row.cell] - one for row in writers if row.cell in base}
    positive = {
        row.name: (s.second if row.pops else NOTHING) + i.immediate + k
        for row in writers
        if row.cell == isa.ADDRESS
    }
    writes = negative | positive
    squares = [Reglu(op, -key, far(op) - key) for op, key in negative.items()]
    squares += [Reglu(op, key, far(op) + key) for op, key in positive.items()]
    mode += [when(op, one, -k) - when(op, one) for op in writes]
    # Position 0 writes a zero, so that some key is always there to be found.
    mode.append(-Reglu("first position", one, one - position))
    signed_loads = [row for row in INSTRUCTIONS.values() if row.signed]
    sign_byte = total(last_byte(row.name, one, row.access_bytes) for row in signed_loads)

    # What is added to the value directly: carries, signs and the results of comparisons.
    value: list[Linear] = [carried(op) for op in from_source(isa.ADD)]
    value += [-carried(op) for op in (*from_source(isa.SUB), *from_source(isa.RETURN))]
    value += [255 * carried(row.name) for row in signed_loads]
    value += immediate_bytes
    difference = s.second - s.top
    signed = difference - (1 << 32) * s.sign_difference
    for op in from_source(isa.COMPARE):
        relation, _, sign = INSTRUCTIONS[op].operation.partition("_")
        number = signed if sign == "s" else difference
        if relation == "eqz":
            value.append(when(op, one, -k, -s.top))
        elif relation == "eq":
            value.append(at_zero(op, one, number + far(op, -k), one))
        elif relation == "ne":
            value += [when(op, one, -k), -at_zero(op, one, number + far(op, -k), one)]
        else:
            positive_when = {"lt": -number, "gt": number, "le": one - number, "ge": one + number}
            value.append(step(op, one, positive_when[relation] + far(op, -k)))

    # The type of the next token: a byte (0) unless the instruction says otherwise.
    kind: list[Linear] = [carried(row.name) for row in signed_loads]
    for op, row in INSTRUCTIONS.items():
        if row.completion == isa.HALT:
            kind.append(points.HALT * when(op, one))
        elif row.completion == isa.OUTPUT:
            kind.append(points.OUT * when(op, one))
        elif row.completion != isa.NEVER:
            commit = points.TYPE[completing_token(row)]
            kind.append(commit * when(op, one, k - row.value_bytes * one))
        if row.immediate != isa.JUMP:
            continue
        kind.append(points.BRANCH_TAKEN * when(op, one, -s.in_offset))
        if row.pops:
            not_taken = points.TYPE[commit_token(-1, False)]
            kind.append((not_taken - points.BRANCH_TAKEN) * when(op, one, -s.in_offset, -s.top))

    return Choice(
        byte_at=persist("byte_at", total(byte_at)),
        added_at=persist("added_at", total(added_at)),
        subtracted_at=persist("subtracted_at", total(subtracted_at)),
        key=persist("key", total([*reads, *(when(op, key) for op, key in writes.items())])),
        key_square=persist("key_square", total(squares), large=True),
        cell_mode=persist("cell_mode", total(mode)),
        signed_load=persist("signed_load", sign_byte),
        value=persist("direct_value", total(value)),
        token_type=persist("base_type", total(kind)),
    )
