"""The standard machine: what is not one row of the same name.

Enters: an expression.  Leaves: rows.

Costs, in tokens: a value of four bytes 5, of eight 9; a product 4 or 8 more, its upper half 16;
a quotient as many more as it has bytes, a remainder 4 more than that; a store as many as bytes,
and 1; a branch that is not taken 1, another one 6, a call and its return 12.
"""

from __future__ import annotations

from pyvm.compiler.ir.bits import may
from pyvm.compiler.ir.function import Expr, JumpTable
from pyvm.compiler.ir.rules import simplified
from pyvm.compiler.link.assembly import Label
from pyvm.compiler.routines.tables import STANDARD as TABLES
from pyvm.compiler.select.selector import Machine, Operation, Selector
from pyvm.isa.traps import Trap

_WORD = (1 << 32) - 1
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
    """By words natively, one after the other; else by a routine."""
    dividend, by = value.args
    name, divisor = value.op.partition(".")[2], by.constant
    native = f"i64.{name[:3]}_word{name[3:]}"
    words: tuple[int, ...] | None = None
    negative = divisor is not None and name.endswith("_s") and divisor >> 63
    if divisor is not None and not (negative and divisor == _FULL):  # -1: it may overflow
        words = _words(-divisor & _FULL if negative else divisor)
    if words is not None:
        _divide_by_words(s, value, words, bool(negative))
    elif may(by) <= _WORD:
        s.value(dividend)
        s.value(simplified(Expr("i32.wrap_i64", "i32", (by,))))
        s.at = value.at if value.at is not None else s.at
        s.emit(native)
    else:
        _divide_by_any(s, value, native)


def _words(divisor: int) -> tuple[int, ...] | None:
    """One word or two whose product is the divisor, if small primes tell."""
    if divisor <= _WORD:
        return (divisor,)
    rest, found = divisor, {1}
    for prime in (2, *range(3, 1 << 10, 2)):
        while rest % prime == 0:
            rest //= prime
            found |= {prime * each for each in found}
    found |= {rest * each for each in found}
    pairs = ((each, divisor // each) for each in sorted(found) if each <= _WORD)
    return next((pair for pair in pairs if pair[1] <= _WORD), None)


def _divide_by_words(s: Selector, value: Expr, words: tuple[int, ...], negative: bool) -> None:
    """The quotient's sign is turned where the divisor was negative; a remainder's is its own."""
    kind, _, sign = value.op.partition(".")[2].partition("_")
    s.value(value.args[0])
    s.at = value.at if value.at is not None else s.at
    if kind == "rem" and len(words) == 1:
        s.const(words[0])
        s.emit(f"i64.rem_word_{sign}")
        return
    factor = -1 if negative else 1
    with s.temporaries("i64") as (n,):
        if kind == "rem":
            s.emit("i64.local.tee", n)
            s.emit("i64.local.get", n)
            factor = words[0] * words[1]
        for word in words:
            s.const(word)
            s.emit(f"i64.div_word_{sign}")
    if factor != 1:
        s.emit("i64.const", factor & _FULL)
        s.emit("i64.mul")
    if kind == "rem":
        s.emit("i64.sub")


def _divide_by_any(s: Selector, value: Expr, native: str) -> None:
    """By the routine where the upper half of the divisor is not 0."""
    routine, back = Label("wide divisor"), Label("divided")
    s.operands(value)
    with s.temporaries("i64") as (divisor,):
        s.emit("i64.local.tee", divisor)
        s.emit("local.get", divisor - 1)  # its upper half
    s.emit("br_if", routine)
    s.emit("i32.wrap_i64")
    s.emit(native)
    s.place(back)

    def wide() -> None:
        s.place(routine)
        s.routine(value.op)
        s.emit("br", back)

    s.defer(wide)


def _wrapped(s: Selector, value: Expr) -> None:
    """An upper half goes through a local, whose halves can be read on their own."""
    shifted = value.args[0]
    if shifted.op not in ("i64.shr_u", "i64.shr_s") or shifted.args[1].constant != 32:
        s.operands(value)
        s.emit(value.op)
        return
    whole = shifted.args[0]
    with s.temporaries("i64") as (slot,):
        if whole.op == "local.tee":
            whole, slot = whole.args[0], s.slots[whole.imm]
        s.value(whole)
        s.at = value.at if value.at is not None else s.at
        s.emit("i64.local.set", slot)
        s.emit("local.get", slot - 1)


def _jump_table(s: Selector, statement: JumpTable) -> None:
    s.emit("br_table", statement.labels)


def _trap(s: Selector, kind: Trap, refused: str | None) -> None:
    s.emit("trap", kind)
    s.unit.code[-1] = s.unit.code[-1]._replace(refused=refused)  # type: ignore[union-attr]


_OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("i64.store8", "i64.store16", "i64.store32"), _stored),
    **dict.fromkeys(("i64.div_s", "i64.div_u", "i64.rem_s", "i64.rem_u"), _divide),
    **dict.fromkeys(("memory.grow", "memory.copy", "memory.fill"), _routine),
    **dict.fromkeys(TABLES, _routine),
    "i32.wrap_i64": _wrapped,
    "memory.init": _memory_init,
    "data.drop": _data_drop,
    "call_indirect": _call_indirect,
}
STANDARD = Machine("standard", _OPERATIONS, _jump_table, _trap)
