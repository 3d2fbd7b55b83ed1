"""Graph and schedule -> weights: every fetch becomes heads, every product a neuron.

Enters: a `Graph` and a checked `Schedule`.  Leaves: a `ModelFile`.

Where a number comes from, in one line each:
    embedding    one column per embedded dimension, in its slot
    lookup head  query (q, 1), key (2k, -k*k - BIG*clear + 0.3*recency)
    gather head  query (q, 1), key (2p, -p*p)
    average head query (0, 1), key (0, 1)
    value rows   the fetched expressions, two per head; Wout adds them to the slots of persists
    neuron       gate row and value row of a Reglu; W_ffn adds it to the slots of persists
    erase lists  the slots of dimensions after their last reader
    head         the nearest point: 2 (T t + b v) - (T*T + b*b), types weighing TYPE_WEIGHT
Query rows carry SCALE: hard attention is softmax at temperature 1e-10.
"""

from __future__ import annotations

import math

import numpy as np

from pyvm.graph.primitives import (
    AVERAGE,
    BIG,
    RECENCY_SHARE,
    Dim,
    Expr,
    Fetch,
    FetchValue,
    Graph,
    Persist,
    Reglu,
)
from pyvm.schedule.schedule import Schedule, lifetimes
from pyvm.schedule.units import fetches, is_gather, one_of
from pyvm.weights.model_file import GATHER, LOOKUP, LayerWeights, ModelFile

SCALE = 1e10 * math.sqrt(2)
# Values lie in -256 .. 511 and bytes in 0 .. 255: squared distances of values stay below this.
TYPE_WEIGHT = 1 << 20
# The type of tokens that are never generated. Types are at least 0.
NEVER = -1


class _Rows:
    """Turns expressions into weight rows: a coefficient in the slot of each dimension."""

    def __init__(self, graph: Graph, schedule: Schedule) -> None:
        self.schedule = schedule
        self.one = one_of(graph)
        self.recency = graph.builtin[1]

    def row(self, expr: Expr) -> np.ndarray:
        row = np.zeros(self.schedule.width)
        for dim, coefficient in expr.terms.items():
            row[self.schedule.slot[dim.name]] += coefficient
        return row

    def dim(self, dim: Dim) -> np.ndarray:
        return self.row(Expr({dim: 1}))

    def query_key(self, fetch: Fetch, gather: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The two query rows and the two key rows of a fetch's heads."""
        query = [SCALE * self.row(fetch.query), SCALE * self.dim(self.one)]
        if fetch.tie == AVERAGE:
            return query, [self.row(Expr()), self.dim(self.one)]
        bias = -self.row(fetch.key_square) - BIG * self.row(fetch.clear)
        if not gather:
            bias += RECENCY_SHARE * self.dim(self.recency)
        return query, [2 * self.row(fetch.key), bias]


def build_weights(graph: Graph, schedule: Schedule, stop: str = "halt") -> ModelFile:
    """The model of a graph, laid out as the schedule says."""
    rows = _Rows(graph, schedule)
    placed: dict[int, list[Persist]] = {layer: [] for layer in range(1, schedule.layers + 1)}
    for persist in graph.persists:
        placed[schedule.layer[persist.name]].append(persist)
    feed_forward = {
        layer: _neurons([p for p in persists if not p.in_attention])
        for layer, persists in placed.items()
    }
    width, heads = schedule.width, schedule.width // 2
    count = max(1, *(len(neurons) for neurons in feed_forward.values()))
    erased = _erased(graph, schedule)
    layers, head_names, neuron_names = [], [], []
    tie_break = np.ones((schedule.layers, heads), np.int32)
    head_kind = np.full((schedule.layers, heads), LOOKUP, np.int32)
    for index, layer in enumerate(placed):
        qkv, out = np.zeros((3 * width, width)), np.zeros((width, width))
        column_of: dict[tuple[Fetch, int], int] = {}
        names: list[str | None] = [None] * heads
        head = 0
        attention = [p for p in placed[layer] if p.in_attention]
        for fetch in dict.fromkeys(f for persist in attention for f in fetches(persist)):
            gather = is_gather(fetch, graph)
            query, key = rows.query_key(fetch, gather)
            for first in range(0, len(fetch.values), 2):
                names[head] = fetch.name
                tie_break[index, head] = int(fetch.tie != AVERAGE)
                head_kind[index, head] = GATHER if gather else LOOKUP
                for i in (0, 1):
                    column = 2 * head + i
                    qkv[column], qkv[width + column] = query[i], key[i]
                    if first + i < len(fetch.values):
                        qkv[2 * width + column] = rows.row(fetch.values[first + i])
                        column_of[fetch, first + i] = column
                head += 1
        for persist in attention:
            for dim, coefficient in persist.expr.terms.items():
                assert isinstance(dim, FetchValue)
                out[schedule.slot[persist.name], column_of[dim.fetch, dim.index]] += coefficient
        w_in, w_ffn = np.zeros((2 * count, width)), np.zeros((width, count))
        for n, (neuron, outputs) in enumerate(feed_forward[layer].values()):
            w_in[n], w_in[count + n] = rows.row(neuron.gate), rows.row(neuron.value)
            for persist, coefficient in outputs.items():
                w_ffn[schedule.slot[persist.name], n] = coefficient
        layers.append(LayerWeights(qkv, out, w_in, w_ffn, erased[2 * layer - 1], erased[2 * layer]))
        head_names.append(names)
        neuron_names.append(
            [f"{neuron.name} -> {', '.join(p.name for p in outputs)}"
             for neuron, outputs in feed_forward[layer].values()]
        )  # fmt: skip
    return ModelFile(
        vocabulary=graph.vocabulary,
        stop=graph.vocabulary.index(stop),
        embedding=_embedding(graph, schedule),
        layers=tuple(layers),
        head=_output_head(graph, rows),
        tie_break=tie_break,
        head_kind=head_kind,
        metadata=_labels(graph, schedule, head_names, neuron_names),
    )


def _neurons(persists: list[Persist]) -> dict[object, tuple[Reglu, dict[Persist, int]]]:
    """The distinct products of a layer, each with the persists that it is added to."""
    found: dict[object, tuple[Reglu, dict[Persist, int]]] = {}
    for persist in persists:
        for dim, coefficient in persist.expr.terms.items():
            assert isinstance(dim, Reglu)
            same = (frozenset(dim.value.terms.items()), frozenset(dim.gate.terms.items()))
            _, outputs = found.setdefault(same, (dim, {}))
            outputs[persist] = outputs.get(persist, 0) + coefficient
    return found


def _embedding(graph: Graph, schedule: Schedule) -> np.ndarray:
    table = np.zeros((len(graph.vocabulary), schedule.width))
    for dim, column in graph.embedding.items():
        table[:, schedule.slot[dim.name]] = column
    return table


def _output_head(graph: Graph, rows: _Rows) -> np.ndarray:
    """Rows whose largest product is the token with the nearest point, the type before the value."""
    kind, value, one = rows.row(graph.token_type), rows.row(graph.value), rows.dim(rows.one)
    points = np.array([point or (NEVER, 0) for point in graph.points], dtype=np.float64)
    types, bytes_ = points[:, :1], points[:, 1:]
    near_type = TYPE_WEIGHT * (2 * types * kind - types**2 * one)
    products: np.ndarray = near_type + 2 * bytes_ * value - bytes_**2 * one
    return products


def _erased(graph: Graph, schedule: Schedule) -> dict[int, tuple[int, ...]]:
    """Per half the slots whose dimension is not read again."""
    erased: dict[int, list[int]] = {half: [] for half in range(1, 2 * schedule.layers + 1)}
    for dim, (_, last) in lifetimes(graph, schedule.layers, schedule.layer).items():
        if 1 <= last <= 2 * schedule.layers:
            erased[last].append(schedule.slot[dim.name])
    return {half: tuple(sorted(slots)) for half, slots in erased.items()}


def _labels(
    graph: Graph, schedule: Schedule, heads: list[list[str | None]], neurons: list[list[str]]
) -> dict[str, object]:
    """Names of everything: dimensions with slot, first and last half; heads, neurons."""
    spans = lifetimes(graph, schedule.layers, schedule.layer)
    return {
        "builder": "pyvm",
        "slots": [[dim.name, schedule.slot[dim.name], *span] for dim, span in spans.items()],
        "heads": heads,
        "neurons": neurons,
    }
