"""The base machine: 36 opcodes, and routines for what it lacks.  It has no i64.

Enters: an expression.  Leaves: rows, and calls of library routines.

The machine checks no address; the memory's size is a number in a global.  Tables are searched for.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import Expr, JumpTable
from pyvm.compiler.link import assembly
from pyvm.compiler.link.assembly import Label
from pyvm.compiler.select.selector import Machine, Operation, Selector
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap, halt_immediate

_MOST = (1 << 32) - 1


def _routine(s: Selector, value: Expr) -> None:
    s.operands(value)
    s.routine(value.op)


def _through_cell(s: Selector, value: Expr, store: str, load: str) -> None:
    """The lowest bytes of the first operand."""
    s.value(value.args[0])
    with s.temporaries("i32") as (t,):
        s.emit("local.set", t)
        s.const(0)
        s.emit("local.get", t)
        s.emit(store, s.shared.layout.addresses["CELL"])
        s.const(0)
        s.emit(load, s.shared.layout.addresses["CELL"])


def _and(s: Selector, value: Expr) -> None:
    mask = value.args[1].constant
    if mask in (0xFF, 0xFFFF):
        bits = mask.bit_length()
        _through_cell(s, value, f"i32.store{bits}", f"i32.load{bits}_u")
    else:
        _routine(s, value)


def _extend(s: Selector, value: Expr) -> None:
    bits = {"i32.extend8_s": 8, "i32.extend16_s": 16}[value.op]
    _through_cell(s, value, f"i32.store{bits}", f"i32.load{bits}_s")


def _divide(s: Selector, value: Expr) -> None:
    """The checks are here, where the place of the trap is known."""
    divisor = value.args[1].constant
    if divisor and divisor not in (1 << 31, _MOST):
        s.value(value.args[0])
        s.at = s.at if value.at is None else value.at
        s.routine(value.op, divisor)
        return
    s.operands(value)
    with s.temporaries("i32", "i32") as (a, b):
        s.emit("local.tee", b)
        s.emit("i32.eqz")
        s.trap_if(Trap.DIVIDE_BY_ZERO)
        s.emit("local.get", b)
        if value.op == "i32.div_s":  # -2^31 / -1: first look at the divisor, which is rarely -1
            fine = Label("fine")
            s.const(-1)
            s.emit("i32.ne")
            s.emit("br_if", fine)
            s.emit("local.tee", a)
            s.const(1 << 31)
            s.emit("i32.eq")
            s.trap_if(Trap.INTEGER_OVERFLOW)
            s.emit("local.get", a)
            s.place(fine)
            s.emit("local.get", b)
    s.routine(value.op)


def _memory_size(s: Selector, value: Expr) -> None:
    s.operands(value)
    s.emit("global.get", s.shared.pages)


def _memory_grow(s: Selector, value: Expr) -> None:
    s.operands(value)
    refused, done = Label("refused"), Label("done")
    with s.temporaries("i32", "i32") as (more, old):
        s.emit("local.set", more)
        s.const(s.shared.max_pages)
        s.emit("global.get", s.shared.pages)
        s.emit("local.tee", old)
        s.emit("i32.sub")
        s.emit("local.get", more)
        s.emit("i32.lt_u")
        s.emit("br_if", refused)
        s.emit("local.get", old)
        s.emit("local.get", more)
        s.emit("i32.add")
        s.emit("global.set", s.shared.pages)
        s.emit("local.get", old)
        s.emit("br", done)
        s.place(refused)
        s.const(-1)
        s.place(done)


def _missing(s: Selector, value: Expr) -> None:
    at = "" if value.at is None else f" at offset {value.at:#x}"
    raise Unsupported(
        f"{value.op} in {s.function.name}{at}: the base machine has no passive segments"
    )


def _search(s: Selector, t: int, ranges: list[tuple[int, Label]]) -> None:
    """Branches to the label of the range, by its first number, in which the local t lies."""
    s.shared.surroundings.spend(len(ranges) // 4)

    def search(low: int, high: int) -> None:
        if high - low == 1:
            s.emit("br", ranges[low][1])
            return
        middle = (low + high) // 2
        less = ranges[low][1] if middle - low == 1 else Label("less")
        s.emit("local.get", t)
        s.const(ranges[middle][0])
        s.emit("i32.lt_u")
        s.emit("br_if", less)
        search(middle, high)
        if middle - low > 1:
            s.place(less)
            search(low, middle)

    search(0, len(ranges))


def _jump_table(s: Selector, statement: JumpTable) -> None:
    labels = statement.labels
    ranges = [(i, each) for i, each in enumerate(labels) if not i or labels[i - 1] is not each]
    with s.temporaries("i32") as (t,):
        s.emit("local.set", t)
        _search(s, t, ranges)


def _call_indirect(s: Selector, value: Expr) -> None:
    surroundings = s.shared.surroundings
    kind = surroundings.module.types[value.imm]
    s.operands(value)
    surroundings.spend(len(surroundings.table) // 64)
    places: dict[assembly.Function | Trap, Label] = {}
    ranges: list[tuple[int, Label]] = []
    for i, index in enumerate((*surroundings.table, -1)):
        callee: assembly.Function | Trap
        if index is None:
            callee = Trap.UNINITIALIZED_ELEMENT
        elif index < 0:
            callee = Trap.UNDEFINED_ELEMENT
        elif surroundings.types[index] == kind:
            callee = assembly.Function(index)
        else:
            callee = Trap.TYPE_MISMATCH
        label = places.setdefault(callee, Label())
        if not ranges or ranges[-1][1] is not label:
            ranges.append((i, label))
    done = Label("done")
    with s.temporaries("i32") as (t,):
        s.emit("local.set", t)
        _search(s, t, ranges)
    for callee, label in places.items():
        s.place(label)
        if isinstance(callee, Trap):
            _trap(s, callee, None)
            continue
        if surroundings.intrinsic(callee.index):
            s.emit("output")
        else:
            s.emit("call", callee)
        s.emit("br", done)
    s.place(done)


def _trap(s: Selector, kind: Trap, refused: str | None) -> None:
    s.shared.sites += 1
    s.emit("halt", halt_immediate(kind, s.shared.sites))
    s.unit.code[-1] = s.unit.code[-1]._replace(refused=refused)  # type: ignore[union-attr]


_LACKING = "or xor shl shr_s shr_u rotl rotr mul clz ctz popcnt".split()
_OPERATIONS: dict[str, Operation] = {
    **{f"i32.{name}": _routine for name in _LACKING},
    "i32.and": _and,
    "i32.extend8_s": _extend,
    "i32.extend16_s": _extend,
    **dict.fromkeys(("i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u"), _divide),
    **dict.fromkeys(("memory.copy", "memory.fill"), _routine),
    **dict.fromkeys(("memory.init", "data.drop"), _missing),
    "memory.size": _memory_size,
    "memory.grow": _memory_grow,
    "call_indirect": _call_indirect,
}
BASE = Machine("base", _OPERATIONS, _jump_table, _trap)
