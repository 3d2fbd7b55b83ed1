"""Instruction selection: expression trees -> machine instructions.

Enters: a `Node`.  Leaves: machine code that puts its value on the operand stack (an i64 as two
words, low word first).  What the machine lacks is done here where operands are constant, else by a
call of a library routine (routines.py).  i64 is in wide.py.

Costs, in tokens: pushing a value 5, an operation 5, store8 2, store16 3, a branch not taken 1,
    taken 6.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyvm.program import wide
from pyvm.program.assembly import MASK, Ins, Label, Unit
from pyvm.program.expression import Node, const, node, slot, stacked
from pyvm.program.instructions import INSTRUCTIONS
from pyvm.program.layout import Layout
from pyvm.program.opcodes import ACCESS_BYTES
from pyvm.program.traps import Trap, halt_immediate
from pyvm.program.variables import Variable

_MAX_BYTE_TABLES = 16  # 256 bytes each, which the start code writes with 64 stores


STACKED = stacked("i32")  # the word on top of the stack


@dataclass
class Shared:
    """What the units of one program have in common."""

    layout: Layout
    routines: set[str] = field(default_factory=set)  # names of the library routines in use
    sites: int = 0  # trap sites so far
    checked: bool = False  # trap accesses beyond the memory
    memory_bytes: int = 0  # of the memory at the start
    stack_global: int = 0  # machine global that points to the memory frames
    limit_global: int | None = None  # machine global with the memory's size, if it can grow

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

    def __init__(self, shared: Shared, unit: Unit, first_temporary: int):
        self.shared, self.unit = shared, unit
        self.first, self.busy, self.most = first_temporary, 0, 0
        self.at: int | None = None
        self.traps: list[tuple[Label, Trap, int | None]] = []
        self.address = shared.layout.addresses

    # -- emission -------------------------------------------------------------------------------

    def emit(self, op: str, arg: int | Label | str = 0) -> None:
        self.unit.code.append(Ins(op, arg & MASK if isinstance(arg, int) else arg, self.at))

    def const(self, value: int) -> None:
        self.emit("i32.const", value)

    def routine(self, name: str) -> None:
        self.shared.routines.add(name)
        self.emit("call", name)

    def place(self, label: Label) -> None:
        self.unit.code.append(label)

    @contextmanager
    def temporaries(self, count: int = 1):
        """Machine locals that nobody else uses until the block ends."""
        start = self.first + self.busy
        self.busy += count
        self.most = max(self.most, self.busy)
        yield start if count == 1 else tuple(range(start, start + count))
        self.busy -= count

    def trap_if(self, kind: Trap) -> None:
        """Traps if the top of the stack, which it takes, is not zero."""
        label = Label("trap")
        self.traps.append((label, kind, self.at))
        self.emit("br_if", label)

    def trap(self, kind: Trap) -> None:
        self.shared.sites += 1
        self.emit("halt", halt_immediate(kind, self.shared.sites))

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
        if item.op in _SPECIAL:
            _SPECIAL[item.op](self, item)
        elif wide.is_wide(item):
            wide.value(self, item)
        elif item.op in ACCESS_BYTES:
            self.checked_address(item.args[0], item.imm, ACCESS_BYTES[item.op])
            self.here(item)
            self.emit(item.op, item.imm)
        elif item.op in INSTRUCTIONS:
            for arg in item.args:
                self.value(arg)
            self.here(item)
            self.emit(item.op)
        else:
            for arg in item.args:
                self.value(arg)
            self.here(item)
            self.routine(item.op)

    def here(self, item: Node) -> None:
        if item.at is not None:
            self.at = item.at

    @contextmanager
    def held(self, *items: Node):
        """The values of `items`, evaluated in order, in temporaries until the block ends.

        Temporaries are taken after the evaluation, so that nested expressions do not add up theirs.
        A value that is a machine local anyway is left there.
        """
        if len(items) == 1 and (known := local_slot(items[0])) is not None:
            yield known
            return
        for item in items:
            self.value(item)
        with self.temporaries(len(items)) as slots:
            for t in reversed(slots if len(items) > 1 else (slots,)):
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
        """Sets one word to a value that is not rooted."""
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
                with self.temporaries() as t:
                    self.emit("local.set", t)
                    self.assign(variable, slot(t))

    def set(self, variables: tuple[Variable, ...], item: Node) -> None:
        if len(variables) == 1 and not item.rooted:
            self.assign(variables[0], item)
        else:
            self.value(item)
            self.pop_into(variables)

    # -- scratch cells --------------------------------------------------------------------------

    def store_cell(self, item: Node, cell: int, op: str = "i32.store") -> None:
        """Writes the value of `item` to a scratch cell."""
        if not item.rooted:
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
        with self.temporaries() as t:
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

    def needs_check(self, address: Node, offset: int, size: int) -> bool:
        """Whether an access may lie beyond the memory, which never shrinks."""
        return self.shared.checked and address.may + offset + size > self.shared.memory_bytes

    def checked_address(self, address: Node, offset: int, size: int) -> None:
        """Pushes an address, after a bounds check where that is asked for."""
        if not self.needs_check(address, offset, size):
            self.value(address)
        elif local_slot(address) is not None:
            self.value(address)
            self.bounds_check(offset, size)
            self.value(address)
        else:
            self.value(address)
            self.check_top(offset, size)

    def check_top(self, offset: int, size: int) -> None:
        """A bounds check of the address on top of the stack, which stays there."""
        with self.temporaries() as t:
            self.emit("local.tee", t)
            self.bounds_check(offset, size)
            self.emit("local.get", t)

    def bounds_check(self, offset: int, size: int) -> None:
        """Traps if the address on top of the stack, which it takes, leads beyond the memory."""
        reach = offset + size
        grows = self.shared.limit_global is not None
        if reach > self.shared.memory_bytes and not grows:
            self.emit("drop")
            self.const(1)
        elif not grows:
            self.const(self.shared.memory_bytes - reach)
            self.emit("i32.gt_u")
        else:
            if reach > self.shared.memory_bytes:
                self.emit("global.get", self.shared.limit_global)
                self.const(min(reach, MASK))  # no memory is larger
                self.emit("i32.lt_u")
                self.trap_if(Trap.OUT_OF_BOUNDS)
            self.emit("global.get", self.shared.limit_global)
            self.const(-reach)
            self.emit("i32.add")
            self.emit("i32.gt_u")
        self.trap_if(Trap.OUT_OF_BOUNDS)

    def store(self, op: str, address: Node, item: Node, offset: int, at: int | None) -> None:
        """A store statement."""
        if op.startswith("i64."):
            wide.store(self, op, address, item, offset, at)
            return
        size = ACCESS_BYTES[op]
        if op in ("i32.store8", "i32.store16"):
            item = low_bits(item, 8 * size)
        if not self.needs_check(address, offset, size) or (_quiet(item) and not item.rooted):
            if at is not None:
                self.at = at
            self.checked_address(address, offset, size)
            self.value(item)
        else:
            with self.held(address, item) as (a, v):
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
        return item.imm
    if item.op == "local.get" and len(item.imm) == 1 and item.imm[0].kind == "local":
        return item.imm[0].index
    return None


def _quiet(item: Node) -> bool:
    """Evaluation neither traps nor writes: a check may come before it."""
    plain = item.op in INSTRUCTIONS and item.op != "call" and "load" not in item.op
    return item.pure or (plain and all(map(_quiet, item.args)))


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


# -- operations with a constant operand ---------------------------------------------------------


def _shl(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        _routine(s, item)
        return
    skip, bits = divmod(count, 8)
    if skip:
        s.through_cell(x, s.address["WINDOW"], "i32.store", "i32.load", -skip)
    else:
        s.value(x)
    s.double(bits)


def _shr_u(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        _routine(s, item)
        return
    skip, bits = divmod(count, 8)
    if not x.may >> count:  # evaluated for its effect alone
        s.value(x)
        s.emit("drop")
        s.const(0)
    elif count == 31:
        s.value(x)
        s.const(0)
        s.emit("i32.lt_s")
    elif bits and x.may >> count <= 3:
        with s.held(x) as t:
            for step in range(1, (x.may >> count) + 1):
                s.emit("local.get", t)
                s.const(step << count)
                s.emit("i32.ge_u")
                if step > 1:
                    s.emit("i32.add")
    elif skip:
        window = s.address["WINDOW"]
        load = {1: "i32.load", 2: "i32.load16_u", 3: "i32.load8_u"}[skip]
        if bits == 0:
            s.through_cell(x, window, "i32.store", load, skip)
        else:
            s.store_cell(x, window)
            rest = Node("i32.load", "i32", (const(0),), window + skip, may=x.may >> 8 * skip)
            with _unchecked(s):
                _shift_right(s, rest, bits)
    else:
        _shift_right(s, x, bits)


@contextmanager
def _unchecked(s: Selector):
    """Accesses of the compiler's own cells need no check."""
    checked, s.shared.checked = s.shared.checked, False
    yield
    s.shared.checked = checked


def _shift_right(s: Selector, x: Node, bits: int) -> None:
    """x >> bits for 0 < bits < 8: a table, or x << 8 - bits and then one byte down."""
    left = 8 - bits
    if x.may <= 0xFF:
        table = s.shared.byte_table(f"shr {bits}", lambda value: value >> bits)
        s.value(x)
        if table is not None:
            s.emit("i32.load8_u", table)
            return
        s.double(left)
        with s.held(STACKED) as t:
            s.through_cell(slot(t), s.address["CELL"], "i32.store16", "i32.load8_u", 1)
        return
    if x.may << left <= MASK:
        window = s.address["WINDOW"]
        if not x.rooted:
            s.const(0)
            s.value(x)
            s.double(left)
            s.emit("i32.store", window)
            s.load_cell(window + 1)
        else:
            s.value(x)
            s.double(left)
            with s.held(STACKED) as t:
                s.through_cell(slot(t), window, "i32.store", "i32.load", 1)
        return
    if bits <= 3:
        down = s.shared.byte_table(f"shr {bits}", lambda value: value >> bits)
        up = s.shared.byte_table(f"shl {left}", lambda value: value << left)
        if down is not None and up is not None:
            cell, result = s.address["CELL"], s.address["R"]
            s.store_cell(x, cell)
            for i in range(4):
                s.const(0)
                s.load_cell(cell + i, "i32.load8_u")
                s.emit("i32.load8_u", down)
                if i < 3:
                    s.load_cell(cell + i + 1, "i32.load8_u")
                    s.emit("i32.load8_u", up)
                    s.emit("i32.add")
                s.emit("i32.store8", result + i)
            s.load_cell(result)
            return
    merge = s.address["MERGE"]
    with s.held(x) as t:
        s.const(0)
        s.through_cell(slot(t), s.address["CELL"], "i32.store", "i32.load8_u", 3)
        s.double(left)
        s.emit("i32.store", merge + 2)
        s.const(0)
        s.emit("local.get", t)
        s.double(left)
        s.emit("i32.store", merge - 1)
    s.load_cell(merge)


def _shr_s(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        _routine(s, item)
    elif count == 31:
        if x.rooted:
            with s.held(x) as t:
                _shr_s(s, node("i32.shr_s", "i32", (slot(t), item.args[1])))
            return
        s.const(0)
        s.value(x)
        s.const(0)
        s.emit("i32.lt_s")
        s.emit("i32.sub")
    elif count in (16, 24):
        load = "i32.load16_s" if count == 16 else "i32.load8_s"
        s.through_cell(x, s.address["CELL"], "i32.store", load, count // 8)
    else:  # shift x + 2^31, which is not negative
        biased = Node("i32.add", "i32", (x, const(1 << 31)), may=MASK)
        s.value(node("i32.shr_u", "i32", (biased, const(count))))
        s.const(-(1 << 31 - count))
        s.emit("i32.add")


def _rotate(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        _routine(s, item)
        return
    if item.name == "rotr":
        count = 32 - count
    with s.held(x) as t:
        s.value(node("i32.shl", "i32", (slot(t), const(count))))
        s.value(node("i32.shr_u", "i32", (slot(t), const(32 - count))))
        s.emit("i32.add")


_BYTE = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b}


def _bitwise(s: Selector, item: Node) -> None:
    """and, or, xor with a constant: byte by byte, with tables for bytes that are not trivial."""
    x, constant = item.args[0], item.args[1].constant
    if constant is None:
        if item.args[0].may | item.args[1].may == 1:
            _boolean(s, item)
        else:
            _routine(s, item)
        return
    name, function = item.name, _BYTE[item.name]
    # what each byte becomes: None unchanged, an int a constant, a str the key of a table
    plan: list[None | int | str] = []
    for i in range(4):
        k, may = constant >> 8 * i & 0xFF, x.may >> 8 * i & 0xFF
        values = {v: function(v, k) for v in range(256) if v & ~may == 0}
        if all(v == result for v, result in values.items()):
            plan.append(None)
        elif len(set(values.values())) == 1:
            plan.append(next(iter(values.values())))
        else:
            plan.append(f"{name} {k:#04x}")
    if all(
        isinstance(key, int) or (key is None and not x.may >> 8 * i & 0xFF)
        for i, key in enumerate(plan)
    ):
        s.value(x)
        s.emit("drop")
        s.const(sum((key or 0) << 8 * i for i, key in enumerate(plan)))
        return
    tables: dict[int, int] = {}
    wanted = {key for key in plan if isinstance(key, str)}
    if len([key for key in wanted if f"byte {key}" not in s.shared.layout.contents]) <= 2:
        for i, key in enumerate(plan):
            if isinstance(key, str):
                k = constant >> 8 * i & 0xFF
                table = s.shared.byte_table(key, lambda value, k=k: function(value, k))
                if table is not None:
                    tables[i] = table
    if sum(isinstance(key, str) for key in plan) > len(tables):
        _routine(s, item)
        return
    kept = [
        i for i in range(4) if plan[i] != 0 and not (plan[i] is None and not x.may >> 8 * i & 0xFF)
    ]
    if x.may <= 0xFF and kept == [0]:
        s.value(x)
        if 0 in tables:
            s.emit("i32.load8_u", tables[0])
        return
    cell = s.address["CELL"]
    if kept == [0, 1] and plan[:2] == [None, None]:
        s.through_cell(x, cell, "i32.store16", "i32.load16_u")
        return
    if kept == [0]:
        s.through_cell(x, cell, "i32.store8", "i32.load8_u")
        if 0 in tables:
            s.emit("i32.load8_u", tables[0])
        return
    s.store_cell(x, cell)
    if len(kept) == 1 and name == "and":  # into a word whose other bytes are always zero
        (i,) = kept
        only = s.address[f"ONLY{i}"]
        s.const(0)
        s.load_cell(cell + i, "i32.load8_u")
        if i in tables:
            s.emit("i32.load8_u", tables[i])
        s.emit("i32.store8", only + i)
        s.load_cell(only)
        return
    i = 0
    while i < 4:
        key = plan[i]
        if isinstance(key, str):
            s.const(0)
            s.load_cell(cell + i, "i32.load8_u")
            s.emit("i32.load8_u", tables[i])
            s.emit("i32.store8", cell + i)
        elif key is not None:
            s.const(0)
            if i < 3 and isinstance(plan[i + 1], int):
                s.const(key | plan[i + 1] << 8)
                s.emit("i32.store16", cell + i)
                i += 1
            else:
                s.const(key)
                s.emit("i32.store8", cell + i)
        i += 1
    s.load_cell(cell)


def _boolean(s: Selector, item: Node) -> None:
    """and, or, xor of two truth values."""
    a, b = item.args
    if item.name == "and" and not b.rooted:  # b ? a : 0
        order = (a, const(0), b)
    elif item.name == "or" and not a.rooted and not b.rooted:  # b ? 1 : a
        order = (const(1), a, b)
    else:
        order = (a, b)
    for arg in order:
        s.value(arg)
    s.here(item)
    if len(order) == 3:
        s.emit("select")
    elif item.name == "xor":
        s.emit("i32.ne")
    else:
        s.emit("i32.add")
        s.const(0 if item.name == "or" else 2)
        s.emit("i32.ne" if item.name == "or" else "i32.eq")


def signed_digits(value: int) -> list[int]:
    """The non-adjacent form of a 32-bit number modulo 2^32: digits -1, 0, 1, least significant
    first.
    """
    if value >> 31:
        value -= 1 << 32
    digits = []
    while value and len(digits) < 32:
        digit = 0
        if value & 1:
            digit = 2 - (value & 3)
            value -= digit
        digits.append(digit)
        value >>= 1
    return digits


def _mul(s: Selector, item: Node) -> None:
    x, constant = item.args[0], item.args[1].constant
    if constant is None:
        _routine(s, item)
        return
    if constant == 0:  # evaluated for its effect alone
        s.value(x)
        s.emit("drop")
        s.const(0)
        return
    digits = signed_digits(constant)
    negative = digits[-1] < 0
    s.value(x)
    with s.temporaries(2) as (t, u):
        if negative:
            s.emit("local.set", t)
            s.const(0)
            s.emit("local.get", t)
            s.emit("i32.sub")
        else:
            s.emit("local.tee", t)
        pending = 0
        for digit in reversed(digits[:-1]):
            pending += 1
            if digit:
                _shift_top(s, pending, u)
                pending = 0
                s.emit("local.get", t)
                s.emit("i32.add" if digit > 0 else "i32.sub")
        _shift_top(s, pending, u)


def _shift_top(s: Selector, count: int, temporary: int) -> None:
    if count >= 8:
        s.emit("local.set", temporary)
        s.value(node("i32.shl", "i32", (slot(temporary), const(count))))
    else:
        s.double(count)


def _divide(s: Selector, item: Node) -> None:
    """div and rem: the zero check is here, where the place of the trap is known."""
    x, y = item.args
    name, constant = item.name, item.args[1].constant
    if constant:
        if name in ("div_s", "rem_s") and constant == 1 << 31 or constant == MASK:
            pass  # rare: leave it to the general routine
        else:
            s.value(x)
            s.here(item)
            s.routine(f"{item.op}.{constant}")
            return
    s.value(x)
    s.value(y)
    s.here(item)
    with s.temporaries(2) as (a, b):
        if constant is None or constant == 0:
            s.emit("local.tee", b)
            s.emit("i32.eqz")
            s.trap_if(Trap.DIVIDE_BY_ZERO)
            s.emit("local.get", b)
        if name == "div_s" and (constant is None or constant == MASK):
            # -2^31 / -1: first look at the divisor, which is rarely -1
            fine = Label("fine")
            s.emit("local.tee", b)
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
    s.routine(item.op)


def _routine(s: Selector, item: Node) -> None:
    for arg in item.args:
        s.value(arg)
    s.here(item)
    s.routine(item.op)


def _extend(s: Selector, item: Node) -> None:
    bits = int(item.name[6:-2])
    x = low_bits(item.args[0], bits)
    if x.op in (f"i32.load{bits}_u", f"i32.load{bits}_s") and x.op in ACCESS_BYTES:
        s.value(Node(f"i32.load{bits}_s", "i32", x.args, x.imm, x.at))
        return
    s.through_cell(x, s.address["CELL"], f"i32.store{bits}", f"i32.load{bits}_s")


def _sub(s: Selector, item: Node) -> None:
    left, right = item.args
    if right.rooted and not left.rooted:  # made by a rewrite: constant - value
        with s.held(right) as t:
            s.value(left)
            s.emit("local.get", t)
    else:
        s.value(left)
        s.value(right)
    s.here(item)
    s.emit("i32.sub")


def _variable(s: Selector, item: Node) -> None:
    for variable in item.imm:
        s.read(variable)


def _tee(s: Selector, item: Node) -> None:
    s.value(item.args[0])
    s.emit("local.tee", item.imm)


def _call(s: Selector, item: Node) -> None:
    """A wasm function, or memory.grow: `imm` is the unit's name."""
    for arg in item.args:
        s.value(arg)
    s.here(item)
    if item.op == "call":
        s.emit("call", item.imm)
    else:
        s.routine(item.imm)


_SPECIAL: dict[str, Callable[[Selector, Node], None]] = {
    "local.get": _variable,
    "global.get": _variable,
    "local.tee": _tee,
    "call": _call,
    "memory.grow": _call,
    "stacked": lambda s, item: None,
    "slot": lambda s, item: s.emit("local.get", item.imm),
    "i32.const": lambda s, item: s.const(item.imm),
    "i32.sub": _sub,
    "i32.shl": _shl,
    "i32.shr_u": _shr_u,
    "i32.shr_s": _shr_s,
    "i32.rotl": _rotate,
    "i32.rotr": _rotate,
    "i32.and": _bitwise,
    "i32.or": _bitwise,
    "i32.xor": _bitwise,
    "i32.mul": _mul,
    "i32.div_s": _divide,
    "i32.div_u": _divide,
    "i32.rem_s": _divide,
    "i32.rem_u": _divide,
    "i32.extend8_s": _extend,
    "i32.extend16_s": _extend,
}
