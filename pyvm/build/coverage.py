"""Programs that need the blocks which ordinary programs need: a shipped kernel is made of them.

Enters: pairs.txt, which says of each instruction which ones come after it in ordinary programs.
Leaves: token programs that execute each pair, and each instruction on operands at which bytes,
signs and carries change.  Which block a run needs depends on little more than the instruction and
the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from pyvm.bundled import PROGRAMS
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.engine.run import Run
from pyvm.isa import arithmetic
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.program import Program

_LONGEST = 200_000  # tokens of a run of those written here: later ones need nothing that is new
PAIRS = Path(__file__).with_name("pairs.txt")

# Counts of shifts, signs, carries, and bytes with and without their upper bit in any order.
_SHORT = (0, 1, 8, 13, 27, 0x7F, 0x80, 0xFF)
_LONG = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xC0008040, 0x9E3779B9, 0x85EBCA6B)
_WIDE = tuple(number << 32 | number for number in _LONG)
_NUMBERS = {4: _SHORT + _LONG, 8: (*_SHORT, 45, 1 << 63, *_WIDE)}
_SMALL, _NEGATIVE = {4: 5, 8: 5}, {4: 0x80000005, 8: 0x8000000000000005}
# Where locals, globals and the memory hold a small and a negative number.
_SLOT = {4: (3, 5), 8: (8, 10)}
_SMALL_AT, _NEGATIVE_AT, _FREE_AT = 16, 32, 64
_DATA = bytes([5, 0, 0, 0, 0, 0, 0, 0]).ljust(16, b"\0") + bytes([0x85] * 8)
# What ends a program, or what it can do.
_ALONE = ("halt", "exit", "trap", "element", "call_element", "memory.resize")


def standard_runs() -> list[Run]:
    """What the standard machine's kernel is made of; the library's executor runs it."""
    compiled = (from_wasm(each.wasm(), each.input, name=each.name) for each in PROGRAMS.values())
    return [*map(execute, compiled), *(execute(program, _LONGEST) for program in programs())]


def pairs() -> dict[str, list[str]]:
    """Which instructions come after an instruction."""
    lines = PAIRS.read_text(encoding="ascii").splitlines()
    rows = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {first: second.split() for first, _, second in rows}


def programs(rows: frozenset[str] = frozenset(INSTRUCTIONS)) -> Iterator[Program]:
    """Programs of these instructions alone, each pair of them once or twice."""
    for name, following in pairs().items():
        if name not in rows:
            continue
        first, writer = INSTRUCTIONS[name], _Writer(rows)
        for second in (INSTRUCTIONS[each] for each in following if each in rows):
            alone = name in _ALONE or second.name in _ALONE
            for case in _cases(first, second):
                to = _Writer(rows) if alone else writer
                to.pair(first, second, case)
                if alone:
                    yield to.program(name)
        if name not in _ALONE:
            yield writer.program(name)


def _taken(row: Instruction) -> tuple[int, ...]:
    """Bytes of each operand, the top last."""
    if row.source == isa.SELECT:
        return (row.value_bytes, row.value_bytes, 4)
    if row.writes:
        return (4,) * (row.pops - 1) + (max(4, row.value_bytes),)
    return row.operands


def _given(row: Instruction) -> tuple[int, ...]:
    return (8 if row.value_bytes == 8 else 4,) * row.pushes


@dataclass(frozen=True)
class _Case:
    """How the first instruction of a pair is executed: its operands, the cell that it reads, or
    where it jumps to."""

    operands: tuple[int, ...]
    negative: bool


def _cases(first: Instruction, second: Instruction) -> list[_Case]:
    """All operands where the second one only drops the result; else a few that differ in it."""
    sizes = _taken(first)
    if second.source == isa.DISTANCE and first.source != isa.ELEMENT:
        return []  # no function's row is on top
    if not sizes or first.cell == isa.ADDRESS and not first.writes:
        address = {False: (_SMALL_AT,), True: (_NEGATIVE_AT,)}
        return [_Case(address[sign] if sizes else (), sign) for sign in (False, True)]
    if first.completion == isa.CALL_COMMIT and sizes:
        return [_Case((), sign) for sign in (False, True)]
    if first.jumps or first.source in (isa.ELEMENT, isa.SIZE) or first.completion == isa.RESIZE:
        number = 1 << 16 if first.completion == isa.RESIZE else 0
        taken = [(number,), (1,)] if first.name == "br_if" else [(number,)]
        return [_Case(each, sign) for each in taken for sign in (False, True)]
    found: dict[object, _Case] = {}
    addresses = (_FREE_AT,) if first.cell == isa.ADDRESS else ()
    for numbers in product(*(_NUMBERS[size] for size in sizes[len(addresses) :])):
        operands = (*addresses, *numbers)
        result = _result(first, operands)
        if result is None or _traps(second, result):
            continue
        key = numbers if second.name == "drop" else _end(first, operands, result)
        found.setdefault(key, _Case(operands, bool(result & 1)))
    return list(found.values())


def _result(row: Instruction, operands: tuple[int, ...]) -> int | None:
    """What it gives, as far as it depends on operands; None where it traps."""
    if row.source == isa.SELECT:
        return operands[0] if operands[2] else operands[1]
    if row.source == isa.TOP:
        return operands[-1]
    return arithmetic.fold(row.name, list(operands))


def _end(row: Instruction, operands: tuple[int, ...], result: int) -> object:
    """What the last byte of its value is like: its upper bit, and whether it has a mark."""
    bits = 8 * max(_given(row) or (4,))
    total = {isa.ADD: sum(operands), isa.SUB: operands[0] - operands[-1]}.get(row.source, result)
    return result >> bits - 1, total != result & (1 << bits) - 1


def _traps(row: Instruction, top: int) -> bool:
    """Whether it would, with this operand on top."""
    if row.cell == isa.ADDRESS and not row.writes:
        return top & 0xFFFFFFFF > 0xFFFFFFF0
    return row.source in (isa.DIVIDE, isa.REMAIN) and not top & 0xFFFFFFFF


class _Label:
    """A row, when it is known."""

    row = -1


# A label: the way there, of a constant its row; None: the next row, of a return its function.
_Row = tuple[str, "int | _Label | None"]
_Rows = list["_Row | _Label"]


@dataclass
class _Writer:
    """Code so far; functions lie before it and behind it, so that calls lead either way."""

    rows: frozenset[str]
    before: _Rows = field(default_factory=list)
    code: _Rows = field(default_factory=list)
    behind: _Rows = field(default_factory=list)
    entry: _Label | None = None  # the function in the table

    def pair(self, first: Instruction, second: Instruction, case: _Case) -> None:
        """Both instructions, on operands that are pushed; the stack is left as it was."""
        given, taken = _given(first), _taken(second)
        below = taken[: max(0, len(taken) - len(given))]
        left = len(below) + len(given) - second.pops + second.pushes
        drops: _Rows = [("drop", 0)] * left
        code = [*_pushed(below, (_FREE_AT,) * len(below)), *_pushed(_taken(first), case.operands)]
        then = self._step(second, case)
        if first.completion == isa.CALL_COMMIT:
            code += self._call(first, [*then, *drops, ("return", None)], case)
            drops = []
        elif first.name == "return":
            code += [*self._call(INSTRUCTIONS["call"], [("return", None)], case), *then]
        elif first.jumps and case.negative and case.operands != (0,):
            to, over, out = _Label(), _Label(), _Label()
            code += [("br", over), to, *then, *drops, ("br", out), over, *_jump(first, to), out]
            drops = []
        else:
            code += [*self._step(first, case), *then]
        if second.name == "return" and first.completion != isa.CALL_COMMIT:
            code = self._call(INSTRUCTIONS["call"], code, case)
        self.code += [*code, *drops]

    def program(self, name: str) -> Program:
        main = _Label()
        start: _Rows = [*_numbers_in_cells(self.rows), *self._warm(), *self.code, ("halt", 0)]
        # Compiled programs begin so; what a run knows of the memory lasts.
        sized: _Rows = [("i32.const", 1 << 16), ("memory.resize", 0)]
        first = sized if "memory.resize" in self.rows else []
        rows: _Rows = [*first, ("br", main), *self.before, main, *start, *self.behind]
        data = [_DATA] if "data" in self.rows else []
        given: _Rows = [("data", _SMALL_AT)] if data else []
        if self.entry is not None:
            given.append(("elements", 0))
        code = _resolved([*given, *rows])
        if self.entry is not None:
            data.append(self.entry.row.to_bytes(4, "little") + b"\1\0\0\0")
        return Program(tuple(code), name=f"pairs that begin with {name}", data=tuple(data))

    def _warm(self) -> _Rows:
        """One of each: a run of any length has what these find at hand."""
        rows: _Rows = []
        case = _Case((), False)
        for row in (INSTRUCTIONS[name] for name in sorted(self.rows)):
            if row.executed and row.name not in (*_ALONE, "return", "memory.size"):
                sizes = _taken(row)
                rows += _pushed(sizes, (_FREE_AT,) * len(sizes))
                rows += self._step(row, case)
                rows += [("drop", 0)] * row.pushes
        return rows

    def _call(self, row: Instruction, body: _Rows, case: _Case) -> _Rows:
        """A call of a new function."""
        label = _Label()
        place = self.before if case.negative else self.behind
        place += [
            label,
            *(("return", label) if each == ("return", None) else each for each in body),
        ]
        if row.name == "call":
            return [("call", label)]
        return [("i32.const", label), ("call_element", None)]

    def _step(self, row: Instruction, case: _Case) -> _Rows:
        if row.name == "call":
            return self._call(row, [("return", None)], case)
        if row.jumps and row.completion == isa.BRANCH:
            to = _Label()
            return [*_jump(row, to), to]
        if row.name == "return" or row.completion == isa.CALL_COMMIT:
            return [(row.name, None)]
        if row.source == isa.ELEMENT:
            if self.entry is None:
                self.entry = _Label()
                self.behind += [self.entry, ("return", self.entry)]
            return [(row.name, 1)]
        if row.source == isa.IMMEDIATE:
            numbers = _NEGATIVE if case.negative else _SMALL
            return _pushed(_given(row), (numbers[_given(row)[0]],))
        if row.cell in (isa.LOCAL, isa.GLOBAL):
            return [(row.name, _SLOT[8 if row.value_bytes == 8 else 4][case.negative])]
        return [(row.name, 1 if row.completion == isa.TRAP else 0)]


def _jump(row: Instruction, to: _Label) -> _Rows:
    return [(row.name, 0), ("br", to)] if row.name == "br_table" else [(row.name, to)]


def _pushed(sizes: tuple[int, ...], numbers: tuple[int, ...]) -> _Rows:
    rows: _Rows = []
    for size, number in zip(sizes, numbers):
        if size == 4:
            rows.append(("i32.const", number & 0xFFFFFFFF))
        else:
            rows += [("i64.const", number & 0xFFFFFFFF), ("i64.high", number >> 32)]
    return rows


def _numbers_in_cells(names: frozenset[str]) -> _Rows:
    """Writes the cells that are read, of locals those of some call depths."""
    rows: _Rows = []
    for size, numbers in ((4, (_SMALL, _NEGATIVE)), (8, (_SMALL, _NEGATIVE))):
        for cell, depths in (("local", 4), ("global", 1)):
            name = f"{cell}.set" if size == 4 else f"i64.{cell}.set"
            for slot, number in zip(_SLOT[size], numbers) if name in names else ():
                for depth in range(depths):
                    rows += _pushed((size,), (number[size],))
                    rows.append((name, slot + isa.LOCALS * depth))
    return rows


def _resolved(rows: _Rows) -> list[tuple[str, int]]:
    code: list[_Row] = []
    for each in rows:
        if isinstance(each, _Label):
            each.row = len(code)
        else:
            code.append(each)
    found = []
    for number, (name, immediate) in enumerate(code):
        if immediate is None:
            immediate = number + 1
        elif isinstance(immediate, _Label):
            way = immediate.row - (0 if name == "i32.const" else number + 1)
            immediate = way & 0xFFFFFFFF
        found.append((name, immediate))
    return found
