"""The five primitives that a machine is written in.

Enters: nothing.  Leaves: `Input`, `Reglu`, `Persist`, `Fetch` and linear expressions over them
(`Expr`), from which graph/machine.py builds a machine and schedule/ lays it out.

A *dimension* is one number per position.  A linear expression of dimensions costs nothing: it is
folded into the weights of whoever reads it.  Dimensions compare by identity.

    Input        set by the token's embedding, or built in (position, recency, position_sq)
    Reglu        value * max(0, gate): one neuron
    Fetch        values of the past position whose integer key is nearest the query: attention
    FetchValue   one value that a fetch returns
    Persist      a linear expression kept in a slot of the residual stream

Reglu and FetchValue dimensions exist only inside their half of a layer (the products of a
feed-forward half, the head outputs of an attention half); a Persist carries them on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import index
from typing import NoReturn

LATEST, AVERAGE = "latest", "average"

# Clearing a position subtracts this from its score: more than any squared distance of keys.
BIG = 1e30
# The newest of equal keys wins by this share of the recency, which stays below 1.4427: integer keys
# differ by 1 in the score at least, and 0.3 * 1.4427 < 0.5 keeps the order of distances.
RECENCY_SHARE = 0.3
# What a type weighs beside a value, unless a graph says otherwise.  Values lie in -256 .. 511 and
# bytes in 0 .. 255: squared distances of values stay below this.  Where the type is that of scratch
# tokens, values are larger, but there is a token for each.
TYPE_WEIGHT = 1 << 20
# The type of tokens that are never generated.  Types are at least 0.
NEVER = -1


class _Linear:
    """Arithmetic shared by dimensions and expressions; everything becomes an Expr."""

    def _expr(self) -> Expr:
        raise NotImplementedError

    def __add__(self, other: Linear | int) -> Expr:
        if isinstance(other, int) and other == 0:  # sum() begins with it
            return self._expr()
        if not isinstance(other, _Linear):
            raise TypeError(f"{self} + {other!r}: a number is added as a multiple of `one`")
        terms = dict(self._expr().terms)
        for dim, coefficient in other._expr().terms.items():
            terms[dim] = terms.get(dim, 0) + coefficient
        return Expr({dim: c for dim, c in terms.items() if c != 0})

    def __sub__(self, other: Linear) -> Expr:
        if not isinstance(other, _Linear):
            raise TypeError(f"{self} - {other!r}: a number is subtracted as a multiple of `one`")
        return self + (-1) * other

    def __rsub__(self, other: object) -> NoReturn:
        raise TypeError(f"{other!r} - {self}: a number is a multiple of `one`")

    __radd__ = __add__

    def _is_no_number(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self} has no number while a machine is written: compare by `step` or `at_zero`, "
            "choose by `product` or `switch`"
        )

    # `==` alone is left: dimensions compare by identity.
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __abs__ = _is_no_number
    __truediv__ = __floordiv__ = __mod__ = __pow__ = _is_no_number

    def __neg__(self) -> Expr:
        return (-1) * self

    def __mul__(self, factor: int) -> Expr:
        try:
            factor = index(factor)
        except TypeError:
            raise TypeError(
                f"{self} times {factor!r}: expressions are multiplied by integers alone; two "
                "dimensions are by a product, which costs a neuron"
            ) from None
        terms = self._expr().terms
        return Expr({dim: c * factor for dim, c in terms.items()} if factor else {})

    __rmul__ = __mul__


@dataclass(frozen=True)
class Expr(_Linear):
    """A linear expression: dimension -> integer coefficient."""

    terms: Mapping[Dim, int] = field(default_factory=dict)

    def _expr(self) -> Expr:
        return self

    def __str__(self) -> str:
        parts = (dim.name if c == 1 else f"{c} {dim.name}" for dim, c in self.terms.items())
        return " + ".join(parts) or "0"


@dataclass(frozen=True, eq=False)
class Dim(_Linear):
    """A dimension: one number per position."""

    name: str

    def _expr(self) -> Expr:
        return Expr({self: 1})

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class Input(Dim):
    """A column of the embedding, or one of the built-in functions of the position."""


@dataclass(frozen=True, eq=False, repr=False)
class Reglu(Dim):
    """value * max(0, gate)."""

    value: Expr
    gate: Expr


# The terms of a product's value and of its gate: what makes two neurons the same.
Product = tuple[frozenset[tuple[Dim, int]], frozenset[tuple[Dim, int]]]


def product_of(neuron: Reglu) -> Product:
    """What a neuron computes."""
    return frozenset(neuron.value.terms.items()), frozenset(neuron.gate.terms.items())


@dataclass(frozen=True, eq=False)
class Fetch:
    """Values of the past position (the own included) that is best in the order (least clear,
    least |query - key|, newest); or, with tie AVERAGE, their mean over all positions.

    `key_square` is the linear expression that holds key * key wherever clear is 0. `clear` times
    BIG is added to the squared key in float64: where it is 0, every term of it must be 0.
    """

    name: str
    values: tuple[Expr, ...]
    query: Expr
    key: Expr
    key_square: Expr
    clear: Expr
    tie: str = LATEST

    def outputs(self) -> tuple[FetchValue, ...]:
        """The dimensions that the fetch makes, one per value."""
        return tuple(FetchValue(f"{self.name}[{i}]", self, i) for i in range(len(self.values)))


@dataclass(frozen=True, eq=False, repr=False)
class FetchValue(Dim):
    fetch: Fetch
    index: int


@dataclass(frozen=True, eq=False, repr=False)
class Persist(Dim):
    """`expr` kept in a slot. Its terms are FetchValues, or Reglus: made in one half of a layer.

    `large`: its integers may pass 2**53, so that a sum with one of them could be rounded.
    """

    expr: Expr
    large: bool = False

    @property
    def in_attention(self) -> bool:
        """Whether attention (rather than the feed-forward half) makes it."""
        return any(isinstance(dim, FetchValue) for dim in self.expr.terms)


Linear = Dim | Expr


def total(expressions: Iterable[Linear]) -> Expr:
    """The sum of expressions."""
    result = Expr()
    for expression in expressions:
        result = result + expression
    return result


@dataclass(frozen=True)
class Graph:
    """A machine: what the embedding sets, what the layers keep, what the output head reads.

    Attributes:
        vocabulary: spelling of every token.
        embedding: embedded input -> its value for every token.
        builtin: position, recency and position_sq, in the order of residual slots 0, 1, 2.
        persists: every dimension kept in a slot, in an order in which each reads only earlier ones.
        token_type, value: the two numbers that choose the next token.
        points: (type, value) of every token; the next token is the one whose point is nearest, the
            type first; None for tokens that are never generated.
        type_weight: what a type weighs beside a value where distances are compared.
    """

    vocabulary: tuple[str, ...]
    embedding: Mapping[Input, tuple[int, ...]]
    builtin: tuple[Input, Input, Input]
    persists: tuple[Persist, ...]
    token_type: Expr
    value: Expr
    points: tuple[tuple[int, int] | None, ...]
    type_weight: int = TYPE_WEIGHT
