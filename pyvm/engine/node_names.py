"""Names of a plan's nodes: the labels of the model file.

Enters: nodes as Model.explain describes them, the labels.  Leaves: a name for each.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyvm.printable import printable

# Parts of the model that nodes come from: those with a list of names in the metadata, and slots,
# each with the half of a layer after which it holds the node.
_NAMED = {"head": "heads", "neuron": "neurons"}
_SLOTS = {"attention slot": 1, "ffn slot": 2}


def node_names(nodes: list[dict[str, Any]], metadata: dict[str, Any]) -> dict[int, str]:
    """A name for every node: that of the slot or head it comes from, else n and its number."""
    slots = {(slot, first): name for name, slot, first, _ in metadata.get("slots") or ()}
    named: dict[int, str] = {}
    for node in nodes:
        unit, layer, index = node["from"]
        name = None
        if unit == "input":
            name = slots.get((index, 0))
        elif unit in _NAMED:
            name = _unit(metadata.get(_NAMED[unit]), layer, index)
        else:
            name = slots.get((index, 2 * layer + _SLOTS[unit]))
        named[node["id"]] = printable(name) if name else register(node["id"])
    counts = Counter(named.values())
    for number, name in named.items():
        if counts[name] > 1:
            named[number] = f"{name} (n{number})"
    named[0], named[1] = "1", "position"
    return named


def _unit(names: list[list[str | None]] | None, layer: int, index: int) -> str | None:
    """The name of a head or neuron; a file need not name all of them."""
    return names[layer][index] if names and index < len(names[layer]) else None


def register(node: int) -> str:
    return f"n{node}"
