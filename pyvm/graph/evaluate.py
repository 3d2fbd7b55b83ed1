"""The exact evaluator: the reference semantics of a graph, in integers and fractions.

Enters: a graph and token ids.  Leaves: the next token after each position.  Nothing is rounded and
nothing is fast: every fetch looks at every position before.  Each engine must repeat its tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from pyvm.graph.primitives import AVERAGE, NEVER, Dim, Expr, Fetch, FetchValue, Graph, Reglu

Number = int | Fraction


class Evaluator:
    """One sequence. `step` takes a token and returns the predicted next one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.length = 0
        self._points = [(i, point) for i, point in enumerate(graph.points) if point]
        self._widest = max((number for _, (_, number) in self._points), default=0)
        self._values: dict[Dim, Number] = {}
        # Per fetch, for every position: (clear, key, values).
        self._history: dict[Fetch, list[tuple[Number, Number, tuple[Number, ...]]]] = {}

    def step(self, token: int) -> int:
        """Reads one token; returns the id of the token that is generated after it."""
        position, recency, position_sq = self.graph.builtin
        p = self.length
        # Recency only breaks ties between equal keys, where the newest position wins outright.
        self._values = {position: p, recency: 0, position_sq: p * p}
        for name, column in self.graph.embedding.items():
            self._values[name] = column[token]
        fetched: dict[Fetch, tuple[Number, ...]] = {}
        for persist in self.graph.persists:
            self._values[persist] = sum(
                coefficient * self._produce(dim, fetched)
                for dim, coefficient in persist.expr.terms.items()
            )
        self.length += 1
        return self._nearest(self._sum(self.graph.token_type), self._sum(self.graph.value))

    def _sum(self, expr: Expr) -> Number:
        return sum(c * self._values[dim] for dim, c in expr.terms.items())

    def _produce(self, dim: Dim, fetched: dict[Fetch, tuple[Number, ...]]) -> Number:
        if isinstance(dim, Reglu):
            return self._sum(dim.value) * max(0, self._sum(dim.gate))
        assert isinstance(dim, FetchValue), f"{dim} is neither a product nor a head output"
        if dim.fetch not in fetched:
            fetched[dim.fetch] = self._fetch(dim.fetch)
        return fetched[dim.fetch][dim.index]

    def _fetch(self, fetch: Fetch) -> tuple[Number, ...]:
        key, clear = self._sum(fetch.key), self._sum(fetch.clear)
        history = self._history.setdefault(fetch, [])
        if clear == 0 and self._sum(fetch.key_square) != key * key:
            raise ArithmeticError(f"fetch {fetch.name!r}: key_square is not the square of the key")
        history.append((clear, key, tuple(self._sum(v) for v in fetch.values)))
        if fetch.tie == AVERAGE:
            columns = zip(*(values for _, _, values in history), strict=True)
            return tuple(Fraction(sum(column), len(history)) for column in columns)
        query = self._sum(fetch.query)
        newest_best = min(
            range(len(history)), key=lambda s: (history[s][0], abs(query - history[s][1]), -s)
        )
        return history[newest_best][2]

    def _nearest(self, token_type: Number, value: Number) -> int:
        nearest: tuple[Number, Number, int] = min(
            ((kind - token_type) ** 2, (number - value) ** 2, token)
            for token, (kind, number) in self._points
        )
        return nearest[2]

    def check_weights(self, nearest: int) -> None:
        """That the weights, where a type weighs more than a value but not endlessly more, choose
        the same token as the last step."""
        token_type, value = self._sum(self.graph.token_type), self._sum(self.graph.value)
        point = self.graph.points[nearest]
        if point and point[0] == token_type and 0 <= value <= self._widest:
            return
        weight = self.graph.type_weight
        distances = [
            weight * (kind - token_type) ** 2 + (number - value) ** 2
            for kind, number in (point or (NEVER, 0) for point in self.graph.points)
        ]
        chosen = distances.index(min(distances))
        if chosen != nearest:
            names = self.graph.vocabulary
            raise ArithmeticError(
                f"the next token's type {token_type} and value {value} are too far from every "
                f"token's point: the weights would choose {names[chosen]!r} and not "
                f"{names[nearest]!r}"
            )


def predict(graph: Graph, tokens: Iterable[int]) -> list[int]:
    """Teacher forcing: the token predicted after each of `tokens`."""
    evaluator = Evaluator(graph)
    return [evaluator.step(int(token)) for token in tokens]


def generate(graph: Graph, prompt: Iterable[int], stop: int, limit: int) -> Iterator[int]:
    """Greedy decoding from a prompt until the stop token, at most `limit` tokens."""
    token = predict_last(evaluator := Evaluator(graph), prompt)
    for _ in range(limit):
        evaluator.check_weights(token)
        yield token
        if token == stop:
            return
        token = evaluator.step(token)


def predict_last(evaluator: Evaluator, prompt: Iterable[int]) -> int:
    """Reads a prompt; the token that is generated first."""
    token = -1
    for each in prompt:
        token = evaluator.step(int(each))
    return token
