"""What lowering knows about the module around a function, and what it asks of it.

Enters: a decoded module and where its globals lie.  Leaves: the functions that are called, and what
was refused in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pyvm.compiler.ir.variables import Variable
from pyvm.compiler.select import Shared
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap
from pyvm.wasm.module import FunctionType, Import, Module

T = TypeVar("T")
Callee = int | Trap  # a function, or why there is none


def runs_of_equals(items: Sequence[T]) -> list[tuple[int, T]]:
    """(first index, item) of each run of equal items."""
    return [
        (i, item)
        for i, item in enumerate(items)
        if not i or type(items[i - 1]) is not type(item) or items[i - 1] != item
    ]


def is_output(item: Import) -> bool:
    """Whether an import is the one that is there: env.output_byte."""
    return (item.module, item.name) == ("env", "output_byte")


@dataclass
class ModuleCode:
    """What lowering knows about the module around the function."""

    module: Module
    types: list[FunctionType]
    globals: list[tuple[Variable, ...]]
    shared: Shared
    table: list[int | None]  # functions by table index
    pages_global: int | None  # with the memory's size in pages, if it can grow
    max_pages: int
    min_pages: int
    limit_global: int  # with its size in bytes, if it can grow
    wanted: list[int] = field(default_factory=list)  # functions that are called
    known: set[int] = field(default_factory=set)  # the same
    callees: dict[FunctionType, list[tuple[int, Callee]]] = field(default_factory=dict)
    calls: dict[int | None, set[int]] = field(default_factory=dict)  # direct ones, by caller
    refused: dict[int, Unsupported] = field(default_factory=dict)  # by function, the first one

    def unit_of(self, index: int, caller: int | None = None, direct: bool = True) -> str:
        """The unit to call for a function; `caller` is None for the start code."""
        imports = self.module.imported("func")
        if index < len(imports):
            raise Unsupported(f"{imports[index]}: the only import is env.output_byte")
        if index not in self.known:
            self.known.add(index)
            self.wanted.append(index)
        if direct:
            self.calls.setdefault(caller, set()).add(index)
        return f"function {index}"

    def callees_of(self, signature: FunctionType) -> list[tuple[int, Callee]]:
        """What an indirect call of a signature calls, by the first table index of each run."""
        if signature not in self.callees:
            self.shared.spend(len(self.table) // 64)
            found: list[Callee] = [
                Trap.UNINITIALIZED_ELEMENT
                if index is None
                else index
                if self.types[index] == signature
                else Trap.TYPE_MISMATCH
                for index in self.table
            ]
            self.callees[signature] = runs_of_equals([*found, Trap.UNDEFINED_ELEMENT])
        return self.callees[signature]

    def check_refusals(self) -> None:
        """Raises what was refused in a function that direct calls may reach.

        A function that is only in the table is often there for others than its callers: it ends the
        run where it comes to what is not supported.
        """
        reached: set[int] = set()
        queue = list(self.calls.get(None, ()))
        while queue:
            index = queue.pop()
            if index not in reached:
                reached.add(index)
                queue += self.calls.get(index, ())
        for index in sorted(reached & set(self.refused)):
            raise self.refused[index]

    def is_output(self, index: int) -> bool:
        imports = self.module.imported("func")
        return index < len(imports) and is_output(imports[index])
