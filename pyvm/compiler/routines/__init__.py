"""Library routines: what a machine lacks, in its own assembly; one file per family.

Enters: the routines in use.  Leaves: a `Unit` for each, and for those that they call.  A routine
takes its operands from the stack and leaves its result there.
Routines of the base machine that need tables fill them at their first call: the flag costs 11
tokens a call, the tables some thousand, and programs that never come there pay neither.
"""

from __future__ import annotations

from pyvm.compiler.link.assembly import Ins, Routine, Unit, assemble
from pyvm.compiler.link.layout import Layout, stores
from pyvm.compiler.link.peephole import peephole
from pyvm.compiler.routines import (
    bits,
    bitwise,
    bulk,
    divide,
    memory,
    multiply,
    print,
    shift,
    tables,
    wide_divide,
)
from pyvm.compiler.routines.routine import Family

FAMILIES: dict[str, Family] = {
    "base": {
        **bitwise.ROUTINES,
        **multiply.ROUTINES,
        **divide.ROUTINES,
        **shift.ROUTINES,
        **bits.ROUTINES,
        **bulk.ROUTINES,
        **print.BASE,
    },
    "standard": {**memory.STANDARD, **wide_divide.STANDARD, **tables.STANDARD, **print.STANDARD},
}


class Library:
    """Builds routines; `flags` are the machine globals that tell whether a group of tables is
    filled.
    """

    def __init__(self, machine: str, layout: Layout, symbols: dict[str, int], first_flag: int):
        self.family, self.layout, self.symbols = FAMILIES[machine], layout, symbols
        self.first_flag = first_flag
        self.flags: dict[str, int] = {}
        self._groups: dict[str, dict[str, bytes]] = {}

    def units(self, wanted: set[Routine]) -> list[Unit]:
        """The routines and those that they call."""
        done: dict[Routine, Unit] = {}
        queue = sorted(wanted, key=lambda routine: (routine.name, routine.divisor or 0))
        while queue:
            routine = queue.pop(0)
            if routine not in done:
                done[routine] = unit = peephole(self._unit(routine))
                queue += [
                    item.arg
                    for item in unit.code
                    if isinstance(item, Ins) and isinstance(item.arg, Routine)
                ]
        return list(done.values())

    def _unit(self, key: Routine) -> Unit:
        if key.name in self._groups:
            return self._fill(key)
        build = self.family[key.name]
        routine = build() if key.divisor is None else build(key.divisor)
        text = routine.text
        if routine.tables:
            group = "fill_" + "_".join(routine.tables)
            if group not in self.flags:
                self._groups[group] = routine.tables
                self.flags[group] = self.first_flag + len(self.flags)
                for table, content in routine.tables.items():
                    self.layout.addresses[table] = self.layout.reserve(len(content))
            text = f"global.get {self.flags[group]}\nbr_if filled\ncall {group}\nfilled:\n{text}"
        return assemble(key, text, {**self.layout.addresses, **self.symbols})

    def _fill(self, key: Routine) -> Unit:
        unit = Unit(key)
        for table, content in self._groups[key.name].items():
            for address, value, op in stores(self.layout.addresses[table], content):
                unit.code += [Ins("i32.const", 0), Ins("i32.const", value), Ins(op, address)]
        unit.code += [
            Ins("i32.const", 1), Ins("global.set", self.flags[key.name]), Ins("return")
        ]  # fmt: skip
        return unit
