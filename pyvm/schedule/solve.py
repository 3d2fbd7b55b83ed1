"""The solver: places every unit so that the residual stream is as narrow as can be.

Enters: a graph and a number of layers.  Leaves: a proven optimal `Schedule`, or NoSchedule.

A small integer programme for HiGHS (the optional package highspy). Binary x[unit, layer]: the unit
is in the layer. A dimension is live at a half when its unit has run by then and a reader runs then
or later. The width is the largest number of live dimensions of any half. Three objectives in turn,
each fixed before the next: least width, least neurons in the fullest layer, least total life.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pyvm.graph.primitives import Dim, Graph
from pyvm.schedule.schedule import Schedule, assign_slots
from pyvm.schedule.units import output_reads, slot_dims, units


class NoSchedule(ValueError):
    """The graph does not fit the number of layers, or the solver is not there."""


def solve(graph: Graph, layers: int) -> Schedule:
    """The narrowest schedule for the number of layers; raises NoSchedule when there is none."""
    try:
        highspy: Any = import_module("highspy")
    except ImportError:
        raise NoSchedule(
            "solving a schedule needs highspy: pip install 'libtvm[schedule]'"
        ) from None

    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("mip_rel_gap", 0.0)
    todo = units(graph)
    span = range(1, layers + 1)
    x = {(u, layer): model.addBinary() for u in range(len(todo)) for layer in span}
    maker = {dim: u for u, unit in enumerate(todo) for dim in unit.persists}
    readers: dict[Dim, list[int]] = {dim: [] for dim in slot_dims(graph)}
    for u, unit in enumerate(todo):
        model.addConstr(sum(x[u, layer] for layer in span) == 1)
        for dim in unit.reads:
            readers[dim].append(u)

    def runs_before(u: int, half: int) -> Any:
        return sum(x[u, layer] for layer in span if todo[u].half(layer) < half)

    def runs_from(u: int, half: int) -> Any:
        return sum(x[u, layer] for layer in span if todo[u].half(layer) >= half)

    for u, unit in enumerate(todo):
        for source in {maker[dim] for dim in unit.reads if dim in maker}:
            for layer in span:
                earlier = runs_before(source, unit.half(layer))
                model.addConstr(x[u, layer] <= earlier + 0 * x[u, layer])

    half_width = model.addIntegral(lb=2)
    neurons = model.addVariable(lb=0)
    at_output = output_reads(graph)
    lives = []
    for half in range(1, 2 * layers + 1):
        here = []
        for dim, used_by in readers.items():
            born = runs_before(maker[dim], half + 1) if dim in maker else 1
            ends = [1] if dim in at_output else [runs_from(u, half) for u in used_by]
            live = model.addVariable(lb=0, ub=1)
            for end in ends:
                model.addConstr(live >= born + end - 1 + 0 * live)
            here.append(live)
        model.addConstr(sum(here) <= 2 * half_width)
        lives += here
    for layer in span:
        model.addConstr(sum(unit.heads * x[u, layer] for u, unit in enumerate(todo)) <= half_width)
        model.addConstr(sum(unit.neurons * x[u, layer] for u, unit in enumerate(todo)) <= neurons)

    for objective in (half_width, neurons, sum(lives)):
        model.minimize(objective + 0 * half_width)
        status = model.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoSchedule(
                f"no schedule with {layers} layers ({model.modelStatusToString(status)})"
            )
        best = model.getInfo().objective_function_value
        model.addConstr(objective + 0 * half_width <= best + 1e-6)

    chosen = {
        dim.name: next(layer for layer in span if model.val(x[u, layer]) > 0.5)
        for u, unit in enumerate(todo)
        for dim in unit.persists
    }
    return assign_slots(graph, layers, chosen)


def earliest(graph: Graph) -> dict[str, int]:
    """The layer of every persist when each runs as soon as what it reads is there."""
    half_of: dict[Dim, int] = dict.fromkeys(slot_dims(graph), 0)
    layer: dict[str, int] = {}
    for unit in units(graph):
        after = max((half_of[dim] for dim in unit.reads), default=0)
        own = next(own for own in range(1, after + 2) if unit.half(own) > after)
        for dim in unit.persists:
            half_of[dim] = unit.half(own)
            layer[dim.name] = own
    return layer
