"""Graph and schedule -> weights: every fetch becomes heads, every product a neuron.

Enters: a `Graph` and a `Schedule`, which is checked.  Leaves: a `ModelFile`.

Where a number comes from, in one line each:
    embedding    one column per embedded dimension, in its slot
    lookup head  query (q, 1), key (2k, -k*k - BIG*clear + 0.3*recency)
    gather head  query (q, 1), key (2p, -p*p)
    average head query (0, 1), key (0, 1)
    value rows   the fetched expressions, two per head; Wout adds them to the slots of persists
    neuron       gate row and value row of a Reglu; W_ffn adds it to the slots of persists
    clearing     of a slot that is used again: -x[slot], by a passthrough head (two slots each;
                 query and key (p, 0), so that its own position wins) or by one neuron
    head         the nearest point: 2 (W T t + b v) - (W T*T + b*b), types weighing W
Query rows carry SCALE: hard attention is softmax at a low temperature.  There is nothing else: what
a position computes is embedding + position table, L times (attention, gated ReLU), argmax.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pyvm.graph.primitives import (
    AVERAGE,
    BIG,
    NEVER,
    RECENCY_SHARE,
    Dim,
    Expr,
    Fetch,
    FetchValue,
    Graph,
    Persist,
    Product,
    Reglu,
    product_of,
)
from pyvm.schedule.check import check
from pyvm.schedule.schedule import Schedule, lifetimes
from pyvm.schedule.units import fetches, is_gather, one_of, slot_dims
from pyvm.weights.model_file import GATHER, LOOKUP, PASSTHROUGH, LayerWeights, ModelFile

# A power of two: a scaled query is rounded no more than the query.
SCALE = 2.0**34

_Pair = tuple[np.ndarray, np.ndarray]  # the two rows of a query or key


class _Rows:
    """Turns expressions into weight rows: a coefficient in the slot of each dimension."""

    def __init__(self, graph: Graph, schedule: Schedule) -> None:
        self.schedule = schedule
        self.one = one_of(graph)
        self.recency = graph.builtin[1]

    def slot(self, dim: Dim) -> int:
        return self.schedule.slot[dim.name]

    def row(self, expr: Expr) -> np.ndarray:
        row = np.zeros(self.schedule.width)
        for dim, coefficient in expr.terms.items():
            row[self.slot(dim)] += coefficient
        return row

    def dim(self, dim: Dim) -> np.ndarray:
        return self.row(Expr({dim: 1}))

    def query_key(self, fetch: Fetch, gather: bool) -> tuple[_Pair, _Pair]:
        """The two query rows and the two key rows of a fetch's heads."""
        query = SCALE * self.row(fetch.query), SCALE * self.dim(self.one)
        if fetch.tie == AVERAGE:
            return query, (self.row(Expr()), self.dim(self.one))
        bias = -self.row(fetch.key_square) - BIG * self.row(fetch.clear)
        if not gather:
            bias += RECENCY_SHARE * self.dim(self.recency)
        return query, (2 * self.row(fetch.key), bias)


def build_weights(graph: Graph, schedule: Schedule, stop: str = "halt") -> ModelFile:
    """The model of a graph, laid out as the schedule says; ScheduleError if it says it wrongly."""
    check(graph, schedule)
    rows = _Rows(graph, schedule)
    width, numbers = schedule.width, range(1, schedule.layers + 1)
    attention = [_Attention(width) for _ in numbers]
    feed_forward = [_FeedForward(width) for _ in numbers]
    dims = {dim.name: dim for dim in slot_dims(graph)}
    for layer, heads, neurons in zip(numbers, attention, feed_forward):
        placed = [p for p in graph.persists if schedule.layer[p.name] == layer]
        heads.fetch([p for p in placed if p.in_attention], graph, rows)
        neurons.produce([p for p in placed if not p.in_attention], rows)
        for half, part in ((2 * layer - 1, heads), (2 * layer, neurons)):
            part.clear([dims[n] for n, at in schedule.cleared.items() if at == half], graph, rows)
    count = max(1, *(len(neurons.names) for neurons in feed_forward))
    return ModelFile(
        vocabulary=graph.vocabulary,
        stop=graph.vocabulary.index(stop),
        embedding=_embedding(graph, schedule),
        layers=tuple(
            LayerWeights(heads.qkv, heads.out, *neurons.matrices(count))
            for heads, neurons in zip(attention, feed_forward)
        ),
        head=_output_head(graph, rows),
        tie_break=np.array([heads.tie_break for heads in attention]),
        head_kind=np.array([heads.kind for heads in attention]),
        metadata=_labels(graph, schedule, attention, feed_forward),
    )


class _Attention:
    """The heads of one layer: qkv (3D, D), out (D, D); per head its name, tie-break and kind."""

    def __init__(self, width: int) -> None:
        self.qkv, self.out = np.zeros((3 * width, width)), np.zeros((width, width))
        self.names: list[str | None] = [None] * (width // 2)
        self.tie_break = np.ones(width // 2, np.int32)
        self.kind = np.full(width // 2, LOOKUP, np.int32)
        self._used = 0

    def _head(
        self, name: str, query: _Pair, key: _Pair, values: Sequence[np.ndarray], kind: int
    ) -> int:
        """The next free head, with one or two value rows; returns the column of its first value."""
        head, width = self._used, len(self.out)
        self._used += 1
        self.names[head], self.kind[head] = name, kind
        columns = slice(2 * head, 2 * head + 2)
        self.qkv[:width][columns], self.qkv[width : 2 * width][columns] = query, key
        self.qkv[2 * width :][2 * head : 2 * head + len(values)] = values
        return 2 * head

    def fetch(self, persists: Sequence[Persist], graph: Graph, rows: _Rows) -> None:
        """One head for two values of a fetch; Wout adds them to the slots of the persists."""
        column_of: dict[tuple[Fetch, int], int] = {}
        for fetch in dict.fromkeys(f for persist in persists for f in fetches(persist)):
            gather = is_gather(fetch, graph)
            query, key = rows.query_key(fetch, gather)
            for first in range(0, len(fetch.values), 2):
                values = [rows.row(value) for value in fetch.values[first : first + 2]]
                kind = GATHER if gather else LOOKUP
                column = self._head(fetch.name, query, key, values, kind)
                self.tie_break[column // 2] = int(fetch.tie != AVERAGE)
                for i in range(len(values)):
                    column_of[fetch, first + i] = column + i
        for persist in persists:
            for dim, coefficient in persist.expr.terms.items():
                assert isinstance(dim, FetchValue)
                column = column_of[dim.fetch, dim.index]
                self.out[rows.slot(persist), column] += coefficient

    def clear(self, dims: Sequence[Dim], graph: Graph, rows: _Rows) -> None:
        """Passthrough heads, two slots each.  The scores are position times position, up to the
        scale, and the own position is the largest."""
        position, nothing = rows.dim(graph.builtin[0]), rows.row(Expr())
        for first in range(0, len(dims), 2):
            pair = dims[first : first + 2]
            column = self._head(
                "clear " + ", ".join(dim.name for dim in pair),
                (SCALE * position, nothing),
                (position, nothing),
                [rows.dim(dim) for dim in pair],
                PASSTHROUGH,
            )
            for i, dim in enumerate(pair):
                self.out[rows.slot(dim), column + i] = -1


class _FeedForward:
    """The neurons of one layer, their names, and their weights: gate and value row of each, and
    what it adds to which slot."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.names: list[str] = []
        self._gates: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self._added: list[dict[int, int]] = []

    def _neuron(
        self, name: str, gate: np.ndarray, value: np.ndarray, added: dict[int, int]
    ) -> None:
        self.names.append(name)
        self._gates.append(gate)
        self._values.append(value)
        self._added.append(added)

    def produce(self, persists: Sequence[Persist], rows: _Rows) -> None:
        """One neuron for every distinct product."""
        for neuron, outputs in _neurons(persists).values():
            name = f"{neuron.name} -> {', '.join(p.name for p in outputs)}"
            added = {rows.slot(persist): coefficient for persist, coefficient in outputs.items()}
            self._neuron(name, rows.row(neuron.gate), rows.row(neuron.value), added)

    def clear(self, dims: Sequence[Dim], graph: Graph, rows: _Rows) -> None:
        """One neuron for each slot: its gate is always 1."""
        one = rows.dim(one_of(graph))
        for dim in dims:
            self._neuron(f"clear {dim.name}", one, rows.dim(dim), {rows.slot(dim): -1})

    def matrices(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """W_in (2F, D) and W_ffn (D, F) for `count` neurons; those that are too many are zero."""
        w_in, w_ffn = np.zeros((2 * count, self.width)), np.zeros((self.width, count))
        for n, (gate, value, added) in enumerate(zip(self._gates, self._values, self._added)):
            w_in[n], w_in[count + n] = gate, value
            for slot, coefficient in added.items():
                w_ffn[slot, n] = coefficient
        return w_in, w_ffn


def _neurons(persists: Sequence[Persist]) -> dict[Product, tuple[Reglu, dict[Persist, int]]]:
    """The distinct products of a layer, each with the persists that it is added to."""
    found: dict[Product, tuple[Reglu, dict[Persist, int]]] = {}
    for persist in persists:
        for dim, coefficient in persist.expr.terms.items():
            assert isinstance(dim, Reglu)
            _, outputs = found.setdefault(product_of(dim), (dim, {}))
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
    near_type = graph.type_weight * (2 * types * kind - types**2 * one)
    products: np.ndarray = near_type + 2 * bytes_ * value - bytes_**2 * one
    return products


def _labels(
    graph: Graph,
    schedule: Schedule,
    attention: Sequence[_Attention],
    feed_forward: Sequence[_FeedForward],
) -> dict[str, object]:
    """Names of everything: dimensions with slot, first and last half; heads, neurons."""
    spans = lifetimes(graph, schedule.layers, schedule.layer)
    return {
        "builder": "pyvm",
        "schedule": schedule.proof,
        "slots": [[dim.name, schedule.slot[dim.name], *span] for dim, span in spans.items()],
        "heads": [heads.names for heads in attention],
        "neurons": [neurons.names for neurons in feed_forward],
    }
