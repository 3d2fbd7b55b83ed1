"""`Machine`: a language of tokens, the forms of forms.py, and what comes of them.

Enters: tokens with the numbers that each brings along, then expressions.  Leaves: a `Graph`, and
from it the `Model`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyvm.graph.evaluate import generate
from pyvm.graph.primitives import Graph
from pyvm.machine.checks import MachineError, arguments_checked, integer
from pyvm.machine.forms import Forms
from pyvm.machine.tokens import BEGIN, Token, type_weight

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.weights.model_file import ModelFile

_MOST_LAYERS = 32  # more bring no narrower stream, and take minutes to lay out


class Machine(Forms):
    """A machine while it is written, by the forms of its base class.

    parity = Machine([Token("0"), Token("1", bit=1), ...], stop="end")
    ones = parity.running_sum("ones", parity["bit"])
    ...
    parity.next(kind, value)
    model = parity.build()
    """

    @arguments_checked
    def __init__(self, tokens: Iterable[Token], stop: str):
        """`stop` is the spelling of the token that ends a run; `begin` comes by itself."""
        try:
            listed = Token(BEGIN, begin=1), *tokens
        except TypeError:
            raise MachineError(f"tokens are a list of Token, and not {tokens!r}") from None
        self._ids: dict[str, int] = {}
        for id, token in enumerate(listed):
            if not isinstance(token, Token):
                raise MachineError(f"{token!r} is no Token: write Token({token!r}, point, ...)")
            if self._ids.setdefault(token.spelling, id) != id:
                raise MachineError(f"token {token.spelling!r} is there twice")
        if not isinstance(stop, str) or stop not in self._ids:
            raise MachineError(f"the stop token {stop!r} is not among the tokens")
        points: dict[tuple[int, int], str] = {}
        for token in listed:
            if token.point is None:
                if token.spelling == stop:
                    raise MachineError(f"the stop token {stop!r} needs a point: no run would end")
            elif (other := points.setdefault(token.point, token.spelling)) != token.spelling:
                raise MachineError(
                    f"tokens {other!r} and {token.spelling!r} have one point, {token.point}: the "
                    "second would never be generated"
                )
        super().__init__(listed)
        self._stop = stop

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
            type_weight=type_weight(max(token.point[0] for token in self.tokens if token.point)),
        )

    def encode(self, spellings: Iterable[str]) -> list[int]:
        """The ids of a prompt: `begin`, then tokens.

        >>> parity.encode("1 0 =".split())
        [0, 2, 1, 3]
        """
        if isinstance(spellings, str):
            raise MachineError(f"a prompt is a sequence of tokens: {spellings!r}.split() makes one")
        try:
            listed = list(spellings)
        except TypeError:
            raise MachineError(f"a prompt is a sequence of tokens, and not {spellings!r}") from None
        ids = [self._ids[BEGIN]]
        for spelling in listed:
            if spelling == BEGIN:
                raise MachineError(f"{BEGIN!r} comes by itself, in front of the prompt")
            if not isinstance(spelling, str) or spelling not in self._ids:
                raise MachineError(f"no token is written {spelling!r}")
            ids.append(self._ids[spelling])
        return ids

    def evaluate(self, prompt: Sequence[str], limit: int = 10_000) -> list[str]:
        """What the machine generates, computed exactly and without a transformer: slow, right.

        >>> parity.evaluate("1 0 1 =".split())
        ['odd', 'odd', 'even', 'end']
        """
        if (most := integer(limit)) is None or most < 0:
            raise MachineError(f"the limit is a number of tokens, and not {limit!r}")
        ids = generate(self.graph, self.encode(prompt), self._ids[self._stop], most)
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
        wanted = fewest if layers is None else integer(layers)
        if wanted is None or wanted > max(_MOST_LAYERS, fewest):
            raise MachineError(
                f"layers are a number from {fewest} to {_MOST_LAYERS}, not {layers!r}"
            )
        if wanted < fewest:
            last = next(name for name, layer in first.items() if layer == fewest)
            raise MachineError(
                f"{wanted} layers are too few: {last!r}, after the longest chain of forms, can "
                f"be made in layer {fewest} at the earliest"
            )
        return build_weights(graph, solve(graph, wanted), self._stop)

    def build(self, layers: int | None = None) -> Model:
        """The model: graph, schedule, weights, each checked (`model_file`).  Runs take its kernel
        where `pyvm model compile` has made one.

        >>> parity.build()
        <Model V=7 D=10 L=2 H=5 F=1>
        """
        from pyvm.engine.standard import load

        return load(self.model_file(layers).to_bytes())
