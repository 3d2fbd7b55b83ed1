"""The solver: places every unit so that the residual stream is as narrow as can be.

Enters: a graph and a number of layers.  Leaves: a proven optimal `Schedule`, or NoSchedule.

A small integer programme for HiGHS (the optional package highspy).

    x[unit, layer]   1: the unit is in the layer
    held[dim, half]  1: after the half the slot of the dimension still holds it; the half in which
                     held falls to 0 clears it, by half a passthrough head or by one neuron

The width is the largest number of slots in use after any half.  A slot may get its next dimension
in the half that clears it, except where one of the two is `rounded`: such a slot is empty for a
half before and after.  Three objectives in turn, each fixed before the next: least width, least
neurons in the fullest layer, fewest slots cleared.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pyvm.graph.primitives import Dim, Graph, Product
from pyvm.notes import note
from pyvm.schedule.schedule import Schedule, assign_slots
from pyvm.schedule.units import Unit, output_reads, rounded, slot_dims, units


class NoSchedule(ValueError):
    """The graph does not fit the number of layers, or the solver is not there."""


@dataclass(frozen=True)
class Progress:
    """How far the solver is with one objective.

    Attributes:
        objective: what becomes least: "slots", "neurons in a layer" or "slots cleared".
        best: of the schedules found so far; None before the first.
        bound: no schedule has less; None before it is known.
    """

    objective: str
    best: int | None
    bound: int | None


def solve(
    graph: Graph, layers: int, on_progress: Callable[[Progress], None] | None = None
) -> Schedule:
    """The narrowest schedule for the number of layers; raises NoSchedule when there is none.

    `on_progress` is called every now and then, until the last objective's optimum is proved.
    """
    try:
        highspy: Any = import_module("highspy")
    except ImportError:
        raise NoSchedule(
            "solving a schedule needs highspy: pip install 'libtvm[schedule]'"
        ) from None
    programme = _Programme(highspy, graph, layers)
    programme.place_units()
    programme.hold_dimensions()
    programme.bound_layers()
    return programme.solved(on_progress)


@contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Nothing that C++ code writes reaches stdout."""
    try:
        kept = os.dup(1)
    except OSError:  # there is no stdout
        yield
        return
    sys.stdout.flush()
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


class _Programme:
    """The integer programme; each method adds one group of constraints."""

    def __init__(self, highspy: Any, graph: Graph, layers: int) -> None:
        self.highspy, self.graph, self.layers = highspy, graph, layers
        with _quiet_stdout():  # it prints a banner before it can be told not to
            self.model = highspy.Highs()
        self.model.setOptionValue("output_flag", False)
        self.model.setOptionValue("mip_rel_gap", 0.0)
        self.model.setOptionValue("random_seed", 1)  # seconds; with the default seed hours
        self.units = units(graph)
        self.dims = list(slot_dims(graph))
        self.maker = {dim: unit for unit in self.units for dim in unit.persists}
        self.readers: dict[Dim, list[Unit]] = {dim: [] for dim in self.dims}
        for unit in self.units:
            for dim in unit.reads:
                self.readers[dim].append(unit)
        self.span, self.halves = range(1, layers + 1), range(1, 2 * layers + 1)
        binary = self.model.addBinary
        self.x = {(unit, layer): binary() for unit in self.units for layer in self.span}
        self.held = {(dim, half): binary() for dim in self.dims for half in (0, *self.halves)}
        self.half_width = self.model.addIntegral(lb=2)
        self.neurons = self.model.addVariable(lb=0)

    def _sum(self, terms: Iterable[Any]) -> Any:
        """A sum that is an expression of the model even when it has no terms."""
        return sum(terms) + 0 * self.half_width

    def _runs(self, unit: Unit, halves: range) -> Any:
        """1 when the unit runs in one of the halves."""
        return self._sum(self.x[unit, n] for n in self.span if unit.half(n) in halves)

    def _made(self, dim: Dim, until: int) -> Any:
        """1 when the dimension is there after half `until`."""
        if dim not in self.maker:
            return self._sum([1])
        return self._runs(self.maker[dim], range(until + 1))

    def _begins(self, dim: Dim, half: int) -> Any:
        """1 when the half makes the dimension; the embedding is half 0."""
        if dim not in self.maker:
            return self._sum([int(half == 0)])
        return self._runs(self.maker[dim], range(half, half + 1))

    def _cleared(self, dim: Dim, half: int) -> Any:
        """1 when the half clears the slot of the dimension."""
        return self.held[dim, half - 1] + self._begins(dim, half) - self.held[dim, half]

    def place_units(self) -> None:
        """Every unit in one layer, after those that make what it reads."""
        for unit in self.units:
            self.model.addConstr(self._sum(self.x[unit, n] for n in self.span) == 1)
            for source in (u for u in self.units if unit.reads.intersection(u.persists)):
                for n in self.span:
                    before = self._runs(source, range(unit.half(n)))
                    self.model.addConstr(self.x[unit, n] <= before)

    def hold_dimensions(self) -> None:
        """From where it is made a dimension is held until its last reader's half, or longer."""
        at_output, kept = output_reads(self.graph), self.graph.builtin[1:]
        for dim in self.dims:
            for half in (0, *self.halves):
                held, made = self.held[dim, half], self._made(dim, half)
                if dim in kept or dim in at_output:
                    self.model.addConstr(held >= made)
                after_last = range(half + 1, 2 * self.layers + 1)
                for unit in self.readers[dim]:
                    self.model.addConstr(held >= made + self._runs(unit, after_last) - 1)
                self.model.addConstr(held <= made)
                self.model.addConstr(held >= self._begins(dim, half))
                if half:
                    self.model.addConstr(self._cleared(dim, half) >= 0)

    def bound_layers(self) -> None:
        """The width of every half, the heads and the neurons of every layer."""
        apart = rounded(self.graph)
        for half in (0, *self.halves):
            used = []
            for dim in self.dims:
                around = (half - 1, half, half + 1) if dim in apart else (half,)
                near = [self.held[dim, h] for h in around if (dim, h) in self.held]
                busy = near[0] if len(near) == 1 else self.model.addVariable(lb=0, ub=1)
                for held in near if len(near) > 1 else ():
                    self.model.addConstr(busy >= held)
                used.append(busy)
            self.model.addConstr(self._sum(used) <= 2 * self.half_width)
        position = self.graph.builtin[0]
        for n in self.span:
            here = [(unit, self.x[unit, n]) for unit in self.units]
            clears = [self._cleared(dim, 2 * n - 1) for dim in self.dims]
            passthrough = self.model.addIntegral(lb=0)
            self.model.addConstr(2 * passthrough >= self._sum(clears))
            heads = self._sum(unit.heads * x for unit, x in here)
            self.model.addConstr(heads + passthrough <= self.half_width)
            for cleared in clears:  # a passthrough head finds its own position by the position
                self.model.addConstr(cleared <= self.held[position, 2 * n - 2])
            clears = [self._cleared(dim, 2 * n) for dim in self.dims]
            self.model.addConstr(self._neurons(n) + self._sum(clears) <= self.neurons)

    def _neurons(self, layer: int) -> Any:
        """How many distinct products the units of a layer have."""
        makers: dict[Product, list[Unit]] = {}
        for unit in self.units:
            for product in unit.products:
                makers.setdefault(product, []).append(unit)
        alone = [self.x[group[0], layer] for group in makers.values() if len(group) == 1]
        shared = [group for group in makers.values() if len(group) > 1]
        there = [self.model.addVariable(lb=0) for _ in shared]
        for group, one in zip(shared, there):
            for unit in group:
                self.model.addConstr(one >= self.x[unit, layer])
        return self._sum(alone + there)

    def solved(self, on_progress: Callable[[Progress], None] | None) -> Schedule:
        """The best by the three objectives; an optimum is proved for each."""
        objective_name, scale = "", 1

        def tell(event: Any) -> None:
            best, bound = event.data_out.mip_primal_bound, event.data_out.mip_dual_bound
            assert on_progress is not None
            on_progress(
                Progress(
                    objective_name,
                    scale * round(best) if math.isfinite(best) else None,
                    scale * math.ceil(bound - 1e-6) if math.isfinite(bound) else None,
                )
            )

        if on_progress is not None:
            self.model.cbMipInterrupt += tell
        clears = self._sum(self._cleared(dim, half) for dim in self.dims for half in self.halves)
        best = []
        for objective_name, scale, objective in (
            ("slots", 2, self._sum([self.half_width])),
            ("neurons in a layer", 1, self._sum([self.neurons])),
            ("slots cleared", 1, clears),
        ):
            self.model.minimize(objective)
            status = self.model.getModelStatus()
            if status != self.highspy.HighsModelStatus.kOptimal:
                raise NoSchedule(
                    f"no schedule with {self.layers} layers "
                    f"({self.model.modelStatusToString(status)})"
                )
            best.append(self.model.getInfo().objective_function_value)
            note(f"schedule: {scale * round(best[-1])} {objective_name}, proved to be the least")
            self.model.addConstr(objective <= best[-1] + 1e-6)
        layer = {
            dim.name: next(n for n in self.span if self.model.val(self.x[unit, n]) > 0.5)
            for dim, unit in self.maker.items()
        }
        held = {
            dim: max(h for h in (0, *self.halves) if self.model.val(self.held[dim, h]) > 0.5)
            for dim in self.dims
        }
        proof = (
            f"HiGHS {self.model.version()}, gap 0: with {self.layers} layers no residual stream is "
            f"narrower than {2 * round(best[0])}, and none of that width has less than "
            f"{round(best[1])} neurons in its fullest layer"
        )
        return assign_slots(self.graph, self.layers, layer, held, proof)


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
