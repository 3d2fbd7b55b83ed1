"""Machine code before it has addresses: instructions with labels and units, and the linker.

Enters: `Unit`s (one per wasm function, library routine and the start code).  Leaves: the flat list
of rows with relative offsets, and the place in the wasm file of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS

MASK = 0xFFFFFFFF


@dataclass(eq=False)
class Label:
    """A place in a unit's code; identity is what counts."""

    name: str = ""


@dataclass(frozen=True)
class Start:
    """The code that begins."""


@dataclass(frozen=True)
class Function:
    """The code of a wasm function, by its index."""

    index: int


@dataclass(frozen=True)
class Routine:
    """A routine of the library; `divisor` of a division by a constant."""

    name: str
    divisor: int | None = None


@dataclass(frozen=True)
class Uncaught:
    """Where exceptions end that a function threw and nothing caught; its index."""

    index: int


@dataclass(frozen=True)
class Deeper:
    """Calls another unit from a deeper call depth (None: the one on top of the stack), which may
    return with an exception.
    """

    unit: Callee | None
    throws: bool = False


@dataclass(frozen=True)
class Group:
    """Functions that tail calls connect (tails.py); `index` of the first."""

    index: int


@dataclass(frozen=True)
class Member:
    """The code of a function in a group, which is entered through that."""

    index: int


Callee = Function | Routine | Deeper | Group
Key = Start | Member | Uncaught | Callee


class Ins(NamedTuple):
    """A machine instruction, or several rows that belong together: i64.const with all of its
    number, br_table with its labels, a call with the row behind it.

    A `return` with the number 1 goes to the second row behind the call, and so the first one is for
    those that return with an exception.
    """

    op: str
    arg: int | Label | Callee | tuple[Label, ...] = 0
    at: int | None = None  # byte offset in the wasm file
    refused: str | None = None  # of a trap: the wasm instruction that is not supported, or the tag
    behind: Ins | None = None  # of a call that may return with an exception: where that leads

    @property
    def rows(self) -> int:
        if self.op == "i64.const":
            return 2
        return 1 + (len(self.arg) if isinstance(self.arg, tuple) else self.behind is not None)


@dataclass
class Unit:
    """A piece of code that is entered at its first instruction, or at that of another unit."""

    key: Key
    code: list[Ins | Label] = field(default_factory=list)
    function: str | None = None  # name of the wasm function that it is compiled from
    entered: Key | None = None  # the other unit


class Linked(NamedTuple):
    """`code[i]` is (opcode, immediate); `places[i]` is (wasm function or None, offset or None);
    `starts` has the first row of each unit, `refused` what is not supported where.
    """

    code: list[tuple[str, int]]
    places: list[tuple[str | None, int | None]]
    starts: dict[Key, int]
    refused: dict[int, str]


def link(units: list[Unit]) -> Linked:
    """Places the units one behind the other and resolves labels, calls and returns."""
    starts: dict[Key, int] = {}
    labels: dict[Label, int] = {}
    cursor = 0
    for unit in units:
        starts[unit.key] = cursor
        for item in unit.code:
            if isinstance(item, Label):
                labels[item] = cursor
            else:
                cursor += item.rows
    code: list[tuple[str, int]] = []
    places: list[tuple[str | None, int | None]] = []
    refusals: dict[int, str] = {}
    for unit in units:
        for item in unit.code:
            if isinstance(item, Label):
                continue
            if item.refused:
                refusals[len(code)] = item.refused
            rows = _rows(item, len(code), starts[unit.entered or unit.key], labels, starts)
            if item.behind is not None:
                after, begin = len(code) + 1, starts[unit.entered or unit.key]
                rows += _rows(item.behind, after, begin, labels, starts)
            code += [(op, value & MASK) for op, value in rows]
            places += [(unit.function, item.at)] * len(rows)
    return Linked(code, places, starts, refusals)


def _rows(
    item: Ins, here: int, start: int, labels: dict[Label, int], starts: dict[Key, int]
) -> list[tuple[str, int]]:
    op, arg = item.op, item.arg
    if isinstance(arg, tuple):
        jumps = [("br", labels[label] - here - 2 - i) for i, label in enumerate(arg)]
        return [(op, len(arg) - 1), *jumps]
    if isinstance(arg, Label):
        return [(op, labels[arg] - here - 1)]
    if not isinstance(arg, int):
        if INSTRUCTIONS[op].immediate != isa.JUMP:  # the row itself
            return [(op, starts[arg])]
        return [(op, starts[arg] - here - 1)]
    if op == "i64.const":
        return [(op, arg), ("i64.high", arg >> 32)]
    if INSTRUCTIONS[op].immediate == isa.CURSOR:
        return [(op, here + 1)]
    if INSTRUCTIONS[op].immediate == isa.JUMP:  # a return: from it the call's offset is subtracted
        return [(op, start - here - 1 + arg)]
    return [(op, arg)]


def assemble(key: Key, text: str, symbols: dict[str, int] | None = None) -> Unit:
    """A unit from assembly text.

    One instruction per line; `name:` is a label; `;` starts a comment.  Operands are numbers, names
    in `symbols` with an optional offset (`CELL+1`), labels of branches, routines of calls; a name
    after local.* is a local, numbered in the order of appearance.  A local of eight bytes has the
    halves `name.low` and `name.high`; br_table has its labels behind it.
    """
    labels: dict[str, Label] = {}
    local_index: dict[str, int] = {}
    used = 0
    unit = Unit(key)

    def label(name: str) -> Label:
        return labels.setdefault(name, Label(name))

    for line in text.splitlines():
        words = line.partition(";")[0].split()
        if not words:
            continue
        if words[0].endswith(":"):
            unit.code.append(label(words[0][:-1]))
            continue
        op, operand = words[0], words[1] if len(words) > 1 else "0"
        if op not in INSTRUCTIONS:
            raise ValueError(f"{key}: {op!r} is no instruction")
        row = INSTRUCTIONS[op]
        arg: int | Label | Callee | tuple[Label, ...]
        if op == "br_table":
            arg = tuple(label(name) for name in words[1:])
        elif row.completion == isa.BRANCH:
            arg = label(operand)
        elif row.completion == isa.CALL_COMMIT:
            name, _, divisor = operand.partition("/")
            arg = Routine(name, int(divisor) if divisor else None)
        elif row.immediate == isa.LOCAL:
            name, _, half = operand.partition(".")
            if name not in local_index:
                used += 2 if half or row.value_bytes == 8 else 1
                local_index[name] = used - 1
            arg = local_index[name] - (half == "high")
        else:
            arg = _number(operand, symbols or {})
        unit.code.append(Ins(op, arg))
    placed = [item for item in unit.code if isinstance(item, Label)]
    if len(placed) != len(set(placed)) or set(placed) != set(labels.values()):
        raise ValueError(f"{key}: a label is missing or placed twice")
    if used > isa.LOCALS:
        raise ValueError(f"{key}: more than {isa.LOCALS} locals")
    return unit


def _number(text: str, symbols: dict[str, int]) -> int:
    for sign in "+-":
        base, found, offset = text.partition(sign)
        if found and base:
            return symbols[base] + int(sign + offset, 0)
    if text in symbols:
        return symbols[text]
    return int(text, 0)
