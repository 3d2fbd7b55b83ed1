"""What has to be placed: the persists of a graph, grouped into units, with what each one reads.

Enters: a graph.  Leaves: `units`, in an order in which each reads only earlier ones.

Time is counted in *halves*: the embedding is half 0, attention of layer l (from 1) is half
2 l - 1, its feed-forward part is half 2 l, and the output head reads at half 2 L + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyvm.graph.primitives import (
    AVERAGE,
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


@dataclass(frozen=True)
class Unit:
    """Persists that share a fetch, so that one attention half makes all of them; or one persist.

    Attributes:
        persists: the dimensions that the unit keeps.
        in_attention: placed in attention halves; else in feed-forward halves.
        reads: the dimensions that must be in the residual stream before.
        heads: how many it needs of its layer.
        products: what its neurons compute; those of one layer that are equal are one neuron.
    """

    persists: tuple[Persist, ...]
    in_attention: bool
    reads: frozenset[Dim]
    heads: int
    products: tuple[Product, ...]

    def half(self, layer: int) -> int:
        """The half in which the unit runs when it is placed in a layer (from 1)."""
        return 2 * layer - 1 if self.in_attention else 2 * layer


def is_gather(fetch: Fetch, graph: Graph) -> bool:
    """Whether the key is the position itself, and none is cleared: the query names a position."""
    position, _, square = graph.builtin
    own = fetch.key.terms == {position: 1} and fetch.key_square.terms == {square: 1}
    return fetch.tie != AVERAGE and own and not fetch.clear.terms


def fetch_heads(fetch: Fetch) -> int:
    """A head carries two values."""
    return (len(fetch.values) + 1) // 2


def _dims(*expressions: Expr) -> set[Dim]:
    return {dim for expression in expressions for dim in expression.terms}


def fetch_reads(fetch: Fetch, graph: Graph, one: Dim) -> set[Dim]:
    """Dimensions that the projections of a fetch read."""
    reads = _dims(*fetch.values, fetch.query, fetch.key, fetch.key_square, fetch.clear) | {one}
    if fetch.tie != AVERAGE and not is_gather(fetch, graph):
        reads.add(graph.builtin[1])
    return reads


def fetches(persist: Persist) -> list[Fetch]:
    """The fetches whose values a persist sums, each once."""
    return list(dict.fromkeys(d.fetch for d in persist.expr.terms if isinstance(d, FetchValue)))


def one_of(graph: Graph) -> Dim:
    """The embedded constant."""
    return next(dim for dim in graph.embedding if dim.name == "one")


def units(graph: Graph) -> list[Unit]:
    """All units of a graph."""
    one = one_of(graph)
    groups: list[list[Persist]] = []
    for persist in graph.persists:
        mine = set(fetches(persist))
        joined = [g for g in groups if mine & {f for member in g for f in fetches(member)}]
        first = joined[0] if joined else []
        for other in joined[1:]:
            first += other
            groups.remove(other)
        if not joined:
            groups.append(first)
        first.append(persist)
    return [_unit(tuple(members), graph, one) for members in groups]


def _unit(persists: tuple[Persist, ...], graph: Graph, one: Dim) -> Unit:
    if persists[0].in_attention:
        own = list(dict.fromkeys(f for persist in persists for f in fetches(persist)))
        reads = set().union(*(fetch_reads(f, graph, one) for f in own))
        return Unit(persists, True, frozenset(reads), sum(map(fetch_heads, own)), ())
    neurons = [dim for dim in persists[0].expr.terms if isinstance(dim, Reglu)]
    reads = set().union(*(_dims(n.value, n.gate) for n in neurons))
    return Unit(
        persists, False, frozenset(reads), 0, tuple(dict.fromkeys(map(product_of, neurons)))
    )


def slot_dims(graph: Graph) -> Iterator[Dim]:
    """Every dimension that lives in the residual stream: built in, embedded, kept."""
    yield from graph.builtin
    yield from graph.embedding
    yield from graph.persists


def rounded(graph: Graph) -> frozenset[Dim]:
    """Dimensions that may be no integers below 2**53, so that a sum of one with another number may
    be rounded: recency, squared position, means, and what the graph says is large."""
    means = (p for p in graph.persists if any(f.tie == AVERAGE for f in fetches(p)))
    large = (p for p in graph.persists if p.large)
    return frozenset((*graph.builtin[1:], *means, *large))


def output_reads(graph: Graph) -> set[Dim]:
    """Dimensions that the output head reads."""
    return _dims(graph.token_type, graph.value) | {one_of(graph)}
