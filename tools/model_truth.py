"""What the dense network predicts, wherever that is beyond doubt.

Enters: a model and tokens.  Leaves: a prediction for each position, or None where rounding could
have decided it; and how large numbers can get, which says whether float64 holds them.

The dense pass adds in numpy's longest floats.  It is the truth where every number is an integer
below 2^62 (queries, which only choose, may be quarters).  Recency and means are no integers: where
keys and queries do not depend on them, their rounding changes scores by a little, and a prediction
is certain when its score leads by more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.engine.dense import AVERAGE, DenseNetwork, unscaled
from pyvm.weights.model_file import ModelFile

BIG = 1e25  # coefficients from here on outrank scores (lib/model/head_rows.cpp)
LONGEST = 2.0**62
ROUNDING = 1e-11  # of the largest score possible


@dataclass(frozen=True)
class Truth:
    predictions: list[int | None]
    fits_float64: bool


def truth(model: ModelFile, tokens: np.ndarray) -> Truth | None:
    """None when the dense pass is in doubt at every position."""
    with np.errstate(over="ignore", invalid="ignore"):
        bounds = _bounds(model, len(tokens))
    if bounds is None:
        return None
    largest, score, rounded = bounds
    network = DenseNetwork(model)
    found: list[int | None] = []
    for token in tokens[:-1]:
        scores = network.scores(int(token))
        best = int(np.argmax(scores))
        lead = scores[best] - np.delete(scores, best).max() if len(scores) > 1 else np.inf
        found.append(None if rounded and lead <= ROUNDING * score else best)
    return Truth(found, largest < 2.0**53)


def _bounds(model: ModelFile, length: int) -> tuple[float, float, bool] | None:
    """The largest number, the largest score, and whether scores depend on rounded numbers."""
    width = model.embedding.shape[1]
    size = abs(model.embedding).max(axis=0)
    size[:3] += (length, 1.5, length * length)
    rounded = np.zeros(width, bool)
    rounded[1] = True
    position, recency = (not model.embedding[:, slot].any() for slot in (0, 1))  # and nothing else
    one = bool((model.embedding[:, 3] == 1).all()) if width > 3 else False  # in slot 3
    matrices = [model.embedding, model.head]
    largest = 0.0
    for i, layer in enumerate(model.layers):
        query, key, value = layer.qkv.reshape(3, width, width)
        query, key = query.reshape(-1, 2, width), key.reshape(-1, 2, width).copy()
        query = unscaled(query)
        largest = max(largest, float(((abs(query) @ size) * (abs(key) @ size)).sum(axis=1).max()))
        if recency:
            key[:, 1, 1] = 0
        if (abs(key) >= BIG).any() or query[..., rounded].any() or key[..., rounded].any():
            return None
        means = np.zeros(width // 2, bool)
        if model.tie_break is not None:
            means = model.tie_break[i] == AVERAGE
        seen = (value[:, rounded] != 0).any(axis=1) | means.repeat(2)
        size = size + abs(layer.out) @ (found := abs(value) @ size)
        rounded |= (layer.out[:, seen] != 0).any(axis=1)
        if position:
            empty = _cancelled(layer.out, value, _own_position(query, key).repeat(2))
            size[empty] = rounded[empty] = 0
        position &= not layer.out[0].any() and 0 not in layer.erase_after_attention
        one &= width > 3 and not layer.out[3].any() and 3 not in layer.erase_after_attention
        recency &= not layer.out[1].any() and 1 not in layer.erase_after_attention
        largest = max(largest, found.max(), size.max())
        size[list(layer.erase_after_attention)] = rounded[list(layer.erase_after_attention)] = 0
        if layer.w_in.size:
            gates, values = np.split(abs(layer.w_in) @ size, 2)
            gate_seen, value_seen = np.split((layer.w_in[:, rounded] != 0).any(axis=1), 2)
            size = size + abs(layer.w_ffn) @ (gates * values)
            rounded |= (layer.w_ffn[:, gate_seen | value_seen] != 0).any(axis=1)
            if one:
                gate_rows, value_rows = np.split(layer.w_in, 2)
                open_gates = (gate_rows == np.eye(width)[3]).all(axis=1)
                empty = _cancelled(layer.w_ffn, value_rows, open_gates)
                size[empty] = rounded[empty] = 0
            position &= not layer.w_ffn[0].any()
            one &= not layer.w_ffn[3].any()
            recency &= not layer.w_ffn[1].any()
            largest = max(largest, gates.max(), values.max(), (gates * values).max(), size.max())
        position &= 0 not in layer.erase_after_ffn
        one &= 3 not in layer.erase_after_ffn
        recency &= 1 not in layer.erase_after_ffn
        size[list(layer.erase_after_ffn)] = rounded[list(layer.erase_after_ffn)] = 0
        matrices += [4 * query, key, value, layer.out, layer.w_in, layer.w_ffn]
    score = float((abs(model.head) @ size).max())
    largest = max(largest, score)
    if not largest < LONGEST or any((m != np.rint(m)).any() for m in matrices):
        return None
    return largest, score, bool(model.head[:, rounded].any())


def _own_position(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Heads (heads, 2, D) whose score is a b p s, a and b positive: the own position p wins."""

    def only_position(row: np.ndarray) -> np.ndarray:
        return (row[:, 0] > 0) & ~row[:, 1:].any(axis=1)

    own: np.ndarray = (
        only_position(query[:, 0]) & only_position(key[:, 0]) & ~query[:, 1].any(axis=1)
    )
    return own


def _cancelled(out: np.ndarray, values: np.ndarray, copies: np.ndarray) -> list[int]:
    """Slots to which one unit adds -x[slot], and no other adds anything: 0 however x was rounded.

    `out` (D, units), `values` (units, D), `copies` (units): gives its value as it is."""
    found = []
    for slot, row in enumerate(out):
        units = np.flatnonzero(row)
        if len(units) == 1 and copies[units[0]]:
            value = values[units[0]]
            if (
                list(np.flatnonzero(value)) == [slot]
                and abs(value[slot]) == 1
                and row[units[0]] == -value[slot]
            ):
                found.append(slot)
    return found
