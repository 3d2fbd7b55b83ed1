"""The selector: emits machine code; keeps temporaries, scratch cells and trap sites.

Enters: a `Node`.  Leaves: machine code that puts its value on the operand stack (an i64 as two
words, low word first).  Operations that are more than one instruction are in the files beside this
one; `OPERATIONS` in __init__.py says where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyvm.compiler.ir.expression import Node, slot, stacked
from pyvm.compiler.ir.variables import Variable
from pyvm.compiler.link.assembly import MASK, Ins, Label, Unit
from pyvm.compiler.link.layout import Layout
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.traps import Trap, halt_immediate
from pyvm.wasm import limits
from pyvm.wasm.opcodes import ACCESS_BYTES

_MAX_BYTE_TABLES = 16  # 256 bytes each, which the start code writes with 64 stores


Operation = Callable[..., None]
STACKED = stacked("i32")  # the word on top of the stack


@dataclass
class Shared:
    """What the units of one program have in common."""

    layout: Layout
    routines: set[str] = field(default_factory=set)  # names of the library routines in use
    sites: int = 0  # trap sites so far
    checked: bool = False  # trap accesses beyond the memory
    memory_bytes: int = 0  # of the memory at the start
    out_of_bounds: Trap = Trap.OUT_OF_BOUNDS  # what an access beyond them is
    stack_global: int = 0  # machine global that points to the memory frames
    stack_floor: int = 0  # the lowest address of a frame
    limit_global: int | None = None  # machine global with the memory's size, if it can grow
    spent: int = 0  # machine instructions so far

    def spend(self, instructions: int = 1) -> None:
        """Counts machine instructions before they are made."""
        self.spent += instructions
        if self.spent > limits.MACHINE_INSTRUCTIONS:
            limits.bounded(self.spent, limits.MACHINE_INSTRUCTIONS, "machine instructions")

    def byte_table(self, name: str, function: Callable[[int], int]) -> int | None:
        """Address of the table of a function from byte to byte; None when there are too many
        already.
        """
        key = f"byte {name}"
        tables = sum(known.startswith("byte ") for known in self.layout.contents)
        if key not in self.layout.contents and tables >= _MAX_BYTE_TABLES:
            return None
        return self.layout.table(key, bytes(function(value) & 0xFF for value in range(256)))


class Selector:
    """Emits the code of one function."""

    def __init__(
        self, shared: Shared, unit: Unit, first_temporary: int, operations: dict[str, Operation]
    ):
        self.shared, self.unit, self.operations = shared, unit, operations
        self.first, self.busy, self.most = first_temporary, 0, 0
        self.at: int | None = None
        self.traps: list[tuple[Label, Trap, int | None]] = []
        self.address = shared.layout.addresses

    # -- emission -------------------------------------------------------------------------------

    def emit(self, op: str, arg: int | Label | str = 0) -> None:
        self.shared.spend()
        self.unit.code.append(Ins(op, arg & MASK if isinstance(arg, int) else arg, self.at))

    def const(self, value: int) -> None:
        self.emit("i32.const", value)

    def routine(self, name: str) -> None:
        self.shared.routines.add(name)
        self.emit("call", name)

    def place(self, label: Label) -> None:
        self.unit.code.append(label)

    @contextmanager
    def temporaries(self, count: int) -> Iterator[tuple[int, ...]]:
        """Machine locals that nobody else uses until the block ends."""
        start = self.first + self.busy
        self.busy += count
        self.most = max(self.most, self.busy)
        yield tuple(range(start, start + count))
        self.busy -= count

    @contextmanager
    def temporary(self) -> Iterator[int]:
        t = self.first + self.busy
        self.busy += 1
        self.most = max(self.most, self.busy)
        yield t
        self.busy -= 1

    def trap_if(self, kind: Trap) -> None:
        """Traps if the top of the stack, which it takes, is not zero."""
        label = Label("trap")
        self.traps.append((label, kind, self.at))
        self.emit("br_if", label)

    def trap(self, kind: Trap, refused: str | None = None) -> None:
        self.shared.spend()
        self.shared.sites += 1
        immediate = halt_immediate(kind, self.shared.sites)
        self.unit.code.append(Ins("halt", immediate, self.at, refused))

    def place_traps(self) -> None:
        """The halts that conditional traps lead to, behind the function's code."""
        for label, kind, at in self.traps:
            self.at = at
            self.place(label)
            self.trap(kind)
        self.traps.clear()

    # -- values ---------------------------------------------------------------------------------

    def value(self, item: Node) -> None:
        """Code that pushes the value of `item`."""
        if item.at is not None:
            self.at = item.at
        if (operation := self.operations.get(item.op)) is not None:
            operation(self, item)
        elif is_wide(item):
            self.operations["i64"](self, item)
        elif item.op in ACCESS_BYTES:
            self.checked_address(item.args[0], item.number, ACCESS_BYTES[item.op], item.at)
            self.emit(item.op, item.number)
        elif item.op in INSTRUCTIONS:
            for arg in item.args:
                self.value(arg)
            self.here(item)
            self.emit(item.op)
        else:
            self.call_routine(item)

    def call_routine(self, item: Node) -> None:
        """The library routine that has the instruction's name."""
        for arg in item.args:
            self.value(arg)
        self.here(item)
        self.routine(item.op)

    def here(self, item: Node) -> None:
        if item.at is not None:
            self.at = item.at

    @contextmanager
    def held(self, item: Node) -> Iterator[int]:
        """The value of `item` in a temporary until the block ends; where it is in a machine local
        anyway, that one.
        """
        if (known := local_slot(item)) is not None:
            yield known
            return
        self.value(item)
        with self.temporary() as t:
            self.emit("local.set", t)
            yield t

    @contextmanager
    def all_held(self, *items: Node) -> Iterator[tuple[int, ...]]:
        """The values of `items`, evaluated in order, in temporaries until the block ends.

        Temporaries are taken after the evaluation, so that nested expressions do not add up theirs.
        """
        for item in items:
            self.value(item)
        with self.temporaries(len(items)) as slots:
            for t in reversed(slots):
                self.emit("local.set", t)
            yield slots

    # -- variables ------------------------------------------------------------------------------

    def read(self, variable: Variable) -> None:
        """Pushes one word."""
        if variable.kind in ("local", "global"):
            self.emit(f"{variable.kind}.get", variable.index)
        else:
            self._base(variable)
            self.emit("i32.load", variable.index)

    def _base(self, variable: Variable) -> None:
        if variable.kind == "frame":
            self.emit("global.get", self.shared.stack_global)
        else:
            self.const(0)

    def assign(self, variable: Variable, item: Node) -> None:
        """Sets one word to a value that is not on_stack."""
        if variable.kind in ("local", "global"):
            self.value(item)
            self.emit(f"{variable.kind}.set", variable.index)
        else:
            self._base(variable)
            self.value(item)
            self.emit("i32.store", variable.index)

    def pop_into(self, variables: tuple[Variable, ...]) -> None:
        """Moves the words on top of the stack into variables."""
        for variable in reversed(variables):
            if variable.kind in ("local", "global"):
                self.emit(f"{variable.kind}.set", variable.index)
            else:
                with self.temporary() as t:
                    self.emit("local.set", t)
                    self.assign(variable, slot(t))

    def set(self, variables: tuple[Variable, ...], item: Node) -> None:
        if len(variables) == 1 and not item.on_stack:
            self.assign(variables[0], item)
        else:
            self.value(item)
            self.pop_into(variables)

    # -- scratch cells --------------------------------------------------------------------------

    def store_cell(self, item: Node, cell: int, op: str = "i32.store") -> None:
        """Writes the value of `item` to a scratch cell."""
        if not item.on_stack:
            self.const(0)
            self.value(item)
            self.emit(op, cell)
        else:
            with self.held(item) as t:
                self.store_cell(slot(t), cell, op)

    def load_cell(self, cell: int, op: str = "i32.load") -> None:
        self.const(0)
        self.emit(op, cell)

    def through_cell(self, item: Node, cell: int, store: str, load: str, shift: int = 0) -> None:
        self.store_cell(item, cell, store)
        self.load_cell(cell + shift, load)

    def double(self, times: int) -> None:
        """Doubles the top of the stack."""
        with self.temporary() as t:
            for _ in range(times):
                self.duplicate(t)
                self.emit("i32.add")

    def duplicate(self, temporary: int) -> None:
        """Pushes the top of the stack once more."""
        last = self.unit.code[-1]
        if isinstance(last, Ins) and last.op in ("local.get", "local.tee"):
            self.emit("local.get", last.arg)
        else:
            self.emit("local.tee", temporary)
            self.emit("local.get", temporary)

    # -- memory ---------------------------------------------------------------------------------

    @contextmanager
    def unchecked(self) -> Iterator[None]:
        """Accesses of the compiler's own cells need no check."""
        checked, self.shared.checked = self.shared.checked, False
        yield
        self.shared.checked = checked

    def needs_check(self, address: Node, offset: int, size: int) -> bool:
        """Whether an access may lie beyond the memory, which never shrinks."""
        return self.shared.checked and address.may + offset + size > self.shared.memory_bytes

    def checked_address(self, address: Node, offset: int, size: int, at: int | None) -> None:
        """Pushes an address, after a bounds check where that is asked for."""
        self.value(address)
        self.at = self.at if at is None else at
        if not self.needs_check(address, offset, size):
            return
        known = local_slot(address)
        if known is None:
            self.check_top(offset, size)
        else:
            self.bounds_check(offset, size)
            self.emit("local.get", known)

    def check_top(self, offset: int, size: int) -> None:
        """A bounds check of the address on top of the stack, which stays there."""
        with self.temporary() as t:
            self.emit("local.tee", t)
            self.bounds_check(offset, size)
            self.emit("local.get", t)

    def bounds_check(self, offset: int, size: int) -> None:
        """Traps if the address on top of the stack, which it takes, leads beyond the memory."""
        reach = offset + size
        limit = self.shared.limit_global
        if reach > self.shared.memory_bytes and limit is None:
            self.emit("drop")
            self.const(1)
        elif limit is None:
            self.const(self.shared.memory_bytes - reach)
            self.emit("i32.gt_u")
        else:
            if reach > self.shared.memory_bytes:
                self.emit("global.get", limit)
                self.const(min(reach, MASK))  # no memory is larger
                self.emit("i32.lt_u")
                self.trap_if(self.shared.out_of_bounds)
            self.emit("global.get", limit)
            self.const(-reach)
            self.emit("i32.add")
            self.emit("i32.gt_u")
        self.trap_if(self.shared.out_of_bounds)

    def range_check(self, address: int, length: int) -> None:
        """Traps unless the `length` bytes at `address` (both in locals) lie in the memory."""
        if not self.shared.checked:
            return
        for subtrahend, value in ((None, length), (length, address)):
            self.emit("local.get", value)
            if self.shared.limit_global is None:
                self.const(self.shared.memory_bytes)
            else:
                self.emit("global.get", self.shared.limit_global)
            if subtrahend is not None:
                self.emit("local.get", subtrahend)
                self.emit("i32.sub")
            self.emit("i32.gt_u")
            self.trap_if(self.shared.out_of_bounds)

    def store(self, op: str, address: Node, item: Node, offset: int, at: int | None) -> None:
        """A store statement."""
        if op.startswith("i64."):
            self.operations["i64.store"](self, op, address, item, offset, at)
            return
        size = ACCESS_BYTES[op]
        if op in ("i32.store8", "i32.store16"):
            item = low_bits(item, 8 * size)
        if not self.needs_check(address, offset, size) or (_quiet(item) and not item.on_stack):
            if at is not None:
                self.at = at
            self.checked_address(address, offset, size, at)
            self.value(item)
        else:
            with self.all_held(address, item) as (a, v):
                self.at = at
                self.emit("local.get", a)
                self.bounds_check(offset, size)
                self.emit("local.get", a)
                self.emit("local.get", v)
        self.at = at
        self.emit(op, offset)


def local_slot(item: Node) -> int | None:
    """The machine local whose value an expression is, or None."""
    if item.op == "slot":
        return item.number
    if item.op == "local.get" and len(item.variables) == 1 and item.variables[0].kind == "local":
        return item.variables[0].index
    return None


def _quiet(item: Node) -> bool:
    """Evaluation neither traps nor writes: a check may come before it."""
    plain = item.op in INSTRUCTIONS and item.op != "call" and "load" not in item.op
    return item.pure or (plain and all(map(_quiet, item.args)))


def is_wide(item: Node) -> bool:
    """Whether a value or an operand is an i64."""
    return item.type == "i64" or item.op.startswith("i64.") or item.op == "i32.wrap_i64"


def low_bits(item: Node, bits: int) -> Node:
    """A cheaper node with the same low bits."""
    while True:
        mask = (1 << bits) - 1
        if (
            item.name == "and"
            and item.type == "i32"
            and (item.args[1].constant or 0) & mask == mask
        ):
            item = item.args[0]
        elif item.op in ("i32.extend8_s", "i32.extend16_s") and int(item.op[10:-2]) >= bits:
            item = item.args[0]
        else:
            return item
