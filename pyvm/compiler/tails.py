"""Tail calls: functions that call others in their own place.

Enters: a valid module and the functions of the machine's table.  Leaves: units in which a tail call
is a jump.

A `return` jumps back by its distance from the row where the function began, and so a function that
was jumped to has to count from the row that was called.  Functions that tail calls connect are a
group: all of them begin at one row, which takes the number of a member and jumps to it.  Others
call a member through three rows of its own; those of a group lie one behind the other, so that a
table's entry tells which member it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyvm.compiler.link.assembly import Function, Group, Ins, Label, Member, Unit
from pyvm.isa.traps import Trap
from pyvm.wasm.module import FunctionType, Module, number, numbers

_ROWS = 3  # of a member, where others call it; one more where it may throw


class Tails:
    """The groups of a module.

    Where a function of a group may throw, all of them return as those that throw (exceptions.py).

    Attributes:
        labels: where each function that is in a group begins.
        groups: the members of the group that a function is in.
        throwing: the functions that return as those that throw.
    """

    def __init__(
        self, module: Module, types: Sequence[FunctionType], table: Sequence[int | None]
    ) -> None:
        self.labels: dict[int, Label] = {}
        self.groups: dict[int, list[int]] = {}
        self.throwing: set[int] = set()
        imported = len(module.imported("func"))
        entries = sorted({index for index in table if index is not None and index >= imported})
        for i, body in enumerate(module.bodies, imported):
            for op, arg, _ in body.code:
                if op == "return_call" and number(arg) >= imported:
                    self._join(i, number(arg))
                elif op == "return_call_indirect":
                    kind = module.types[numbers(arg)[0]]
                    for other in (i, *(index for index in entries if types[index] == kind)):
                        self._join(i, other)
        for group in self.groups.values():
            group.sort()

    def _join(self, one: int, other: int) -> None:
        for index in (one, other):
            self.labels.setdefault(index, Label("tail"))
            self.groups.setdefault(index, [index])
        into, gone = self.groups[one], self.groups[other]
        if into is not gone:
            into += gone
            for index in gone:
                self.groups[index] = into

    def places(self, index: int) -> tuple[Function, list[Label]]:
        """The first member of a function's group, and where the function begins to which each row
        from that member's first on leads.
        """
        group = self.groups[index]
        rows = _ROWS + (index in self.throwing) if len(group) > 1 else 1
        return Function(group[0]), [self.labels[member] for member in group for _ in range(rows)]

    def joined(self, units: list[Unit]) -> list[Unit]:
        """All units of functions, with those of each group together."""
        of = {unit.key.index: unit for unit in units if isinstance(unit.key, Function)}
        result: list[Unit] = []
        done: set[int] = set()
        for index, unit in of.items():
            if index in done:
                continue
            group = self.groups.get(index)
            if group is None:
                result.append(unit)
                continue
            done.update(group)
            for member in group:
                if member in of:
                    of[member].code.insert(0, self.labels[member])
            result += [unit] if len(group) == 1 else self._group(group, of)
        return result

    def _group(self, group: list[int], of: dict[int, Unit]) -> list[Unit]:
        key = Group(group[0])
        called, members = [], []
        for place, index in enumerate(group):
            unit = of.get(index)
            if unit is None:  # nothing calls it
                unit = Unit(Member(index), [self.labels[index], Ins("trap", Trap.UNREACHABLE)])
            throws = index in self.throwing
            code: list[Ins | Label] = [
                Ins("i32.const", place),
                Ins("call", key, behind=Ins("return") if throws else None),
                Ins("return", int(throws)),
            ]
            called.append(Unit(Function(index), code, unit.function))
            members.append(Unit(Member(index), unit.code, unit.function, key))
        labels = tuple(self.labels[index] for index in group)
        return [*called, Unit(key, [Ins("br_table", labels)]), *members]
