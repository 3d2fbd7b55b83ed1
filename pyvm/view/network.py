"""What a page computes the network from, at any position of a trace.

Enters: a graph, and the tokens of a trace.  Leaves: the graph in JSON, and arrays: what its heads
remember of the trace.

A page computes the dimensions of one position where somebody looks at it (page/graph.js).  What a
head finds there it computes at the position found, so two things alone must be known of the whole
trace: the sums that means are made of, and the keys that lookups choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pyvm.graph.primitives import AVERAGE, Dim, Expr, Fetch, FetchValue, Graph, Reglu
from pyvm.schedule.units import fetches, is_gather
from pyvm.view.evaluate import Evaluation, Numbers

_Arrays = dict[str, np.ndarray]


def network(graph: Graph, tokens: npt.NDArray[np.int32]) -> tuple[dict[str, Any], _Arrays]:
    """The graph for the page's header, and the arrays.

    A linear expression is a flat list: dimension, coefficient, dimension, coefficient.
    """
    dims: dict[Dim, int] = {}
    for dim in (*graph.builtin, *graph.embedding, *graph.persists):
        dims[dim] = len(dims)
    heads = {fetch: i for i, fetch in enumerate(_fetches(graph))}

    def flat(expr: Expr) -> list[int]:
        return [number for dim, c in expr.terms.items() for number in (dims[dim], c)]

    def term(dim: Dim, coefficient: int) -> list[Any]:
        if isinstance(dim, Reglu):
            return [coefficient, flat(dim.value), flat(dim.gate)]
        assert isinstance(dim, FetchValue)
        return [coefficient, heads[dim.fetch], dim.index]

    known = Evaluation(graph, tokens, np.zeros(0, dtype=np.int64))
    arrays: _Arrays = {"embedded": np.array(list(graph.embedding.values()), dtype=np.float64)}
    stores: dict[Any, int] = {}
    described = []
    for fetch, i in heads.items():
        row: dict[str, Any] = {"name": fetch.name, "values": [flat(v) for v in fetch.values]}
        if fetch.tie == AVERAGE:
            row["kind"] = "mean"
            for index, value in enumerate(fetch.values):
                arrays[f"sum {i} {index}"] = _small(known.sum(value, True))
        else:
            row["query"] = flat(fetch.query)
            row["kind"] = "gather" if is_gather(fetch, graph) else "lookup"
        if row["kind"] == "lookup":
            # Heads with the same keys share them.
            same = _signature(fetch.key), _signature(fetch.clear)
            if same not in stores:
                stores[same] = i
                arrays |= _store(known, fetch, i)
            row["store"] = stores[same]
        described.append(row)
    header = {
        "dimensions": [dim.name for dim in dims],
        "embedded": len(graph.embedding),
        "persists": [
            {"large": p.large, "terms": [term(dim, c) for dim, c in p.expr.terms.items()]}
            for p in graph.persists
        ],
        "fetches": described,
        "output": [flat(graph.token_type), flat(graph.value)],
        "points": [[id, *point] for id, point in enumerate(graph.points) if point],
    }
    return header, arrays


def _fetches(graph: Graph) -> list[Fetch]:
    return list(dict.fromkeys(fetch for persist in graph.persists for fetch in fetches(persist)))


def _signature(expr: Expr) -> frozenset[tuple[Dim, int]]:
    return frozenset(expr.terms.items())


def _store(known: Evaluation, fetch: Fetch, i: int) -> Mapping[str, np.ndarray]:
    """The positions that a lookup chooses from, each as its distance from the one before, and their
    keys.  A position that is cleared more than one before it is never chosen, nor are those before
    one that is cleared less: `level` is 1 where all before are out."""
    clear = known.sum(fetch.clear, True)
    least = np.minimum.accumulate(clear)
    at = np.flatnonzero(clear == least)
    return {
        f"at {i}": _small(np.diff(at, prepend=0)),
        f"key {i}": _small(known.sum(fetch.key, True)[at]),
        f"level {i}": np.diff(least[at], prepend=least[at[0]]) != 0,
    }


def _small(values: Numbers) -> Numbers:
    """Integers in the narrowest type that a page can open."""
    for kind in (np.int8, np.int16, np.int32):
        narrow = values.astype(kind)
        if np.array_equal(narrow, values):
            return narrow
    return values.astype(np.float64)
