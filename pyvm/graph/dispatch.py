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

from collections.abc import Callable
from dataclasses import dataclass

from pyvm.graph import token_points as points
from pyvm.graph.opcode_points import RADIUS_SQ
from pyvm.graph.primitives import Expr, Linear, Persist, Reglu, total
from pyvm.program.instructions import INSTRUCTIONS, JUMPS
from pyvm.program.tokens import commit_token

# Outweighs every difference of two words or keys (below 2**37 for traces of 2**31 tokens) in a gate
# that an opcode opens; times the circle's 32045 it still is an exact float64.
FAR_GATE = 1 << 37
# Outweighs every difference of two keys (below 2**41 at any call depth of such traces) in a gate
# without an opcode; four times a byte of it still is an exact float64.
FAR = 1 << 42

WRITE, NEITHER, READ = 0, 1, 2

LOADS = {"i32.load": 4, "i32.load8_s": 1, "i32.load8_u": 1, "i32.load16_s": 2, "i32.load16_u": 2}
STORES = ("i32.store", "i32.store8", "i32.store16")
LOCAL_WRITES = ("local.set", "local.tee")
SIGNED_LOADS = ("i32.load8_s", "i32.load16_s")
# Instructions whose bytes are the immediate's; `return` subtracts the call's offset from its own.
IMMEDIATES = ("i32.const", "br", "br_if", "call")
# Instructions whose bytes are those of the operand on top.
TOPS = (*LOCAL_WRITES, "global.set", *STORES, "output")

NOTHING = Expr()
PersistFn = Callable[[str, Linear], Persist]


@dataclass(frozen=True)
class State:
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
class Instruction:
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


def step(name: str, one: Linear, number: Linear) -> Expr:
    """1 when the integer `number` is positive, else 0."""
    return Reglu(name, one._expr(), number._expr()) - Reglu(name, one._expr(), number - one)


def at_zero(name: str, value: Linear, number: Linear, one: Linear) -> Expr:
    """value when the integer `number` is 0, else 0."""
    hat = ((1, number + one), (-2, number._expr()), (1, number - one))
    return total(weight * Reglu(name, value._expr(), gate) for weight, gate in hat)


def dispatch(s: State, i: Instruction, position: Linear, persist: PersistFn) -> Choice:
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

    def carried(op: str) -> Expr:
        """1 when the last byte of op's value, which is not complete, has a mark."""
        marked = gate(op) + s.carry - one
        return Reglu(op, one, marked) - Reglu(op, one, marked + k - 4 * one)

    def far(op: str, condition: Linear = NOTHING) -> Expr:
        """0 when op is fetched and the condition 0, else far below zero."""
        return FAR_GATE * (gate(op) - one + condition)

    # Where the next byte comes from.
    offset_only = s.in_offset - one
    byte_at: list[Linear] = [when(op, s.top_at + k) for op in TOPS]
    byte_at += [when(op, s.second_at + k) for op in ("i32.add", "i32.sub", "select")]
    third_instead = s.third_at - s.second_at
    byte_at += [when("select", third_instead), -when("select", third_instead, -s.top)]
    immediate_bytes: list[Linear] = []
    for op, *condition in (*((op,) for op in IMMEDIATES), ("return", offset_only)):
        if i.immediate_at is not None:
            byte_at.append(when(op, i.immediate_at + k, *condition))
        for index, byte in enumerate(i.immediate_bytes):
            away = k - index * one + far(op, total(condition))
            immediate_bytes.append(at_zero(op, byte, away, one))
    added_at = [when("i32.add", s.top_at + k)]
    subtracted_at = [when("i32.sub", s.top_at + k), when("return", s.call_at + k, offset_only)]

    # The cell that is read (its byte k comes next) or written (byte k - 1 is the last token).
    local = -1 * (1028 * one + 256 * s.call_depth + 4 * i.immediate) + k
    global_ = -1 * (4 * one + 4 * i.immediate) + k
    reads: list[Linear] = [when("local.get", local), when("global.get", global_)]
    for op, size in LOADS.items():
        address = s.top + i.immediate + k + one
        reads.append(when(op, address) if size == 4 else first_bytes(op, address, size))
    negative = {**dict.fromkeys(LOCAL_WRITES, local - one), "global.set": global_ - one}
    positive = {**dict.fromkeys(STORES, s.second + i.immediate + k), "input_base": i.immediate + k}
    writes = negative | positive
    squares = [Reglu(op, -key, far(op) - key) for op, key in negative.items()]
    squares += [Reglu(op, key, far(op) + key) for op, key in positive.items()]
    mode: list[Linear] = [Reglu("one", one, one)]
    mode += [first_bytes(op, one, 4) for op in ("local.get", "global.get")]
    mode += [first_bytes(op, one, size) for op, size in LOADS.items()]
    mode += [when(op, one, -k) - when(op, one) for op in writes]
    # Position 0 writes a zero, so that some key is always there to be found.
    mode.append(-Reglu("first position", one, one - position))
    sign_byte = when("i32.load8_s", one, -k) + (
        first_bytes("i32.load16_s", one, 2) - first_bytes("i32.load16_s", one, 1)
    )

    # What is added to the value directly: carries, signs and the results of comparisons.
    value: list[Linear] = [carried("i32.add"), -carried("i32.sub"), -carried("return")]
    value += [255 * carried(op) for op in SIGNED_LOADS]
    value += immediate_bytes
    difference = s.second - s.top
    signed = difference - (1 << 32) * s.sign_difference
    value.append(when("i32.eqz", one, -k, -s.top))
    equal = {op: at_zero(op, one, difference + far(op, -k), one) for op in ("i32.eq", "i32.ne")}
    value += [equal["i32.eq"], when("i32.ne", one, -k) - equal["i32.ne"]]
    for suffix, number in (("s", signed), ("u", difference)):
        for name, positive_when in (
            ("lt", -number),
            ("gt", number),
            ("le", one - number),
            ("ge", one + number),
        ):
            op = f"i32.{name}_{suffix}"
            value.append(step(op, one, positive_when + far(op, -k)))

    # The type of the next token: a byte (0) unless the instruction says otherwise.
    kind: list[Linear] = [carried(op) for op in SIGNED_LOADS]
    kind += [points.HALT * when("halt", one), points.OUT * when("output", one)]
    for op, row in INSTRUCTIONS.items():
        if op in ("halt", "output", "input_base"):
            continue
        commit = {"call": points.CALL_COMMIT, "return": points.RETURN_COMMIT}.get(op)
        if commit is None:
            token = commit_token(row.stack_delta, row.pushes, branch=op in JUMPS)
            commit = points.COMMIT_TYPE[token]
        kind.append(commit * when(op, one, k - row.value_bytes * one))
        if op in JUMPS:
            kind.append(points.BRANCH_TAKEN * when(op, one, -s.in_offset))
    not_taken = points.COMMIT_TYPE[commit_token(-1, False)]
    kind.append((not_taken - points.BRANCH_TAKEN) * when("br_if", one, -s.in_offset, -s.top))

    return Choice(
        byte_at=persist("byte_at", total(byte_at)),
        added_at=persist("added_at", total(added_at)),
        subtracted_at=persist("subtracted_at", total(subtracted_at)),
        key=persist("key", total([*reads, *(when(op, key) for op, key in writes.items())])),
        key_square=persist("key_square", total(squares)),
        cell_mode=persist("cell_mode", total(mode)),
        signed_load=persist("signed_load", sign_byte),
        value=persist("direct_value", total(value)),
        token_type=persist("base_type", total(kind)),
    )
