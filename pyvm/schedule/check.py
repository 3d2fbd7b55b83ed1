"""The checker: whether a schedule computes its graph. It trusts neither the solver nor a file.

Enters: a graph and a schedule.  Leaves: nothing; raises ScheduleError with the first fault.

It walks the halves in order with the residual stream as a table slot -> dimension, writing and
erasing as the transformer does, and asks at every read whether the right dimension is there.
"""

from __future__ import annotations

from pyvm.graph.primitives import Dim, Graph
from pyvm.schedule.schedule import Schedule, lifetimes
from pyvm.schedule.units import output_reads, slot_dims, units


class ScheduleError(ValueError):
    """A schedule that does not compute its graph."""


def check(graph: Graph, schedule: Schedule) -> None:
    """Raises ScheduleError unless every read finds what it reads."""
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
    if schedule.width % 2:
        raise ScheduleError(f"the width {schedule.width} is odd")

    stream: dict[int, Dim] = {}
    last_read = {
        dim: last for dim, (_, last) in lifetimes(graph, schedule.layers, schedule.layer).items()
    }
    todo = units(graph)

    def write(dim: Dim, half: int) -> None:
        slot = schedule.slot[dim.name]
        if slot in stream:
            raise ScheduleError(
                f"half {half}: {dim.name} overwrites {stream[slot].name} in slot {slot}"
            )
        stream[slot] = dim

    def read(dim: Dim, half: int, who: str) -> None:
        if stream.get(schedule.slot[dim.name]) is not dim:
            raise ScheduleError(f"half {half}: {who} reads {dim.name}, which is not in its slot")

    for given in (*graph.builtin, *graph.embedding):
        write(given, 0)
    for half in range(1, 2 * schedule.layers + 1):
        now = [u for u in todo if u.half(schedule.layer[u.persists[0].name]) == half]
        for unit in now:
            if len({schedule.layer[dim.name] for dim in unit.persists}) != 1:
                raise ScheduleError(
                    f"{unit.persists[0].name} and its fetch are in different layers"
                )
            for needed in unit.reads:
                read(needed, half, unit.persists[0].name)
        if (heads := sum(unit.heads for unit in now)) > schedule.width // 2:
            raise ScheduleError(f"half {half} needs {heads} heads of {schedule.width // 2}")
        for unit in now:
            for made in unit.persists:
                write(made, half)
        stream = {slot: dim for slot, dim in stream.items() if last_read[dim] > half}
    for needed in output_reads(graph):
        read(needed, 2 * schedule.layers + 1, "the output head")
