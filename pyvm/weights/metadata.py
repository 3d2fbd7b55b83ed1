"""The labels in a model file, checked once when they are read.

Enters: the JSON block of a file, and the model's sizes.  Leaves: a dictionary, of which readers may
believe the shape of what they find, or a MetadataError that says what is wrong:
    slots    [[name, slot, first half, last half], ...]; a layer has two halves, attention and ffn
    heads    per layer H names or nulls
    neurons  per layer up to F names or nulls
    program  of a specialised model: the digest of the program in its weights
Each may be missing, and others may be there.  Nothing is said of the names: they are whatever the
file says, and are shown through pyvm.printable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

_DIGITS = 19  # of the largest integer of 64 bits; longer ones take ever longer to read


class MetadataError(ValueError):
    """Labels that are not what this module says."""


@dataclass(frozen=True)
class Sizes:
    """D, L, H and F of the model."""

    width: int
    layers: int
    heads: int
    neurons: int


def read_metadata(text: str, sizes: Sizes) -> dict[str, Any]:
    """The labels of a file; {} for an empty text, which is a file without them."""
    if not text:
        return {}
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except RecursionError:
        raise MetadataError("the model's metadata is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MetadataError(
            f"the model's metadata is no JSON: {error.msg} at character {error.pos}"
        ) from None
    if not isinstance(found, dict):
        raise MetadataError("the model's metadata is no JSON object")
    _check_slots(found.get("slots"), sizes)
    _check_names("heads", found.get("heads"), sizes.layers, sizes.heads, sizes.heads)
    _check_names("neurons", found.get("neurons"), sizes.layers, 0, sizes.neurons)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MetadataError("the model's metadata has a key twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _DIGITS:
        raise MetadataError("the model's metadata has an integer of more than 64 bits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise MetadataError(f"the model's metadata has {name}, which is no JSON")


def _check_slots(rows: Any, sizes: Sizes) -> None:
    if rows is None:
        return
    if not isinstance(rows, list):
        raise MetadataError('the model\'s metadata has no list as "slots"')
    ends = 2 * sizes.layers + 1
    for number, row in enumerate(rows):
        fits = (
            isinstance(row, list)
            and len(row) == 4
            and isinstance(row[0], str)
            and all(type(value) is int for value in row[1:])
            and 0 <= row[1] < sizes.width
            and 0 <= row[2] <= row[3] <= ends
        )
        if not fits:
            raise MetadataError(
                f'entry {number} of "slots" in the model\'s metadata is not a name, a slot below '
                f"{sizes.width}, and its first and last half up to {ends}"
            )


def _check_names(key: str, rows: Any, layers: int, least: int, most: int) -> None:
    if rows is None:
        return
    if not isinstance(rows, list) or len(rows) != layers:
        raise MetadataError(
            f'"{key}" in the model\'s metadata is not a list for each of {layers} layers'
        )
    for layer, names in enumerate(rows, 1):
        if not isinstance(names, list) or not least <= len(names) <= most:
            count = str(most) if least == most else f"up to {most}"
            raise MetadataError(
                f'"{key}" of layer {layer} in the model\'s metadata is not a list of {count} names'
            )
        if not all(name is None or isinstance(name, str) for name in names):
            raise MetadataError(
                f'"{key}" of layer {layer} in the model\'s metadata has what is neither a name '
                "nor null"
            )
