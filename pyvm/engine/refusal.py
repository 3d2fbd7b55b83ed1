"""Names for the places in the library's sentence that says why a model has no plan.

Enters: the sentence, and the model's labels.  Leaves: the sentence with names behind the head or
neuron and the slots that it tells by number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pyvm.printable import printable


def with_names(why: str, labels: Mapping[str, Any]) -> str:
    """As "layer 1, head 0 (stack top): reads slot 9 (mean cursor), a mean, in an unknown way"."""
    place = re.match(r"layer (\d+), (head|neuron) (\d+)", why)
    half: float = float("inf")  # the one that reads: a layer has two
    if place:
        layer, unit, number = int(place[1]), place[2], int(place[3])
        half = 2 * layer + (1 if unit == "head" else 2)
        units = labels.get(f"{unit}s") or []
        names = units[layer] if layer < len(units) else []
        name = names[number] if number < len(names) else None
        why = place[0] + _bracketed(name) + why[place.end() :]

    def slot(found: re.Match[str]) -> str:
        rows = [
            (first, name)
            for name, at, first, _ in labels.get("slots") or []
            if at == int(found[1]) and first < half
        ]
        return found[0] + _bracketed(max(rows)[1] if rows else None)

    return re.sub(r"\bslot (\d+)", slot, why)


def _bracketed(name: str | None) -> str:
    return f" ({printable(name)})" if name else ""
