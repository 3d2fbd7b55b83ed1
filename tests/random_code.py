"""Small random programs of the standard machine, for the tests of everything that runs programs.

Enters: a seed.  Leaves: a `Program` with typed operands that halts, exits or traps within a few
hundred instructions.  Every row of the table comes up within some hundred seeds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from operands import BOUNDARIES, I32, I64, constant, numeric_rows, operand_types, result_type
from pyvm.isa import instructions as isa
from pyvm.isa.executor import Executor
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.program import Program
from pyvm.isa.traps import Trap

MOST = 400  # instructions executed
_PAGE = 1 << 16
_DIVIDES = (isa.DIVIDE, isa.REMAIN)


def random_number(rng: random.Random, kind: str) -> int:
    bits = 64 if kind == I64 else 32
    if rng.random() < 0.6:
        return rng.choice(BOUNDARIES[kind])
    return rng.getrandbits(rng.randint(1, bits))


@dataclass
class _Function:
    params: list[str]
    results: list[str]
    type: int
    label: int


@dataclass
class _Place:
    """Of one function: the operands' types, and where its locals lie."""

    stack: list[str] = field(default_factory=list)
    locals: list[tuple[str, int]] = field(default_factory=list)  # type, index
    counters: int = 0  # locals behind the others that count loops
    depth: int = 0  # of nested control


class _Writer:
    """The code so far; a jump's immediate is a label until all is written."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.code: list[tuple[str, int]] = []
        self.labels: dict[int, int] = {}
        self.jumps: list[tuple[int, int]] = []  # row, label
        self.globals: list[tuple[str, int]] = []
        self.functions: list[_Function] = []
        self.callable: list[_Function] = []
        self.place = _Place()
        self.floor = 0  # the operands below are another block's

    # ---- rows ----
    def emit(self, op: str, imm: int = 0) -> None:
        self.code.append((op, imm))

    def label(self) -> int:
        self.labels[len(self.labels)] = -1
        return len(self.labels) - 1

    def here(self, label: int) -> None:
        self.labels[label] = len(self.code)

    def jump(self, op: str, label: int) -> None:
        self.jumps.append((len(self.code), label))
        self.emit(op)

    def push(self, kind: str, number: int) -> None:
        self.code += constant(kind, number)
        self.place.stack.append(kind)

    def resolve(self) -> None:
        for row, label in self.jumps:
            op, _ = self.code[row]
            self.code[row] = (op, self.labels[label] - row - 1 & 0xFFFFFFFF)

    # ---- operands ----
    def value(self, kind: str) -> None:
        """Pushes an operand of a type from anywhere."""
        places = [("local", at) for of, at in self.place.locals if of == kind]
        places += [("global", at) for of, at in self.globals if of == kind]
        if places and self.rng.random() < 0.5:
            cell, at = self.rng.choice(places)
            self.emit(_cell(cell, "get", kind), at)
            self.place.stack.append(kind)
        else:
            self.push(kind, random_number(self.rng, kind))

    def take(self, *kinds: str) -> None:
        """Lets the operands of an instruction lie on top, and pops their types."""
        have = len(self.place.stack) - len(kinds)
        if have < self.floor or self.place.stack[have:] != list(kinds):
            for kind in kinds:
                self.value(kind)
        del self.place.stack[len(self.place.stack) - len(kinds) :]

    # ---- statements ----
    def body(self, count: int, floor: int | None = None) -> None:
        """Some statements; those of a block leave the operands below `floor` alone."""
        before, self.floor = self.floor, floor or 0
        for _ in range(count):
            self.statement()
        if floor is not None:
            self.settle(floor)
        self.floor = before

    def settle(self, depth: int) -> None:
        """Uses the operands above a depth."""
        while len(self.place.stack) > depth:
            self.use()

    def use(self) -> None:
        """Takes the operand on top away."""
        kind = self.place.stack[-1]
        choice = self.rng.choice(["drop", "store", "set", "output"])
        if choice == "store":
            self.store_top()
            return
        self.place.stack.pop()
        cells = [("local", at) for of, at in self.place.locals if of == kind]
        cells += [("global", at) for of, at in self.globals if of == kind]
        if choice == "set" and cells:
            cell, at = self.rng.choice(cells)
            self.emit(_cell(cell, "set", kind), at)
        elif choice == "output":
            self.emit(self.rng.choice(["output", "output", "output_error"]))
        else:
            self.emit("drop")

    def store_top(self) -> None:
        """The value on top goes through a local below an address."""
        kind = self.place.stack.pop()
        at = next(at for of, at in self.place.locals if of == kind)
        self.emit(_cell("local", "set", kind), at)
        self.address()
        self.emit(_cell("local", "get", kind), at)
        self.place.stack.pop()
        names = ["i32.store", "i32.store8", "i32.store16"] + ["i64.store"] * 2 * (kind == I64)
        self.emit(self.rng.choice(names), self.rng.choice([0, 0, 1, 3, 7, 255]))

    def address(self) -> None:
        """Mostly one in the memory, where cells are read again; few that trap."""
        chance = self.rng.random()
        if chance < 0.7:
            self.push(I32, self.rng.choice([0, 1, 8, 60, 61, 62, 63, 64, 250, 256, 65530]))
        elif chance < 0.97:
            self.value(I32)
            self.push(I32, self.rng.choice([0xFF, 0xFFF, 0x70]))
            self.place.stack.pop()
            self.emit("i32.and")
        else:
            self.value(I32)

    def statement(self) -> None:
        kinds = [
            (self.arithmetic, 12), (self.load, 4), (self.use_any, 3), (self.tee, 2),
            (self.select, 2), (self.memory, 1), (self.branch, 2), (self.table, 1), (self.loop, 1),
            (self.call, 2), (self.call_element, 2), (self.stop, 0.15),
        ]  # fmt: skip
        weights = [weight for _, weight in kinds]
        self.rng.choices([kind for kind, _ in kinds], weights)[0]()

    def arithmetic(self) -> None:
        row = self.rng.choice(numeric_rows())
        kinds = operand_types(row)
        self.take(*kinds)
        if row.source in _DIVIDES and self.rng.random() < 0.9:
            self.code += [*constant(I32, 1), ("i32.or", 0)]
        self.emit(row.name)
        self.place.stack.append(result_type(row))

    def load(self) -> None:
        rows = [r for r in INSTRUCTIONS.values() if r.source == isa.CELL and r.cell == isa.ADDRESS]
        row = self.rng.choice(rows)
        self.address()
        self.place.stack.pop()
        self.emit(row.name, self.rng.choice([0, 0, 1, 2, 5, 255]))
        self.place.stack.append(result_type(row))

    def use_any(self) -> None:
        if len(self.place.stack) > self.floor:
            self.use()

    def tee(self) -> None:
        kind, at = self.rng.choice(self.place.locals)
        self.take(kind)
        self.emit(_cell("local", "tee", kind), at)
        self.place.stack.append(kind)

    def select(self) -> None:
        kind = self.rng.choice([I32, I64])
        self.take(kind, kind, I32)
        self.emit("select" if kind == I32 else "i64.select")
        self.place.stack.append(kind)

    def memory(self) -> None:
        if self.rng.random() < 0.5:
            self.push(I32, self.rng.choice([1, 2, 2, 3, 65536]))
            self.place.stack.pop()
            self.emit("memory.resize")
        else:
            self.emit("memory.size")
            self.place.stack.append(I32)

    def block(self) -> None:
        """A few statements that leave the operands as they are."""
        self.place.depth += 1
        self.body(self.rng.randint(0, 4), len(self.place.stack))
        self.place.depth -= 1

    def branch(self) -> None:
        if self.place.depth > 2:
            return
        self.take(I32)
        end, other = self.label(), self.label()
        self.jump("br_if", other)
        self.block()
        self.jump("br", end)
        self.here(other)
        self.block()
        self.here(end)

    def table(self) -> None:
        if self.place.depth > 1:
            return
        if self.rng.random() < 0.7:
            self.value(I32)
            self.push(I32, self.rng.choice([1, 3, 7]))
            del self.place.stack[-2:]
            self.emit("i32.and")
        else:
            self.take(I32)
        labels = [self.label() for _ in range(self.rng.randint(1, 4))]
        entries = [self.rng.choice(labels) for _ in range(self.rng.randint(1, 6))]
        end = self.label()
        self.emit("br_table", len(entries) - 1)
        for each in entries:
            self.jump("br", each)
        for each in labels:
            self.here(each)
            self.block()
            self.jump("br", end)
        self.here(end)

    def loop(self) -> None:
        if self.place.depth > 1 or self.place.counters > 3:
            return
        counter = 40 + self.place.counters
        self.place.counters += 1
        self.code += [("i32.const", self.rng.randint(1, 3)), ("local.set", counter)]
        begin = self.label()
        self.here(begin)
        self.block()
        self.code += [("local.get", counter), ("i32.const", 1), ("i32.sub", 0)]
        self.code += [("local.tee", counter)]
        self.jump("br_if", begin)

    def call(self) -> None:
        if self.callable:
            function = self.rng.choice(self.callable)
            self.take(*function.params)
            self.jump("call", function.label)
            self.place.stack += function.results

    def call_element(self) -> None:
        if not self.callable:
            return
        function = self.rng.choice(self.callable)
        # Entry i holds function i; behind them stands one without a function.
        index = self.functions.index(function)
        right = self.rng.random() < 0.93
        for kind in function.params:
            self.value(kind)
        del self.place.stack[len(self.place.stack) - len(function.params) :]
        wrong = [len(self.functions), len(self.functions) + 1, 1 << 29, 0xFFFFFFFF]
        self.code += constant(I32, index if right else self.rng.choice(wrong))
        kind = function.type if right or self.rng.random() < 0.7 else function.type + 1
        self.emit("element", kind)
        self.emit("call_element", len(self.code) + 1)
        self.place.stack += function.results

    def stop(self) -> None:
        if self.rng.random() < 0.5:
            self.emit("trap", self.rng.choice([kind for kind in Trap]))
        else:
            self.take(I32)
            self.emit("exit")

    # ---- functions ----
    def begin(self, params: list[str]) -> None:
        self.place = _Place()
        at = 0
        for kind in (I32, I64, *self.rng.choices([I32, I64], k=2)):
            at += 2 if kind == I64 else 1
            self.place.locals.append((kind, at - 1))
        for i, kind in enumerate(params[::-1]):
            self.emit(_cell("local", "set", kind), 20 + 2 * i)
            self.place.locals.append((kind, 20 + 2 * i))
        for kind, index in self.place.locals[:4]:
            self.code += constant(kind, random_number(self.rng, kind))
            self.emit(_cell("local", "set", kind), index)

    def function(self, function: _Function) -> None:
        self.here(function.label)
        self.begin(function.params)
        self.body(self.rng.randint(1, 6), 0)
        for kind in function.results:
            self.value(kind)
        self.jump("return", function.label)


def _cell(cell: str, access: str, kind: str) -> str:
    return f"{'i64.' if kind == I64 else ''}{cell}.{access}"


def _written(rng: random.Random, name: str) -> Program:
    writer = _Writer(rng)
    data: list[bytes] = []
    given: list[tuple[str, int]] = []
    with_input = rng.random() < 0.3
    for _ in range(rng.randint(0, 2)):
        given.append(("data", rng.choice([0, 3, 60, 250, 65530])))
        data.append(rng.randbytes(rng.randint(0, 12)))
    if with_input:
        given.insert(rng.randint(0, len(given)), ("input_base", rng.choice([8, 62, 256])))
    types: list[tuple[list[str], list[str]]] = [
        ([], []),
        ([I32], [I32]),
        ([I64, I32], [I64]),
        ([I32, I64], [I32, I64]),
    ]
    count = rng.randint(0, 3)
    for _ in range(count):
        which = rng.randrange(len(types))
        params, results = types[which]
        writer.functions.append(_Function(params, results, which + 1, writer.label()))
    if count or rng.random() < 0.2:
        given.append(("elements", 0))
        data.append(b"")  # written when the functions' rows are known
    writer.code += given
    writer.code += [("i32.const", 2), ("memory.resize", 0)]
    at = -1
    for kind in (I32, I64, I64, I32):
        at += 2 if kind == I64 else 1
        writer.globals.append((kind, at))
        writer.code += constant(kind, random_number(rng, kind))
        writer.emit(_cell("global", "set", kind), at)
    writer.callable = writer.functions
    writer.begin([])
    writer.body(rng.randint(4, 25), None)
    writer.settle(0)
    ends = [("halt", 0), ("exit", 0), ("trap", rng.choice(list(Trap)))]
    op, imm = rng.choices(ends, [6, 2, 1])[0]
    if op == "exit":
        writer.value(I32)
    writer.emit(op, imm)
    for i, function in enumerate(writer.functions):
        writer.callable = writer.functions[i + 1 :]
        writer.function(function)
    writer.resolve()
    if given and given[-1][0] == "elements":
        entries = [(writer.labels[each.label], each.type) for each in writer.functions] + [(0, 0)]
        words = [word for entry in entries for word in entry]
        data[-1] = b"".join(word.to_bytes(4, "little") for word in words)
    text = bytes(rng.choices(range(1, 256), k=rng.randint(0, 6))) if with_input else None
    return Program(tuple(writer.code), text, name=name, data=tuple(data))


def random_program(seed: int, most: int = MOST) -> Program:
    """A program that stops within `most` instructions."""
    attempt = 0
    while True:
        program = _written(random.Random(f"{seed}/{attempt}"), f"random program {seed}")
        executor = Executor(program.code, program.given())
        for _ in executor.run():
            if executor.instructions > most:
                break
        else:
            return program
        attempt += 1
