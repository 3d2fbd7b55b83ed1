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
from pyvm.machine.tokens import BEGIN, BUILT_IN, LARGEST, MachineError, Token

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.weights.model_file import ModelFile


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
        self.tokens = Token(BEGIN, begin=1), *tokens
        self._ids: dict[str, int] = {}
        for id, token in enumerate(self.tokens):
            if not isinstance(token, Token):
                raise MachineError(f"{token!r} is no Token: write Token({token!r}, point, ...)")
            if self._ids.setdefault(token.spelling, id) != id:
                raise MachineError(f"token {token.spelling!r} is there twice")
        if stop not in self._ids:
            raise MachineError(f"the stop token {stop!r} is not among the tokens")
        points: dict[tuple[int, int], str] = {}
        for token in self.tokens:
            if token.point is None:
                if token.spelling == stop:
                    raise MachineError(f"the stop token {stop!r} needs a point: no run would end")
            elif (other := points.setdefault(token.point, token.spelling)) != token.spelling:
                raise MachineError(
                    f"tokens {other!r} and {token.spelling!r} have one point, {token.point}: the "
                    "second would never be generated"
                )
        self._stop = stop
        names = dict.fromkeys(name for token in self.tokens for name in token.columns)
        self._builder = Builder(["one", *names])
        self._names = {*BUILT_IN, *names}
        self.one: Dim = self._builder.one
        self.begin: Dim = self[BEGIN]
        self.position: Dim = self._builder.position
        self._unseen_columns: dict[Input, Input] = {}  # each of the column that it denies
        self._squares: dict[Dim, Expr] = {}  # what each is the square of
        self._output: tuple[Expr, Expr] | None = None

    def __getitem__(self, column: str) -> Dim:
        """The number that a position's token brings along under this name."""
        try:
            return self._builder.embedded[column]
        except KeyError:
            if column in self._names:
                raise MachineError(
                    f"{column!r} is no column of the tokens: use what its form has returned"
                ) from None
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
        made = self._keep(name, Reglu(name, expr, expr) - Reglu(name, expr, -expr), large=True)
        self._squares[made] = expr
        return made

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
        self._check_square(name, key._expr(), square._expr())
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
        if isinstance(spellings, str):
            raise MachineError(f"a prompt is a sequence of tokens: {spellings!r}.split() makes one")
        ids = [self._ids[BEGIN]]
        for spelling in spellings:
            if spelling == BEGIN:
                raise MachineError(f"{BEGIN!r} comes by itself, in front of the prompt")
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
        first = earliest(graph)
        fewest = max(first.values(), default=1)
        layers = fewest if layers is None else layers
        if layers < fewest:
            last = next(name for name, layer in first.items() if layer == fewest)
            raise MachineError(
                f"{layers} layers are too few: {last!r}, after the longest chain of forms, can "
                f"be made in layer {fewest} at the earliest"
            )
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
                int(not (token.columns.get(seen.name) or BEGIN in token.columns))
                for token in self.tokens
            )
        return tuple(token.columns.get(dim.name, 0) for token in self.tokens)

    def _unseen(self, name: str, where: Linear) -> Dim:
        """1 where `where` is 0, and 0 elsewhere and at position 0: a dimension of its own, since
        what clears a position is weighed by 1e30, beside which every other term is lost."""
        if isinstance(where, Input):
            for token in self.tokens:
                if (value := token.columns.get(where.name, where is self.one)) not in (0, 1):
                    raise MachineError(
                        f"{name!r} looks where {where.name!r} is 1, and it is {value} for token "
                        f"{token.spelling!r}: 0 or 1 is asked for"
                    )
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
        for linear in read:
            if not isinstance(linear, (Dim, Expr)):
                raise MachineError(
                    f"{name!r} reads {linear!r}, which is no dimension: a number is a multiple of "
                    "`one`, a column is machine['name'], and what is fetched is a list"
                )
            for dim, coefficient in linear._expr().terms.items():
                if dim not in own:
                    raise MachineError(f"{name!r} reads {dim.name!r}, which is not of this machine")
                if abs(coefficient) >= LARGEST:
                    raise MachineError(
                        f"{name!r} reads {dim.name!r} times {coefficient}: numbers stay below 2^53"
                    )

    def _check_square(self, name: str, key: Expr, square: Expr) -> None:
        """As far as it can be seen; the evaluator looks at each position."""
        (made, *more) = square.terms or [None]
        if made in self._squares and not more:
            wrong = self._squares[made].terms != key.terms or square.terms[made] != 1
        elif {*key.terms, *square.terms} <= {*self._builder.embedded.values()}:
            dims = (dim for dim in (*key.terms, *square.terms) if isinstance(dim, Input))
            columns: dict[Dim, tuple[int, ...]] = {dim: self._column(dim) for dim in dims}
            wrong = any(
                sum(c * columns[dim][i] for dim, c in square.terms.items())
                != sum(c * columns[dim][i] for dim, c in key.terms.items()) ** 2
                for i in range(len(self.tokens))
            )
        else:
            return
        if wrong:
            raise MachineError(f"{name!r}: {square} is not the square of its key, {key}")

    def _claim(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise MachineError(f"{name!r} is no name of a dimension: it is text, and not empty")
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
