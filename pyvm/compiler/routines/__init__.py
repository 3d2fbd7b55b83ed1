"""Library routines: what the machine lacks, in its own assembly; one file per family.

Enters: names of routines, e.g. `i32.mul` or `i32.div_u.10` (a constant divisor).  Leaves: a `Unit`
for each, and for those that they call.  A routine takes its operands from the stack and leaves its
result there.
Routines that need tables fill them at their first call: the flag costs 11 tokens a call, the tables
some thousand, and programs that never come there pay neither.
"""

from __future__ import annotations

from collections.abc import Callable

from pyvm.compiler.link.assembly import Ins, Unit, assemble
from pyvm.compiler.link.layout import Layout, stores
from pyvm.compiler.link.peephole import peephole
from pyvm.compiler.routines import bits, bitwise, bulk, divide, grow, multiply, shift, wide
from pyvm.compiler.routines.routine import Routine

_ROUTINES: dict[str, Callable[..., Routine]] = {
    **bitwise.ROUTINES,
    **multiply.ROUTINES,
    **divide.ROUTINES,
    **shift.ROUTINES,
    **bits.ROUTINES,
    **wide.ROUTINES,
    **grow.ROUTINES,
    **bulk.ROUTINES,
}


class Library:
    """Builds routines; `flags` are the machine globals that tell whether a group of tables is
    filled.
    """

    def __init__(self, layout: Layout, first_flag: int):
        self.layout = layout
        self.first_flag = first_flag
        self.flags: dict[str, int] = {}
        self._groups: dict[str, dict[str, bytes]] = {}

    def units(self, names: set[str]) -> list[Unit]:
        """The named routines and those that they call."""
        done: dict[str, Unit] = {}
        queue = sorted(names)
        while queue:
            name = queue.pop(0)
            if name not in done:
                done[name] = unit = peephole(self._unit(name))
                calls = [item for item in unit.code if isinstance(item, Ins) and item.op == "call"]
                queue += sorted({item.arg for item in calls if isinstance(item.arg, str)})
        return list(done.values())

    def _unit(self, name: str) -> Unit:
        if name in self._groups:
            return self._fill(name)
        prefix, base, *constants = name.split(".")
        routine = _ROUTINES[f"{prefix}.{base}"](*map(int, constants))
        symbols = dict(self.layout.addresses)
        text = routine.text
        if routine.tables:
            group = "fill_" + "_".join(routine.tables)
            if group not in self.flags:
                self._groups[group] = routine.tables
                self.flags[group] = self.first_flag + len(self.flags)
                for table, content in routine.tables.items():
                    self.layout.addresses[table] = self.layout.reserve(len(content))
            symbols = dict(self.layout.addresses)
            text = f"global.get {self.flags[group]}\nbr_if filled\ncall {group}\nfilled:\n{text}"
        return assemble(name, text, symbols)

    def _fill(self, group: str) -> Unit:
        unit = Unit(group)
        for table, content in self._groups[group].items():
            for address, value, op in stores(self.layout.addresses[table], content):
                unit.code += [Ins("i32.const", 0), Ins("i32.const", value), Ins(op, address)]
        unit.code += [Ins("i32.const", 1), Ins("global.set", self.flags[group]), Ins("return")]
        return unit
