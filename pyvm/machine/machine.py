"""`Machine`: the language in which a machine is written.

Enters: tokens with the numbers that each brings along, then expressions.  Leaves: a `Graph`, and
from it the `Model`.

A *dimension* is one integer per position.  Sums of dimensions and multiples of them cost nothing;
everything else is made by the forms below, each of which keeps its result under a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pyvm.graph.evaluate import generate
from pyvm.graph.gates import at_zero, switch
from pyvm.graph.primitives import Dim, Expr, FetchValue, Graph, Input, Linear, Persist, Reglu
from pyvm.graph.state import Builder

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.weights.model_file import ModelFile

# Squared distances of values stay below the weight of a type (weights/graph_to_weights.py).
_LARGEST_VALUE = 1023
_BUILT_IN = ("one", "position", "recency", "position_sq")
_BEGIN = "begin"


class MachineError(ValueError):
    """What is no machine; the message names the token or the dimension."""


class Token:
    """One token of a language.

    Args:
        spelling: how it is written: any text without white space.
        point: (type, value), both at least 0, the value at most 1,023.  The next token is the one
            whose point is nearest to the two numbers that `Machine.next` is given, the type first.
            None for tokens that are only read, never generated.
        columns: the numbers that it brings along; those that it does not name are 0.
    """

    def __init__(self, spelling: str, point: tuple[int, int] | None = None, **columns: int):
        if not spelling or any(letter.isspace() for letter in spelling):
            raise MachineError(
                f"token {spelling!r}: a spelling is not empty and has no white space"
            )
        if point is not None and not (0 <= point[0] <= 1 << 20 and 0 <= point[1] <= _LARGEST_VALUE):
            raise MachineError(
                f"token {spelling!r}: its point {point} is not a type from 0 to 2^20 and a value "
                f"from 0 to {_LARGEST_VALUE}"
            )
        for name in columns.keys() & {*_BUILT_IN, *([_BEGIN] if spelling != _BEGIN else [])}:
            raise MachineError(f"token {spelling!r}: {name!r} is built in and no column")
        self.spelling, self.point, self.columns = spelling, point, columns


class Machine:
    """A machine while it is written.

        parity = Machine([Token("0"), Token("1", bit=1), ...], stop="end")
        ones = parity.running_sum("ones", parity["bit"])
        ...
        parity.next(kind, value)
        model = parity.build()

    Attributes:
        one: the dimension that is 1 everywhere; constants are multiples of it.
        begin: 1 at position 0, where every sequence has the token `begin`, and 0 elsewhere.
        position: the number of the position.
    """

    def __init__(self, tokens: Iterable[Token], stop: str):
        """`stop` is the spelling of the token that ends a run; `begin` comes by itself."""
        self.tokens = Token(_BEGIN, begin=1), *tokens
        self._ids: dict[str, int] = {}
        for id, token in enumerate(self.tokens):
            if self._ids.setdefault(token.spelling, id) != id:
                raise MachineError(f"token {token.spelling!r} is there twice")
        if stop not in self._ids:
            raise MachineError(f"the stop token {stop!r} is not among the tokens")
        self._stop = stop
        names = dict.fromkeys(name for token in self.tokens for name in token.columns)
        self._builder = Builder(["one", *names])
        self._names = {*_BUILT_IN, *names}
        self.one: Dim = self._builder.one
        self.begin: Dim = self[_BEGIN]
        self.position: Dim = self._builder.position
        self._unseen_columns: dict[Input, Input] = {}  # each of the column that it denies
        self._output: tuple[Expr, Expr] | None = None

    def __getitem__(self, column: str) -> Dim:
        """The number that a position's token brings along under this name."""
        try:
            return self._builder.embedded[column]
        except KeyError:
            known = ", ".join(self._builder.embedded)
            raise MachineError(f"no token has a column {column!r}; there are: {known}") from None

    # -- forms: each costs what its line says, and keeps its result in a slot of the residual stream

    def product(self, name: str, value: Linear, gate: Linear) -> Persist:
        """value * max(0, gate): one neuron.  With a gate of 0 or 1 it selects."""
        self._check(name, value, gate)
        return self._keep(name, Reglu(name, value._expr(), gate._expr()))

    def switch(self, name: str, value: Linear, number: Linear) -> Persist:
        """value where number > 0, else 0: two neurons."""
        self._check(name, value, number)
        return self._keep(name, switch(name, self.one, value, number))

    def step(self, name: str, number: Linear) -> Persist:
        """1 where number > 0, else 0: two neurons."""
        return self.switch(name, self.one, number)

    def at_zero(self, name: str, value: Linear, number: Linear) -> Persist:
        """value where number is 0, else 0: three neurons."""
        self._check(name, value, number)
        return self._keep(name, at_zero(name, value, number, self.one))

    def square(self, name: str, number: Linear) -> Persist:
        """number * number: two neurons.  A key is looked up by its square."""
        self._check(name, number)
        expr = number._expr()
        return self._keep(name, Reglu(name, expr, expr) - Reglu(name, expr, -expr), large=True)

    def running_sum(self, name: str, term: Linear) -> Expr:
        """The sum of a term over all positions up to this one: one head and two neurons."""
        self._check(name, term)
        self._claim(name)
        self._claim(f"mean {name}")
        (result,) = self._builder.running_sums((name, term))
        return result

    def at(self, name: str, at: Linear, **values: Linear) -> list[Persist]:
        """Values at a past position, named by its number; before the first it is the first, behind
        this one it is this one: a head for every two."""
        self._check(name, at, *self._fetched(name, values))
        found = self._builder.gathered(name, list(values.values()), at)
        return self._kept(values, found)

    def newest(
        self,
        name: str,
        query: Linear,
        key: Linear,
        square: Linear,
        where: Linear | None = None,
        **values: Linear,
    ) -> list[Persist]:
        """Values at the newest position whose key is nearest to the query: a head for every two.

        Args:
            query, key: integers; each position is found by its own key, this one included.
            square: the key's square (`square`), or an expression that is equal to it.
            where: 0 or 1: the positions that are looked at, besides position 0, which always is.
                A column costs nothing more, anything else one neuron.  None: all positions.
            values: what is found, by name.
        """
        read = [query, key, square, *self._fetched(name, values)]
        self._check(name, *read, *([] if where is None else [where]))
        clear = Expr() if where is None else self._unseen(name, where)
        found = self._builder.newest(name, list(values.values()), query, key, square, clear)
        return self._kept(values, found)

    def latest(self, name: str, where: Linear, **values: Linear) -> list[Persist]:
        """Values at the newest position where `where` is 1, else at position 0."""
        return self.newest(name, Expr(), Expr(), Expr(), where, **values)

    def next(self, kind: Linear, value: Linear) -> None:
        """The type and the value of the next token."""
        self._check("next", kind, value)
        self._output = kind._expr(), value._expr()

    # -- what comes of it

    @property
    def graph(self) -> Graph:
        """The machine as a graph of the five primitives."""
        if self._output is None:
            raise MachineError("the machine says nothing of the next token: call next(kind, value)")
        return Graph(
            vocabulary=tuple(self._ids),
            embedding={dim: self._column(dim) for dim in self._builder.embedded.values()},
            builtin=(self._builder.position, self._builder.recency, self._builder.position_sq),
            persists=tuple(self._builder.persists),
            token_type=self._output[0],
            value=self._output[1],
            points=tuple(token.point for token in self.tokens),
        )

    def encode(self, spellings: Iterable[str]) -> list[int]:
        """The ids of a prompt: `begin`, then tokens.

        >>> parity.encode("1 0 =".split())
        [0, 2, 1, 3]
        """
        ids = []
        for spelling in (_BEGIN, *spellings):
            if spelling not in self._ids:
                raise MachineError(f"no token is written {spelling!r}")
            ids.append(self._ids[spelling])
        return ids

    def evaluate(self, prompt: Sequence[str], limit: int = 10_000) -> list[str]:
        """What the machine generates, computed exactly and without a transformer: slow, right.

        >>> parity.evaluate("1 0 1 =".split())
        ['odd', 'odd', 'even', 'end']
        """
        ids = generate(self.graph, self.encode(prompt), self._ids[self._stop], limit)
        return [self.tokens[id].spelling for id in ids]

    def model_file(self, layers: int | None = None) -> ModelFile:
        """The weights.  They are laid out in the narrowest residual stream for a number of layers:
        by default the fewest that hold the machine.  Needs highspy: pip install
        'libtvm[schedule]'."""
        from pyvm.schedule.solve import earliest, solve
        from pyvm.weights.graph_to_weights import build_weights

        graph = self.graph
        if layers is None:
            layers = max(earliest(graph).values(), default=1)
        return build_weights(graph, solve(graph, layers), self._stop)

    def build(self, layers: int | None = None) -> Model:
        """The model: graph, schedule, weights, each checked (`model_file`).  Runs take its kernel
        where `pyvm model compile` has made one.

        >>> parity.build()
        <Model V=7 D=10 L=2 H=5 F=1>
        """
        from pyvm.engine.standard import load

        return load(self.model_file(layers).to_bytes())

    # -- bookkeeping

    def _column(self, dim: Input) -> tuple[int, ...]:
        """The number of each token."""
        if dim is self.one:
            return (1,) * len(self.tokens)
        if dim in self._unseen_columns:
            seen = self._unseen_columns[dim]
            return tuple(
                int(not (token.columns.get(seen.name) or _BEGIN in token.columns))
                for token in self.tokens
            )
        return tuple(token.columns.get(dim.name, 0) for token in self.tokens)

    def _unseen(self, name: str, where: Linear) -> Dim:
        """1 where `where` is 0, and 0 elsewhere and at position 0: a dimension of its own, since
        what clears a position is weighed by 1e30, beside which every other term is lost."""
        if isinstance(where, Input):
            unseen = f"not {where.name}"
            if unseen not in self._builder.embedded:
                self._claim(unseen)
                self._builder.embedded[unseen] = Input(unseen)
                self._unseen_columns[self._builder.embedded[unseen]] = where
            return self._builder.embedded[unseen]
        return self.product(f"{name}: not", self.one, self.one - where - self.begin)

    def _check(self, name: str, *read: Linear) -> None:
        """That what a form reads is there."""
        own = {self.position, *self._builder.embedded.values(), *self._builder.persists}
        for dim in (dim for linear in read for dim in linear._expr().terms):
            if dim not in own:
                raise MachineError(f"{name!r} reads {dim.name!r}, which is not of this machine")

    def _claim(self, name: str) -> None:
        if name in self._names:
            raise MachineError(f"{name!r} is there already: every dimension has a name of its own")
        self._names.add(name)

    def _keep(self, name: str, expr: Linear, large: bool = False) -> Persist:
        self._claim(name)
        return self._builder.persist(name, expr, large)

    def _fetched(self, name: str, values: Mapping[str, Linear]) -> Iterable[Linear]:
        if not values:
            raise MachineError(
                f"{name!r} fetches nothing: name the values, as in bit=machine['bit']"
            )
        return values.values()

    def _kept(self, values: Mapping[str, Linear], found: Sequence[FetchValue]) -> list[Persist]:
        return [self._keep(key, value) for key, value in zip(values, found, strict=True)]
