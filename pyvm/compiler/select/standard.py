"""The standard machine: what is not one row of the same name.

Enters: an expression.  Leaves: rows.

Costs, in tokens: a value of four bytes 5, of eight 9; a product 4 or 8 more, its upper half 16;
a quotient 4, a remainder 8 more; a store as many as bytes, and 1; a branch that is not taken 1,
another one 6, a call and its return 12.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import Expr, JumpTable
from pyvm.compiler.link.assembly import Label
from pyvm.compiler.select.selector import Machine, Operation, Selector
from pyvm.isa.traps import Trap

_FULL = (1 << 64) - 1


def _stored(s: Selector, value: Expr) -> None:
    """The lowest bytes of a number of eight."""
    s.operands(value)
    s.emit("i32.store" + value.op.removeprefix("i64.store").removesuffix("32"), value.imm)


def _call_indirect(s: Selector, value: Expr) -> None:
    s.operands(value)
    kind = s.shared.surroundings.module.types[value.imm]
    s.emit("element", s.shared.type_number(kind))
    s.emit("call_element")


def _routine(s: Selector, value: Expr) -> None:
    s.operands(value)
    s.routine(value.op)


def _memory_init(s: Selector, value: Expr) -> None:
    s.operands(value)
    address, length = s.shared.segments.get(value.imm, (0, 0))
    s.const(address)
    s.const(length)
    if value.imm in s.shared.drops:  # 0 where it was dropped, else -1
        s.emit("global.get", s.shared.drops[value.imm])
        s.emit("i32.and")
    s.routine("memory.init")


def _data_drop(s: Selector, value: Expr) -> None:
    s.operands(value)
    if value.imm in s.shared.drops:
        s.const(0)
        s.emit("global.set", s.shared.drops[value.imm])


def _divide(s: Selector, value: Expr) -> None:
    """By a constant: multiplication by the reciprocal; else a routine."""
    name, divisor = value.op.partition(".")[2], value.args[1].constant
    signed = name.endswith("_s")
    if divisor is None or divisor == 0 or signed and divisor in (1, _FULL):
        _routine(s, value)
        return
    s.value(value.args[0])
    if value.at is not None:
        s.at = value.at
    with s.temporaries("i64") as (n,):
        s.emit("i64.local.set", n)
        if name.startswith("rem"):
            s.emit("i64.local.get", n)
        if signed:
            _signed_quotient(s, n, divisor)
        else:
            _quotient(s, n, divisor)
        if name.startswith("rem"):
            s.emit("i64.const", divisor)
            s.emit("i64.mul")
            s.emit("i64.sub")


def _shift(s: Selector, op: str, count: int) -> None:
    if count:
        s.emit("i64.const", count)
        s.emit(op)


def _quotient(s: Selector, n: int, divisor: int) -> None:
    """n / divisor, unsigned, by the smallest multiplier that is exact for all n (Granlund and
    Montgomery, Division by invariant integers using multiplication, section 4).
    """
    zeros = (divisor & -divisor).bit_length() - 1
    for first in (0, zeros):  # an even divisor may be halved before
        odd, bits = divisor >> first, 64 - first
        for power in range(64, 129):
            multiplier = -(-(1 << power) // odd)
            if multiplier * odd - (1 << power) <= 1 << power - bits:
                break
        if multiplier <= _FULL:
            s.emit("i64.local.get", n)
            _shift(s, "i64.shr_u", first)
            s.emit("i64.const", multiplier)
            s.emit("i64.mul_high_u")
            _shift(s, "i64.shr_u", power - 64)
            return
    with s.temporaries("i64") as (t,):  # 65 bits: (n + t) / 2 without overflow
        s.emit("i64.local.get", n)
        s.emit("i64.local.get", n)
        s.emit("i64.const", multiplier & _FULL)
        s.emit("i64.mul_high_u")
        s.emit("i64.local.tee", t)
        s.emit("i64.sub")
        _shift(s, "i64.shr_u", 1)
        s.emit("i64.local.get", t)
        s.emit("i64.add")
        _shift(s, "i64.shr_u", power - 65)


def _signed_quotient(s: Selector, n: int, divisor: int) -> None:
    """The same, signed: of a negative n the multiplier is subtracted, since n counts as 2^64 more,
    and the quotient is rounded up.
    """
    size = min(divisor, (1 << 64) - divisor)
    power = 63 + (size - 1).bit_length()
    multiplier = (1 << power) // size + 1
    positive = Label("positive")
    if divisor >> 63:
        s.emit("i64.const", 0)
    s.emit("i64.local.get", n)
    s.emit("i64.const", multiplier & _FULL)
    s.emit("i64.mul_high_u")
    s.emit("local.get", n - 1)
    s.const(0)
    s.emit("i32.ge_s")
    s.emit("br_if", positive)
    s.emit("i64.const", (1 << power - 64) - multiplier & _FULL)
    s.emit("i64.add")
    s.place(positive)
    _shift(s, "i64.shr_s", power - 64)
    if divisor >> 63:
        s.emit("i64.sub")


def _jump_table(s: Selector, statement: JumpTable) -> None:
    s.emit("br_table", statement.labels)


def _trap(s: Selector, kind: Trap, refused: str | None) -> None:
    s.emit("trap", kind)
    s.unit.code[-1] = s.unit.code[-1]._replace(refused=refused)  # type: ignore[union-attr]


_OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("i64.store8", "i64.store16", "i64.store32"), _stored),
    **dict.fromkeys(("i64.div_s", "i64.div_u", "i64.rem_s", "i64.rem_u"), _divide),
    **dict.fromkeys(("memory.grow", "memory.copy", "memory.fill"), _routine),
    "memory.init": _memory_init,
    "data.drop": _data_drop,
    "call_indirect": _call_indirect,
}
STANDARD = Machine("standard", _OPERATIONS, _jump_table, _trap)
