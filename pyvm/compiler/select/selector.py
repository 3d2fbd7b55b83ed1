"""Selection of instructions: statements and expression trees -> rows of the machine.

Enters: a `Function`, and what all functions of the program have in common.  Leaves: a `Unit`.

Nearly every operation is one row, whose name is its own.  `Machine` has what differs between the
standard machine and the base machine.

A call depth has 64 slots for locals.  A function that needs more uses those of the call depths
below it as well (a slot is a cell, and those of the next depth lie behind it), and calls others
from so much deeper that they use none of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyvm.compiler.ir.function import (
    COMPUTE,
    COMPUTE_OR_TRAP,
    HIGH,
    JOIN,
    LOW,
    STACKED,
    Attempt,
    Drop,
    Eval,
    Expr,
    Function,
    Jump,
    JumpTable,
    Place,
    Return,
    TailCall,
    in_order,
)
from pyvm.compiler.link import assembly
from pyvm.compiler.link.assembly import Callee, Deeper, Ins, Label, Routine, Unit
from pyvm.compiler.link.layout import Layout
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.traps import Trap
from pyvm.wasm.module import FunctionType


@dataclass
class Shared:
    """What the units of one program have in common.

    Attributes:
        globals: the slot of each global of the module (of eight bytes: the upper one).
        types: numbers of the types of functions, from 1 on, which table entries carry.
        segments: (address, length) of the passive data segments that are copied from.
        drops: the slot that says so for each segment that may be dropped.
        routines: those in use.
        pages: the slot of the memory's size, in the base machine.
        sites: trap sites so far, in the base machine.
    """

    surroundings: Surroundings
    layout: Layout
    globals: list[int] = field(default_factory=list)
    types: dict[FunctionType, int] = field(default_factory=dict)
    segments: dict[int, tuple[int, int]] = field(default_factory=dict)
    drops: dict[int, int] = field(default_factory=dict)
    routines: set[Routine] = field(default_factory=set)
    max_pages: int = 0
    pages: int = 0
    sites: int = 0

    def type_number(self, kind: FunctionType) -> int:
        return self.types.setdefault(kind, len(self.types) + 1)


Operation = Callable[["Selector", Expr], None]


@dataclass(frozen=True)
class Machine:
    """What one of the machines does in its own way.

    Attributes:
        operations: by operation, where it is not one row of the same name.
        jump_table: the value is on the operand stack.
        trap: ends the run; the second argument is what was refused.
    """

    name: str
    operations: dict[str, Operation]
    jump_table: Callable[[Selector, JumpTable], None]
    trap: Callable[[Selector, Trap, str | None], None]


class Selector:
    """Emits the code of one function."""

    def __init__(self, machine: Machine, shared: Shared, function: Function):
        self.machine, self.shared, self.function = machine, shared, function
        self.unit = Unit(assembly.Function(function.index), function=function.name)
        self.at: int | None = None
        self.deferred: list[tuple[int | None, Callable[[], None]]] = []
        self.slots = _slots(function)
        self.busy = self.most = sum(
            2 if function.kinds[local] == "i64" else 1 for local in self.slots
        )

    def select(self) -> Unit:
        for statement in self.function.code:
            if isinstance(statement, Eval):
                self.value(statement.value)
            elif isinstance(statement, Attempt):
                self.value(statement.value)
                self._behind(Ins("br", statement.label, statement.at))
            elif isinstance(statement, Drop):
                self.value(statement.value)
                self.emit("drop")
            elif isinstance(statement, Place):
                self.place(statement.label)
            elif isinstance(statement, Jump):
                self._jump(statement)
            elif isinstance(statement, JumpTable):
                self.value(statement.value)
                self.at = statement.at
                self.machine.jump_table(self, statement)
            elif isinstance(statement, TailCall):
                self._tail_call(statement)
            elif isinstance(statement, Return):
                self.at = statement.at
                self.emit("return", int(statement.skips))
            else:
                self.at = statement.at
                self.machine.trap(self, statement.kind, statement.refused)
        for at, emit in self.deferred:
            self.at = at
            emit()
        self.unit.code = deepened(self.unit.code, (self.most - 1) // isa.LOCALS)
        return self.unit

    # -- emission -------------------------------------------------------------------------------

    def emit(self, op: str, arg: int | Label | Callee | tuple[Label, ...] = 0) -> None:
        self.shared.surroundings.spend()
        self.unit.code.append(Ins(op, arg, self.at))

    def place(self, label: Label) -> None:
        self.unit.code.append(label)

    def const(self, value: int) -> None:
        self.emit("i32.const", value & 0xFFFFFFFF)

    def routine(self, name: str, divisor: int | None = None) -> None:
        routine = Routine(name, divisor)
        self.shared.routines.add(routine)
        self.emit("call", routine)

    def trap_if(self, kind: Trap) -> None:
        """Traps if the top of the stack, which it takes, is not zero."""
        label = Label("trap")

        def trap() -> None:
            self.place(label)
            self.machine.trap(self, kind, None)

        self.defer(trap)
        self.emit("br_if", label)

    def defer(self, emit: Callable[[], None]) -> None:
        """Code that is seldom executed is emitted behind the function's own."""
        self.deferred.append((self.at, emit))

    @contextmanager
    def temporaries(self, *kinds: str) -> Iterator[tuple[int, ...]]:
        """Slots for values (of eight bytes: the upper one of two), until the block ends."""
        busy, slots = self.busy, []
        for kind in kinds:
            self.busy += 2 if kind == "i64" else 1
            slots.append(self.busy - 1)
        self.most = max(self.most, self.busy)
        yield tuple(slots)
        self.busy = busy

    def _behind(self, row: Ins) -> None:
        """The row behind the call that was emitted last."""
        call = self.unit.code[-1]
        assert isinstance(call, Ins)
        self.unit.code[-1] = call._replace(behind=row)

    def _jump(self, statement: Jump) -> None:
        value = statement.value
        if value is None:
            self.at = statement.at
            self.emit("br", statement.label)
            return
        self.value(value)
        self.at = statement.at
        if statement.negated:
            over = Label("over")
            self.emit("br_if", over)
            self.emit("br", statement.label)
            self.place(over)
        else:
            self.emit("br_if", statement.label)

    def _tail_call(self, statement: TailCall) -> None:
        """Through a table: to a member of the group by its row, any other is called and its
        results are returned.
        """
        if statement.value is None:
            self.at = statement.at
            self.emit("br", statement.label or Label())
            return
        first, labels = self.shared.surroundings.tails.places(self.function.index)
        other = Label("other")
        self.value(statement.value)
        self.at = statement.at
        with self.temporaries("i32") as (row,):
            self.emit("local.tee", row)
            self.emit("i32.const", first)
            self.emit("i32.sub")
            self.emit("br_table", (*labels, other))
            self.place(other)
            self.emit("local.get", row)
        self.emit("call_element")
        throws = self.function.index in self.shared.surroundings.exceptions.functions
        if throws:
            self._behind(Ins("return", 0, self.at))
        self.emit("return", int(throws))

    # -- values ---------------------------------------------------------------------------------

    def value(self, value: Expr) -> None:
        """Code that leaves the value on the operand stack."""
        operation = self.machine.operations.get(value.op) or _OPERATIONS.get(value.op)
        if operation is None:
            self.operands(value)
            self.emit(value.op, value.imm)
        else:
            operation(self, value)

    def operands(self, value: Expr) -> None:
        """Its operands, in order; from here on the place is its own."""
        for arg in value.args:
            self.value(arg)
        if value.at is not None:
            self.at = value.at


def deepened(code: list[Ins | Label], levels: int) -> list[Ins | Label]:
    """The code with its calls made from so much deeper."""
    if levels <= 0:
        return code
    result: list[Ins | Label] = []
    for item in code:
        if isinstance(item, Ins) and INSTRUCTIONS[item.op].completion == isa.CALL_COMMIT:
            unit = None if isinstance(item.arg, (int, Label, tuple)) else item.arg
            throws = item.behind is not None
            deeper = Deeper(unit, throws)
            for _ in range(levels - 1):
                deeper = Deeper(deeper, throws)
            item = item._replace(op="call", arg=deeper)
        result.append(item)
    return result


def _slots(function: Function) -> dict[int, int]:
    """The slot of each local that is used; one of eight bytes takes its own and the one before."""
    slots: dict[int, int] = {}
    used = 0
    for statement in function.code:
        if statement.value is not None and (statement.value.reads or statement.value.writes):
            for value in in_order(statement.value):
                if value.op in _LOCALS and value.imm not in slots:
                    used += 2 if function.kinds[value.imm] == "i64" else 1
                    slots[value.imm] = used - 1
    return slots


def _typed(value: Expr, kind: str, op: str) -> str:
    return f"i64.{op}" if kind == "i64" else op


def _local(s: Selector, value: Expr) -> None:
    kind = s.function.kinds[value.imm]
    slot = s.slots[value.imm]
    if value.args and value.args[0].op == JOIN:
        _set_halves(s, value.args[0], slot, value.imm)
        if value.op == "local.tee":
            s.emit("i64.local.get", slot)
        return
    s.operands(value)
    if value.op in (LOW, HIGH):
        s.emit("local.get", slot - (value.op == HIGH))
    else:
        s.emit(_typed(value, kind, value.op), slot)


def _set_halves(s: Selector, joined: Expr, slot: int, index: int) -> None:
    """The halves of a local, or of a temporary, one by one; one that stays is not touched."""
    low, high = joined.args
    stays = low.op == LOW and low.imm == index and not high.writes
    if not stays:
        s.value(low)
    s.value(high)
    s.at = joined.at if joined.at is not None else s.at
    s.emit("local.set", slot - 1)
    if not stays:
        s.emit("local.set", slot)


def _join(s: Selector, value: Expr) -> None:
    with s.temporaries("i64") as (slot,):
        if value.imm:
            slot = s.slots[value.imm - 1]
        _set_halves(s, value, slot, value.imm - 1)
        s.emit("i64.local.get", slot)


def _global(s: Selector, value: Expr) -> None:
    s.operands(value)
    kind = s.shared.surroundings.module.globals[value.imm].type
    kind = "i64" if kind in ("i64", "f64") else "i32"
    s.emit(_typed(value, kind, value.op), s.shared.globals[value.imm])


def _select(s: Selector, value: Expr) -> None:
    s.operands(value)
    s.emit(_typed(value, value.type, value.op))


def _call(s: Selector, value: Expr) -> None:
    s.operands(value)
    s.emit("call", assembly.Function(value.imm))


_LOCALS = ("local.get", "local.set", "local.tee", LOW, HIGH)


def _element(s: Selector, value: Expr) -> None:
    s.operands(value)
    kind = s.shared.surroundings.module.types[value.imm]
    s.emit("element", s.shared.type_number(kind))


_OPERATIONS: dict[str, Operation] = {
    "element": _element,
    STACKED: lambda s, value: s.operands(value),
    **dict.fromkeys(_LOCALS, _local),
    "global.get": _global,
    "global.set": _global,
    "select": _select,
    JOIN: _join,
    "call": _call,
    COMPUTE: _call,
    COMPUTE_OR_TRAP: _call,
}
