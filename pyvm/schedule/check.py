"""The checker: whether a schedule computes its graph. It trusts neither the solver nor a file.

Enters: a graph and a schedule.  Leaves: nothing; raises ScheduleError with the first fault.

It walks the halves in order with the residual stream as a table slot -> dimension, and asks of
every half whether what it reads was there before, whether what it clears was, and whether what it
writes finds its slot empty, or cleared by the same half.  A half adds new minus old in one sum, so
a dimension that is no integer below 2**53 neither replaces another nor is replaced in one half.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyvm.graph.primitives import Dim, Graph
from pyvm.schedule.schedule import Schedule
from pyvm.schedule.units import Unit, one_of, output_reads, rounded, slot_dims, units


class ScheduleError(ValueError):
    """A schedule that does not compute its graph."""


def check(graph: Graph, schedule: Schedule) -> None:
    """Raises ScheduleError unless every read finds what it reads."""
    _check_names(graph, schedule)
    stream = _Stream(graph, schedule)
    todo = units(graph)
    for half in range(1, 2 * schedule.layers + 1):
        now = [u for u in todo if u.half(schedule.layer[u.persists[0].name]) == half]
        for unit in now:
            if len({schedule.layer[dim.name] for dim in unit.persists}) != 1:
                raise ScheduleError(
                    f"{unit.persists[0].name} and its fetch are in different layers"
                )
        stream.run(half, now)
    for needed in output_reads(graph):
        stream.read(needed, 2 * schedule.layers + 1, "the output head")


def _check_names(graph: Graph, schedule: Schedule) -> None:
    """That the schedule names every dimension of the graph, once, and slots and layers that are."""
    names = [dim.name for dim in slot_dims(graph)]
    if len(set(names)) != len(names):
        raise ScheduleError("two dimensions of the graph have the same name")
    for name in names:
        if not 0 <= schedule.slot.get(name, -1) < schedule.width:
            raise ScheduleError(f"{name} has no slot below the width {schedule.width}")
    for persist in graph.persists:
        if not 1 <= schedule.layer.get(persist.name, 0) <= schedule.layers:
            raise ScheduleError(f"{persist.name} has no layer from 1 to {schedule.layers}")
    for index, dim in enumerate(graph.builtin):
        if schedule.slot[dim.name] != index:
            raise ScheduleError(f"{dim.name} must be in slot {index}")
    for name, half in schedule.cleared.items():
        if name not in names:
            raise ScheduleError(f"{name} is cleared, but no dimension of the graph")
        if not 1 <= half <= 2 * schedule.layers:
            raise ScheduleError(f"{name} is cleared in half {half}, which does not exist")
    for dim in graph.builtin[1:]:
        if dim.name in schedule.cleared:
            raise ScheduleError(f"{dim.name} is cleared: heads recognise it by its slot")
    if schedule.width % 2:
        raise ScheduleError(f"the width {schedule.width} is odd")
    one = one_of(graph)
    if any(set(column) != {1} for dim, column in graph.embedding.items() if dim is one):
        raise ScheduleError("one is not 1 for every token: neurons that clear slots read it")


class _Stream:
    """The residual stream: which dimension every slot holds, half by half."""

    def __init__(self, graph: Graph, schedule: Schedule) -> None:
        self.graph, self.schedule = graph, schedule
        self.rounded = rounded(graph)
        self.held: dict[int, Dim] = {}
        for given in (*graph.builtin, *graph.embedding):
            self._write(given, 0, self.held)

    def run(self, half: int, now: Iterable[Unit]) -> None:
        """What the half reads, then what it clears, then what it writes."""
        clears = [
            dim for dim in slot_dims(self.graph) if self.schedule.cleared.get(dim.name) == half
        ]
        for unit in now:
            for needed in unit.reads:
                self.read(needed, half, unit.persists[0].name)
        if clears:
            finder = self.graph.builtin[0] if half % 2 else one_of(self.graph)
            self.read(finder, half, f"the clearing of {clears[0].name}")
        heads = sum(unit.heads for unit in now) + (half % 2) * ((len(clears) + 1) // 2)
        if heads > self.schedule.width // 2:
            raise ScheduleError(f"half {half} needs {heads} heads of {self.schedule.width // 2}")
        after = dict(self.held)
        for dim in clears:
            self.read(dim, half, "its clearing")
            del after[self.schedule.slot[dim.name]]
        for unit in now:
            for made in unit.persists:
                self._write(made, half, after)
        self.held = after

    def read(self, dim: Dim, half: int, who: str) -> None:
        if self.held.get(self.schedule.slot[dim.name]) is not dim:
            raise ScheduleError(f"half {half}: {who} reads {dim.name}, which is not in its slot")

    def _write(self, dim: Dim, half: int, after: dict[int, Dim]) -> None:
        slot = self.schedule.slot[dim.name]
        if slot in after:
            raise ScheduleError(
                f"half {half}: {dim.name} overwrites {after[slot].name} in slot {slot}"
            )
        before = self.held.get(slot)
        if before is not None and {dim, before} & self.rounded:
            raise ScheduleError(
                f"half {half}: {dim.name} replaces {before.name} in slot {slot}, and new minus old "
                "would be rounded"
            )
        after[slot] = dim
