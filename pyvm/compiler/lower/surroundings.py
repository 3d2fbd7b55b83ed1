"""What lowering knows about the module around a function, and what it asks of it.

Enters: a decoded module and the machine.  Leaves: the functions that are called, the types of
indirect calls, and what was refused in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyvm.compiler.exceptions import Exceptions
from pyvm.compiler.imports import ONLY_IMPORTS, intrinsic
from pyvm.compiler.instantiation import constant
from pyvm.compiler.tables import Tables
from pyvm.compiler.tails import Tails
from pyvm.isa.errors import Unsupported
from pyvm.printable import printable
from pyvm.wasm import limits
from pyvm.wasm.module import FunctionType, Module


@dataclass
class Surroundings:
    """What lowering knows, and what it asks for.

    Attributes:
        types: of all functions.
        table: functions by index of the machine's table.
        tables: where the module's tables are.
        tails: the functions that tail calls connect.
        exceptions: what throws.
        wide: whether the machine has i64.
        floats: the function that computes an instruction of floats.
        area: the first address that the program can never own, where the host's data lies.
        asks_area: whether something asked for it.
        wanted: functions that are called, in the order of their first call.
        calls: direct ones, by caller (None: the start code).
        refused: by function, the first thing that was.
        spent: statements and machine instructions so far.
    """

    module: Module
    types: list[FunctionType]
    table: list[int | None]
    tables: Tables
    tails: Tails
    exceptions: Exceptions
    wide: bool
    floats: dict[str, int] = field(default_factory=dict)
    area: int = 0
    asks_area: bool = False
    wanted: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    known_types: set[FunctionType] = field(default_factory=set)
    calls: dict[int | None, set[int]] = field(default_factory=dict)
    refused: dict[int, Unsupported] = field(default_factory=dict)
    spent: int = 0

    def spend(self, count: int = 1) -> None:
        """Counts what is about to be made."""
        self.spent += count
        if self.spent > limits.MACHINE_INSTRUCTIONS:
            limits.bounded(self.spent, limits.MACHINE_INSTRUCTIONS, "machine instructions")

    def want(self, index: int, caller: int | None = None, direct: bool = True) -> None:
        """Asks for a function."""
        imports = self.module.imported("func")
        if index < len(imports):
            raise Unsupported(f"{imports[index]}: {ONLY_IMPORTS}")
        if index not in self.known:
            self.known.add(index)
            self.wanted.append(index)
        if direct:
            self.calls.setdefault(caller, set()).add(index)

    def want_type(self, index: int) -> None:
        """Asks for all functions of a type in the table."""
        kind = self.module.types[index]
        if kind in self.known_types:
            return
        self.known_types.add(kind)
        for function in dict.fromkeys(self.table):
            if function is not None and self.types[function] == kind:
                if self.intrinsic(function) is None:
                    self.want(function, direct=False)

    def check_operation(self, op: str, function: str, at: int | None) -> None:
        if not self.wide and (op.startswith("i64.") or op == "i32.wrap_i64"):
            raise Unsupported(
                f"{op} in {printable(function)} at offset {at or 0:#x}: the base machine has no i64"
            )

    def constant_global(self, index: int) -> int | None:
        """The value of a global that never changes."""
        item = self.module.globals[index]
        return None if item.mutable else constant(item.init)

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

    def intrinsic(self, index: int) -> str | None:
        """The instruction that a function stands for."""
        imports = self.module.imported("func")
        known = intrinsic(imports[index]) if index < len(imports) else None
        return None if known is None else known[0]
