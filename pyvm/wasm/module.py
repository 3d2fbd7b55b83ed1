"""A decoded WebAssembly module as plain data.

Enters: nothing.  Leaves: the classes that the decoder (wasm.py) fills and all later stages read;
each instruction keeps its byte offset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Union

from pyvm.isa.errors import Missing
from pyvm.printable import printable

PAGE = 65536
MAX_PAGES = 65536
Immediate = Union[int, bytes, str, tuple[int, ...], "FunctionType", "TryTable", None]


def number(arg: Immediate) -> int:
    """An immediate that is an index or a constant."""
    if not isinstance(arg, int):
        raise AssertionError(f"{arg!r} is no number")
    return arg


def numbers(arg: Immediate) -> tuple[int, ...]:
    """The labels of br_table, or the two numbers of an instruction that has two."""
    if not isinstance(arg, tuple):
        raise AssertionError(f"{arg!r} is no list of numbers")
    return arg


class Instr(NamedTuple):
    """One instruction: name, immediates, byte offset in the file.

    `arg` is an int (index or constant), the bytes of a float, a FunctionType (block), (targets...,
    default) of br_table, (alignment, offset) of a memory instruction, (type, table) of
    call_indirect, (segment, table) of table.init, (to, from) of table.copy, the type of a select or
    a reference, or a TryTable.
    """

    op: str
    arg: Immediate
    at: int


@dataclass(frozen=True)
class FunctionType:
    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return f"({' '.join(self.params)}) -> ({' '.join(self.results)})"


class Clause(NamedTuple):
    """A clause of try_table: what it catches (None: all), whether it gives a reference to the
    exception, and the label that it branches to.
    """

    tag: int | None
    reference: bool
    label: int


@dataclass(frozen=True)
class TryTable:
    type: FunctionType
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Limits:
    minimum: int
    maximum: int | None

    def __str__(self) -> str:
        most = "" if self.maximum is None else f"{self.maximum}"
        return f"{self.minimum}..{most}"


@dataclass(frozen=True)
class Table(Limits):
    kind: str = "funcref"

    def __str__(self) -> str:
        return f"{super().__str__()} {self.kind}"


@dataclass(frozen=True)
class Import:
    module: str
    name: str
    kind: str  # func | table | memory | global | tag
    desc: int | Limits | tuple[str, bool]  # type index of a func, a tag; of a global: type, mutable
    at: int

    def __str__(self) -> str:
        return printable(f"{self.module}.{self.name}")


@dataclass(frozen=True)
class Global:
    type: str
    mutable: bool
    init: list[Instr]


@dataclass(frozen=True)
class Export:
    name: str
    kind: str
    index: int
    at: int


@dataclass(frozen=True)
class Element:
    """`offset` is None for a passive segment, which only table.init uses, and for a declarative
    one, which only says which functions have references.  `globals` are the place and the global of
    each element that comes from one: a null reference until constants are folded.
    """

    offset: list[Instr] | None
    functions: tuple[int | None, ...]  # None: a null reference
    at: int
    table: int = 0
    kind: str = "funcref"
    declarative: bool = False
    globals: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Data:
    """`offset` is None for a passive segment, which only memory.init uses."""

    offset: list[Instr] | None
    content: bytes
    at: int


@dataclass(frozen=True)
class Body:
    """Code of one function: types of its own locals (without parameters) and instructions."""

    locals: tuple[str, ...]
    code: list[Instr]
    at: int


@dataclass
class Module:
    types: list[FunctionType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    imports_of: dict[str, list[Import]] = field(default_factory=dict)  # the same, by kind
    functions: list[int] = field(default_factory=list)  # type index of each defined function
    tables: list[Table] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)  # type index of each defined tag
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: tuple[int, int] | None = None  # function index, byte offset
    elements: list[Element] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    data: list[Data] = field(default_factory=list)
    data_count: int | None = None
    instructions: int = 0  # decoded so far
    missing_types: dict[str, Missing] = field(default_factory=dict)  # by name, see missing.py
    names: dict[int, str] = field(default_factory=dict)  # name section, then exports
    tag_names: dict[int, str] = field(default_factory=dict)  # name section
    debug: dict[str, bytes] = field(default_factory=dict)  # custom sections .debug_*
    code: range = range(0)  # offsets of the code section's content

    def add_import(self, item: Import) -> None:
        self.imports.append(item)
        self.imports_of.setdefault(item.kind, []).append(item)

    def imported(self, kind: str) -> list[Import]:
        return self.imports_of.get(kind, [])

    def imported_functions(self) -> list[int]:
        """Type indices."""
        return [item.desc for item in self.imported("func") if isinstance(item.desc, int)]

    def imported_limits(self, kind: str) -> list[Limits]:
        """Sizes of the imported tables or memories."""
        return [item.desc for item in self.imported(kind) if isinstance(item.desc, Limits)]

    def imported_tables(self) -> list[Table]:
        return [item.desc for item in self.imported("table") if isinstance(item.desc, Table)]

    def imported_globals(self) -> list[tuple[str, bool]]:
        """Type, and whether it is mutable."""
        return [item.desc for item in self.imported("global") if isinstance(item.desc, tuple)]

    def function_types(self) -> list[FunctionType]:
        """Types of all functions, imported ones first, as indices count them."""
        return [self.types[index] for index in (*self.imported_functions(), *self.functions)]

    def tag_types(self) -> list[FunctionType]:
        """Types of all tags, imported ones first, as indices count them."""
        imported = (item.desc for item in self.imported("tag"))
        own = [index for index in imported if isinstance(index, int)]
        return [self.types[index] for index in (*own, *self.tags)]

    def function_name(self, index: int) -> str:
        return self.names.get(index, f"function {index}")

    def export(self, name: str, kind: str) -> int | None:
        """Index of an export, or None."""
        for item in self.exports:
            if item.name == name and item.kind == kind:
                return item.index
        return None
