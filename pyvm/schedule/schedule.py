"""A schedule: the layer of every persist, the slot of every dimension and when it is cleared.

Enters: a solved placement, or the JSON of a shipped one.  Leaves: `Schedule`, from which weights/
builds the matrices.  check.py verifies one without trusting how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from pyvm.graph.primitives import Dim, Graph
from pyvm.schedule.units import output_reads, rounded, slot_dims, units


@dataclass(frozen=True)
class Schedule:
    """Where everything goes. Dimensions are named, so that one schedule serves equal graphs.

    Attributes:
        layers: L.
        width: D, an even number of residual slots.
        layer: name of a persist -> its layer, from 1.
        slot: name of a dimension -> its residual slot.
        cleared: name of a dimension -> the half whose weights subtract it from its slot, where the
            slot is used again.  That half may write the next dimension: it reads what was before.
        proof: what the solver has proved of it, or "".
    """

    layers: int
    width: int
    layer: Mapping[str, int]
    slot: Mapping[str, int]
    cleared: Mapping[str, int]
    proof: str = ""

    def to_json(self) -> str:
        return json.dumps(vars(self), indent=1) + "\n"

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


def until_read(graph: Graph, layers: int, layer: Mapping[str, int]) -> dict[Dim, int]:
    """For every dimension the half before its last reader's; the end for those that heads need."""
    spans = lifetimes(graph, layers, layer)
    last = {dim: max(birth, read - 1) for dim, (birth, read) in spans.items()}
    return last | dict.fromkeys(graph.builtin, 2 * layers)


def assign_slots(
    graph: Graph,
    layers: int,
    layer: Mapping[str, int],
    held: Mapping[Dim, int] | None = None,
    proof: str = "",
) -> Schedule:
    """Gives every dimension a slot that is its own as long as it is held.

    `held` is the last half after which the slot still holds the dimension (`until_read` where it is
    not given): the half after it clears the slot, or nothing does and the dimension stays.  Where
    `rounded` dimensions come or go, the slot is empty for a half.  These times are intervals, so
    taking them by their begin and always the lowest free slot uses exactly as many slots as are
    needed at the fullest half.  Slots 0 to 2 are the built-in dimensions'.
    """
    apart, held = rounded(graph), until_read(graph, layers, layer) if held is None else held
    begin = {
        dim: birth - (birth > 0 and dim in apart)
        for dim, (birth, _) in lifetimes(graph, layers, layer).items()
    }
    owner: list[Dim] = []  # per slot its last dimension so far
    slot: dict[str, int] = {}
    cleared: dict[str, int] = {}
    for dim in sorted(begin, key=begin.__getitem__):
        free = (i for i, old in enumerate(owner) if held[old] + 1 + (old in apart) <= begin[dim])
        index = next(free, len(owner))
        if index < len(owner):
            cleared[owner[index].name] = held[owner[index]] + 1
        owner[index : index + 1] = [dim]
        slot[dim.name] = index
    heads = [0] * layers
    for unit in units(graph):
        heads[layer[unit.persists[0].name] - 1] += unit.heads
    for n in range(layers):
        heads[n] += (list(cleared.values()).count(2 * n + 1) + 1) // 2
    width = max(len(owner) + len(owner) % 2, 2 * max(heads))
    return Schedule(layers, width, dict(layer), slot, cleared, proof)
