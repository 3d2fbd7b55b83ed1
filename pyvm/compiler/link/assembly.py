"""Machine code before it has addresses: instructions with labels and symbols, and the linker.

Enters: `Unit`s (one per wasm function, library routine and the start code).  Leaves: the flat list
of machine instructions with relative offsets, and the place in the wasm file of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS

MASK = 0xFFFFFFFF


class Label:
    """A place in a unit's code; identity is what counts."""

    __slots__ = ("name",)

    def __init__(self, name: str = ""):
        self.name = name

    def __repr__(self) -> str:
        return f"Label({self.name})"


class Ins(NamedTuple):
    """A machine instruction; `arg` is a number, the Label of a branch, or the unit that a call
    names.
    """

    op: str
    arg: int | Label | str = 0
    at: int | None = None  # byte offset in the wasm file
    refused: str | None = None  # of a halt: the wasm instruction that is not supported


@dataclass
class Unit:
    """A piece of code that is entered at its first instruction."""

    name: str
    code: list[Ins | Label] = field(default_factory=list)
    function: str | None = None  # name of the wasm function that it is compiled from


class Linked(NamedTuple):
    """`code[i]` is (opcode, immediate); `places[i]` is (wasm function or None, offset or None);
    `starts` has the first instruction of each unit, `refused` what is not supported where.
    """

    code: list[tuple[str, int]]
    places: list[tuple[str | None, int | None]]
    starts: dict[str, int]
    refused: dict[int, str]


def link(units: list[Unit]) -> Linked:
    """Places the units one behind the other and resolves labels, calls and returns."""
    starts: dict[str, int] = {}
    labels: dict[Label, int] = {}
    cursor = 0
    for unit in units:
        starts[unit.name] = cursor
        for item in unit.code:
            if isinstance(item, Label):
                labels[item] = cursor
            else:
                cursor += 1
    code: list[tuple[str, int]] = []
    places = []
    refusals: dict[int, str] = {}
    for unit in units:
        for item in unit.code:
            if isinstance(item, Label):
                continue
            op, arg, at, refused = item
            if refused:
                refusals[len(code)] = refused
            if INSTRUCTIONS[op].immediate == isa.JUMP:
                arg = _target(item, unit, labels, starts) - len(code) - 1
            if not isinstance(arg, int):
                raise AssertionError(f"{op} has the operand {arg!r}: only a jump has a target")
            code.append((op, arg & MASK))
            places.append((unit.function, at))
    return Linked(code, places, starts, refusals)


def _target(item: Ins, unit: Unit, labels: dict[Label, int], starts: dict[str, int]) -> int:
    """The instruction that a jump names."""
    if isinstance(item.arg, Label):
        return labels[item.arg]
    if isinstance(item.arg, str):
        return starts[item.arg]
    return starts[unit.name]  # a return: the machine subtracts the offset of the call


def assemble(name: str, text: str, symbols: dict[str, int] | None = None) -> Unit:
    """A unit from assembly text.

    One instruction per line; `name:` is a label; `;` starts a comment.  Operands are numbers, names
    in `symbols` with an optional offset (`CELL+1`), labels of branches, units of calls; a name
    after local.* is a local, numbered in the order of appearance.
    """
    labels: dict[str, Label] = {}
    local_index: dict[str, int] = {}
    unit = Unit(name)
    for line in text.splitlines():
        words = line.partition(";")[0].split()
        if not words:
            continue
        if words[0].endswith(":"):
            key = words[0][:-1]
            unit.code.append(labels.setdefault(key, Label(key)))
            continue
        op, operand = words[0], words[1] if len(words) > 1 else "0"
        if op not in INSTRUCTIONS:
            raise ValueError(f"{name}: {op!r} is no instruction")
        row = INSTRUCTIONS[op]
        if row.completion == isa.BRANCH:
            arg: int | Label | str = labels.setdefault(operand, Label(operand))
        elif row.completion == isa.CALL_COMMIT:
            arg = operand
        elif row.immediate == isa.LOCAL:
            arg = local_index.setdefault(operand, len(local_index))
        else:
            arg = _number(operand, symbols or {})
        unit.code.append(Ins(op, arg))
    placed = [item for item in unit.code if isinstance(item, Label)]
    if len(placed) != len(set(placed)) or set(placed) != set(labels.values()):
        raise ValueError(f"{name}: a label is missing or placed twice")
    if len(local_index) > isa.LOCALS:
        raise ValueError(f"{name}: more than {isa.LOCALS} locals")
    return unit


def _number(text: str, symbols: dict[str, int]) -> int:
    for sign in "+-":
        base, found, offset = text.partition(sign)
        if found and base:
            return symbols[base] + int(sign + offset, 0)
    if text in symbols:
        return symbols[text]
    return int(text, 0) & MASK
