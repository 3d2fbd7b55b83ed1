"""`Forms`: what a machine is written with.

Enters: tokens that are checked, then expressions.  Leaves: dimensions, under names of their own.

A *dimension* is one integer per position.  Sums of dimensions and multiples of them cost nothing;
everything else is made by a form, which keeps its result in a slot of the residual stream.  A form
that refuses leaves the machine as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyvm.graph.gates import at_zero, switch
from pyvm.graph.primitives import Dim, Expr, FetchValue, Input, Linear, Persist, Reglu
from pyvm.graph.state import Builder
from pyvm.machine.checks import MachineError, arguments_checked, is_text
from pyvm.machine.tokens import BEGIN, BUILT_IN, LARGEST, Token


class Forms:
    """The columns of tokens, and the forms.

    Attributes:
        one: the dimension that is 1 everywhere; constants are multiples of it.
        begin: 1 at position 0, where every sequence has the token `begin`, and 0 elsewhere.
        position: the number of the position.
    """

    def __init__(self, tokens: tuple[Token, ...]):
        self.tokens = tokens
        names = dict.fromkeys(name for token in tokens for name in token.columns)
        self._builder = Builder(["one", *names])
        self._names = {*BUILT_IN, *names}
        self.one: Dim = self._builder.one
        self.begin: Dim = self[BEGIN]
        self.position: Dim = self._builder.position
        self._unseen: dict[Input, Input] = {}  # of a column the one that denies it
        self._squares: dict[Dim, Expr] = {}  # what each is the square of
        self._output: tuple[Expr, Expr] | None = None

    def __getitem__(self, column: str) -> Dim:
        """The number that a position's token brings along under this name."""
        if not isinstance(column, str):
            raise MachineError(f"a column is asked for by its name, which {column!r} is not")
        if column in self._builder.embedded:
            return self._builder.embedded[column]
        if column in self._names:
            raise MachineError(
                f"{column!r} is no column of the tokens: use what its form has returned"
            )
        known = ", ".join(self._builder.embedded)
        raise MachineError(f"no token has a column {column!r}; there are: {known}")

    # -- forms: each costs what its line says

    @arguments_checked
    def product(self, name: str, value: Linear, gate: Linear) -> Persist:
        """value * max(0, gate): one neuron.  With a gate of 0 or 1 it selects."""
        self._check(name, value, gate)
        return self._keep(name, Reglu(name, value._expr(), gate._expr()))

    @arguments_checked
    def switch(self, name: str, value: Linear, number: Linear) -> Persist:
        """value where number > 0, else 0: two neurons."""
        self._check(name, value, number)
        return self._keep(name, switch(name, self.one, value, number))

    @arguments_checked
    def step(self, name: str, number: Linear) -> Persist:
        """1 where number > 0, else 0: two neurons."""
        return self.switch(name, self.one, number)

    @arguments_checked
    def at_zero(self, name: str, value: Linear, number: Linear) -> Persist:
        """value where number is 0, else 0: three neurons."""
        self._check(name, value, number)
        return self._keep(name, at_zero(name, value, number, self.one))

    @arguments_checked
    def square(self, name: str, number: Linear) -> Persist:
        """number * number: two neurons.  A key is looked up by its square."""
        self._check(name, number)
        expr = number._expr()
        made = self._keep(name, Reglu(name, expr, expr) - Reglu(name, expr, -expr), large=True)
        self._squares[made] = expr
        return made

    @arguments_checked
    def running_sum(self, name: str, term: Linear) -> Expr:
        """The sum of a term over all positions up to this one: one head and two neurons."""
        self._check(name, term)
        self._claim(name, f"mean {name}")
        (result,) = self._builder.running_sums((name, term))
        return result

    @arguments_checked
    def at(self, name: str, at: Linear, **values: Linear) -> list[Persist]:
        """Values at a past position, named by its number; before the first it is the first, behind
        this one it is this one: a head for every two."""
        self._check(name, at, *self._fetched(name, values))
        self._claim(*values)
        found = self._builder.gathered(name, list(values.values()), at)
        return self._kept(values, found)

    @arguments_checked
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
        clear = self._clear(name, where, values)
        found = self._builder.newest(name, list(values.values()), query, key, square, clear)
        return self._kept(values, found)

    @arguments_checked
    def latest(self, name: str, where: Linear, **values: Linear) -> list[Persist]:
        """Values at the newest position where `where` is 1, else at position 0."""
        return self.newest(name, Expr(), Expr(), Expr(), where, **values)

    @arguments_checked
    def next(self, kind: Linear, value: Linear) -> None:
        """The type and the value of the next token."""
        self._check("next", kind, value)
        self._output = kind._expr(), value._expr()

    # -- bookkeeping

    def _column(self, dim: Input) -> tuple[int, ...]:
        """The number of each token."""
        if dim is self.one:
            return (1,) * len(self.tokens)
        if seen := [column for column, unseen in self._unseen.items() if unseen is dim]:
            return tuple(
                int(not (token.columns.get(seen[0].name) or BEGIN in token.columns))
                for token in self.tokens
            )
        return tuple(token.columns.get(dim.name, 0) for token in self.tokens)

    def _clear(self, name: str, where: Linear | None, values: Iterable[str]) -> Linear:
        """Claims the names of a lookup.  1 where `where` is 0, and 0 elsewhere and at position 0: a
        dimension of its own, since what clears a position is weighed by 1e30, beside which every
        other term is lost."""
        if where is None:
            self._claim(*values)
            return Expr()
        if not isinstance(where, Input) or where is self.position:
            unseen = f"{name}: not"
            self._claim(*values, unseen)
            return self._builder.persist(
                unseen, Reglu(unseen, self.one._expr(), self.one - where - self.begin)
            )
        self._check_where(name, where)
        if where in self._unseen:
            self._claim(*values)
        else:
            unseen = f"not {where.name}"
            self._claim(*values, unseen)
            self._unseen[where] = self._builder.embedded[unseen] = Input(unseen)
        return self._unseen[where]

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

    def _check_where(self, name: str, where: Input) -> None:
        for token, value in zip(self.tokens, self._column(where), strict=True):
            if value not in (0, 1):
                raise MachineError(
                    f"{name!r} looks where {where.name!r} is 1, and it is {value} for token "
                    f"{token.spelling!r}: 0 or 1 is asked for"
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

    def _claim(self, *names: str) -> None:
        """All of them or none: a call that is refused leaves the machine as it was."""
        for name in names:
            if not is_text(name):
                raise MachineError(f"{name!r} is no name of a dimension: it is text, and not empty")
            if name in self._names:
                raise MachineError(
                    f"{name!r} is there already: every dimension has a name of its own"
                )
        self._names.update(names)

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
        """Under names that are claimed."""
        pairs = zip(values, found, strict=True)
        return [self._builder.persist(name, value) for name, value in pairs]
