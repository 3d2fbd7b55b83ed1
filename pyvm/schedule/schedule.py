"""A schedule: the layer of every persist and the slot of every dimension, and its file format.

Enters: a solved placement, or the JSON of a shipped one.  Leaves: `Schedule`, from which weights/
builds the matrices.  check.py verifies one without trusting how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from pyvm.graph.primitives import Dim, Graph
from pyvm.schedule.units import output_reads, slot_dims, units


@dataclass(frozen=True)
class Schedule:
    """Where everything goes. Dimensions are named, so that one schedule serves equal graphs.

    Attributes:
        layers: L.
        width: D, an even number of residual slots.
        layer: name of a persist -> its layer, from 1.
        slot: name of a dimension -> its residual slot.
    """

    layers: int
    width: int
    layer: Mapping[str, int]
    slot: Mapping[str, int]

    def to_json(self) -> str:
        parts = {
            "layers": self.layers,
            "width": self.width,
            "layer": dict(self.layer),
            "slot": dict(self.slot),
        }
        return json.dumps(parts, indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> Schedule:
        return Schedule(**json.loads(text))


def shipped(name: str) -> Schedule:
    """A schedule that comes with the package: "standard" or "specialized"."""
    return Schedule.from_json(resources.files(__package__).joinpath(f"{name}.json").read_text())


def lifetimes(graph: Graph, layers: int, layer: Mapping[str, int]) -> dict[Dim, tuple[int, int]]:
    """For every dimension (first half in which it is there, last half in which it is read)."""
    birth: dict[Dim, int] = dict.fromkeys(slot_dims(graph), 0)
    last: dict[Dim, int] = {}
    for unit in units(graph):
        half = unit.half(layer[unit.persists[0].name])
        for persist in unit.persists:
            birth[persist] = half
        for dim in unit.reads:
            last[dim] = max(last.get(dim, 0), half)
    for dim in output_reads(graph):
        last[dim] = 2 * layers + 1
    return {dim: (birth[dim], last.get(dim, birth[dim])) for dim in birth}


def assign_slots(graph: Graph, layers: int, layer: Mapping[str, int]) -> Schedule:
    """Gives every dimension a slot that is free during its whole life.

    Lifetimes are intervals, so taking them by birth and always the lowest free slot uses exactly as
    many slots as are needed at the fullest half. Slots 0 to 2 are the built-in dimensions'.
    """
    spans = lifetimes(graph, layers, layer)
    order = sorted(slot_dims(graph), key=lambda dim: spans[dim][0])
    free_after: list[int] = []
    slot: dict[str, int] = {}
    for dim in order:
        birth, last = spans[dim]
        index = next((i for i, end in enumerate(free_after) if end < birth), len(free_after))
        free_after[index : index + 1] = [last]
        slot[dim.name] = index
    width = len(free_after) + len(free_after) % 2
    return Schedule(layers, width, dict(layer), slot)
