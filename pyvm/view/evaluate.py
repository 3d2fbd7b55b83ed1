"""The values of a graph along a whole trace, by arrays: what heads attend to, what slots hold.

Enters: a graph, the tokens of a trace, and the positions that somebody wants to see.  Leaves:
`Values` at those positions.

graph/evaluate.py is the reference, one position after the other; this does one dimension after the
other, for all positions at once, which a million tokens need.  Squares of keys only decide scores,
and are kept as float64.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pyvm.graph.primitives import AVERAGE, Dim, Expr, Fetch, FetchValue, Graph, Persist, Reglu
from pyvm.schedule.units import fetches, is_gather

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]  # integers, or floats where a mean or a square is in it
MEAN = -1  # where a head does not attend to one position


@dataclass(frozen=True)
class Values:
    """What is known of some positions.

    Attributes:
        positions: sorted.
        names: of the dimensions in the residual stream.
        values: float64, by position and dimension.
        fetches: names of the fetches.
        sources: int32, by position and fetch: the position attended to; MEAN for all before.
        predicted: the token that the output head chooses after each position.
    """

    positions: Integers
    names: tuple[str, ...]
    values: Floats
    fetches: tuple[str, ...]
    sources: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.int32]


def evaluate(graph: Graph, tokens: npt.NDArray[np.int32], positions: Integers) -> Values:
    """The values at `positions`, which are sorted, of the trace."""
    return Evaluation(graph, tokens[: int(positions.max(initial=0)) + 1], positions).values()


def _read_later(graph: Graph) -> set[Dim | Fetch]:
    """What must be known at every position: keys and values, which later positions find, and what
    those are made of. All else is computed where somebody wants to see it."""
    found: set[Dim | Fetch] = set()
    for persist in graph.persists:
        for fetch in fetches(persist):
            for expr in (fetch.key, fetch.clear, *fetch.values):
                found.update(expr.terms)
    for persist in reversed(graph.persists):
        if persist in found:
            for dim in persist.expr.terms:
                if isinstance(dim, Reglu):
                    found.update(dim.value.terms, dim.gate.terms)
            for fetch in fetches(persist):
                found.add(fetch)
                found.update(fetch.query.terms)
    return found


class Evaluation:
    """What is known of a trace: at every position, and at the sorted `positions`."""

    def __init__(self, graph: Graph, tokens: npt.NDArray[np.int32], positions: Integers) -> None:
        self.graph = graph
        self.positions = positions
        self.place = np.arange(tokens.size, dtype=np.int64)
        self.everywhere: dict[Dim, Numbers] = {}
        self.wanted: dict[Dim, Numbers] = {}  # at `positions`
        self.sources: dict[Fetch, Integers | None] = {}
        self.later = _read_later(graph)
        position, recency, square = graph.builtin
        self._know(position, self.place)
        self._know(recency, 1 / np.log(2) - 1 / np.log(self.place + 2))
        self._know(square, self.place * self.place)
        for name, column in graph.embedding.items():
            values = np.array(column, dtype=np.int64)
            self.wanted[name] = values[tokens[positions]]
            if name in self.later:
                self.everywhere[name] = values[tokens]
        for persist in graph.persists:
            if persist in self.later:
                self._know(persist, self._persist(persist, True))
            else:
                self.wanted[persist] = self._persist(persist, False)

    def _know(self, dim: Dim, values: Numbers) -> None:
        self.everywhere[dim] = values
        self.wanted[dim] = values[self.positions]

    def values(self) -> Values:
        dims = list(self.wanted)
        sources = np.full((self.positions.size, len(self.sources)), MEAN, dtype=np.int32)
        for i, (fetch, found) in enumerate(self.sources.items()):
            if found is not None:
                sources[:, i] = found[self.positions] if fetch in self.later else found
        return Values(
            self.positions,
            tuple(dim.name for dim in dims),
            np.stack([self.wanted[dim].astype(np.float64) for dim in dims], axis=1),
            tuple(fetch.name for fetch in self.sources),
            sources,
            self._predicted(),
        )

    def sum(self, expr: Expr, everywhere: bool) -> Numbers:
        """An expression at every position, or at those that are wanted."""
        known = self.everywhere if everywhere else self.wanted
        count = self.place.size if everywhere else self.positions.size
        total: Numbers = np.zeros(count, dtype=np.int64)
        for dim, coefficient in expr.terms.items():
            total = total + coefficient * known[dim]
        return total

    def _persist(self, persist: Persist, everywhere: bool) -> Numbers:
        kind = np.float64 if persist.large else np.int64
        total: Numbers = np.zeros(1, dtype=kind)
        for dim, coefficient in persist.expr.terms.items():
            if isinstance(dim, Reglu):
                value = self.sum(dim.value, everywhere)
                gate = np.maximum(self.sum(dim.gate, everywhere), 0)
                product = value.astype(kind) * gate if persist.large else value * gate
                if product.dtype != kind:  # a mean times the number of positions
                    product = np.rint(product).astype(np.int64)
                total = total + coefficient * product
            else:
                assert isinstance(dim, FetchValue)
                total = total + coefficient * self._fetched(dim, everywhere)
        return total

    def _fetched(self, dim: FetchValue, everywhere: bool) -> Numbers:
        fetch = dim.fetch
        value = self.sum(fetch.values[dim.index], True)
        if fetch.tie == AVERAGE:
            self.sources[fetch] = None
            mean: Numbers = np.cumsum(value) / np.arange(1, self.place.size + 1)
            return mean if everywhere else mean[self.positions]
        source = self.sources.get(fetch)
        if source is None:
            source = self.sources[fetch] = self._source(fetch)
        if fetch in self.later and not everywhere:
            source = source[self.positions]
        return value[source]

    def _source(self, fetch: Fetch) -> Integers:
        everywhere = fetch in self.later
        place = self.place if everywhere else self.positions
        query = self.sum(fetch.query, everywhere).astype(np.int64)
        if is_gather(fetch, self.graph):
            return np.clip(query, 0, place)
        key, clear = self.sum(fetch.key, True).astype(np.int64), self.sum(fetch.clear, True)
        source = np.zeros(place.size, dtype=np.int64)
        # The best rank so far only falls: each of its levels is a lookup of its own.
        least = np.minimum.accumulate(clear)[place]
        for level in np.unique(least):
            asking, kept = np.flatnonzero(least == level), np.flatnonzero(clear == level)
            asked = place[asking]
            kept = kept[kept <= asked[-1]]
            source[asking] = nearest(key[kept], kept, query[asking], asked)
        return source

    def _predicted(self) -> npt.NDArray[np.int32]:
        kind = self.sum(self.graph.token_type, False)
        value = self.sum(self.graph.value, False)
        ids = [i for i, point in enumerate(self.graph.points) if point]
        points = np.array([point for point in self.graph.points if point], dtype=np.int64)
        chosen = np.empty(kind.size, dtype=np.int32)
        for i in range(kind.size):
            types = np.abs(points[:, 0] - kind[i])
            best = np.flatnonzero(types == types.min())
            chosen[i] = ids[best[np.argmin(np.abs(points[best, 1] - value[i]))]]
        return chosen


def nearest(key: Integers, at: Integers, query: Integers, asked: Integers) -> Integers:
    """For each query at position `asked`: the newest position in `at`, up to there, among those
    whose key is nearest.  `at` and `asked` are sorted, and at[0] <= asked[0]."""
    order = np.lexsort((at, key))
    unique, numbers = np.unique(key, return_inverse=True)
    # (key, position) as one number, so that one binary search finds the newest of a key.
    room = int(max(at[-1], asked[-1])) + 1
    sorted_pairs = (numbers * room + at)[order]

    def newest(which: Integers) -> Integers:
        found = np.searchsorted(sorted_pairs, which * room + asked, side="right") - 1
        position = np.where(found >= 0, sorted_pairs[found] % room, -1)
        same = (found >= 0) & (sorted_pairs[found] // room == which)
        return np.where(same & (which >= 0), position, -1)

    exact = np.searchsorted(unique, query)
    hit = (exact < unique.size) & (unique[np.minimum(exact, unique.size - 1)] == query)
    result = newest(np.where(hit, exact, -1))
    missed = np.flatnonzero(result < 0)
    if missed.size:
        below, above = _neighbours(numbers, at, unique, query[missed], asked[missed])
        sides = []
        for side in (below, above):
            which = np.full(query.size, -1, dtype=np.int64)
            which[missed] = side
            distance = np.abs(unique[side] - query[missed])
            distance[side < 0] = np.iinfo(np.int64).max
            sides.append((distance, newest(which)[missed]))
        (low, low_at), (high, high_at) = sides
        both = np.maximum(low_at, high_at)
        result[missed] = np.where(low < high, low_at, np.where(high < low, high_at, both))
    return result


def _neighbours(
    numbers: Integers, at: Integers, unique: Integers, query: Integers, asked: Integers
) -> tuple[Integers, Integers]:
    """For each query the numbers of the keys next below and above it that were there by then."""
    below = np.full(query.size, -1, dtype=np.int64)
    above = np.full(query.size, -1, dtype=np.int64)
    _, first = np.unique(numbers, return_index=True)
    first.sort()
    arrivals = list(zip(at[first].tolist(), numbers[first].tolist()))
    present: list[int] = []
    bound = np.searchsorted(unique, query)
    next_one = 0
    for i, (position, limit) in enumerate(zip(asked.tolist(), bound.tolist())):
        while next_one < len(arrivals) and arrivals[next_one][0] <= position:
            insort(present, arrivals[next_one][1])
            next_one += 1
        place = bisect_left(present, limit)
        if place:
            below[i] = present[place - 1]
        if place < len(present):
            above[i] = present[place]
    return below, above
