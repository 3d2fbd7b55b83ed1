"""What runs and checks return.

Enters: results of libtvm.  Leaves: `Run`, `Check`, `Timings`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pyvm.engine.abi import RunResult, VerifyResult
from pyvm.isa.tokens import TOKENS, Kind
from pyvm.isa.traps import Trap, TrapSite

if TYPE_CHECKING:
    import numpy as np

    from pyvm.engine.arrays import Ids, Ints  # noqa: F401  pdoc reads here what Ids says
    from pyvm.isa.program import Program
    from pyvm.view import Profile, View


class Timings(NamedTuple):
    """Wall time in seconds; the phases are measured on the layer path only."""

    seconds: float
    projection: float = 0.0
    attention: float = 0.0
    output: float = 0.0

    @classmethod
    def of(cls, result: RunResult | VerifyResult) -> Timings:
        return cls(
            result.seconds,
            result.projection_seconds,
            result.attention_seconds,
            result.output_seconds,
        )


class _Run(NamedTuple):
    ids: Ids
    prompt_length: int
    stopped: str
    timings: Timings
    vocabulary: tuple[str, ...]
    end: Callable[[], tuple[int | None, TrapSite | None]]
    exact: bool = True
    covered: int = 0


_Run.__new__.__module__ = __name__  # where pdoc looks for the types of its arguments


class Run(_Run):
    """Tokens of one run.

    Attributes:
        ids: the prompt included, as pyvm holds them: of 16 bits, or of 32 where the vocabulary
            needs them; `tokens` has them as numpy's array.
        prompt_length: tokens of the prompt.
        stopped: "halt" (the stop token), "limit" or "callback".
        timings: of the run.
        vocabulary: the spelling of each id.
        exact: every variant of the engine gives these tokens (tvm.h).
        covered: positions that a kernel has run.
    """

    def __repr__(self) -> str:
        return f"<Run {len(self.ids) - self.prompt_length:,} tokens, stopped by {self.stopped}>"

    @cached_property
    def _ending(self) -> tuple[int | None, TrapSite | None]:
        """Counting rows reads every token: it waits until somebody asks."""
        return self.end()

    @property
    def cursor(self) -> int | None:
        """Index of the instruction where it stopped, None when that is not known."""
        return self._ending[0]

    @property
    def trap(self) -> TrapSite | None:
        """Why and where the program trapped; None when it halted normally or has not halted."""
        return self._ending[1]

    @cached_property
    def tokens(self) -> np.ndarray:
        """All tokens (uint16, or int32 of a vocabulary beyond 65,536), the prompt included: the
        same memory, not a copy."""
        import numpy as np

        return np.asarray(self.ids)

    @property
    def generated(self) -> np.ndarray:
        """The tokens after the prompt."""
        return self.tokens[self.prompt_length :]

    @cached_property
    def output(self) -> bytes:
        """What the program wrote."""
        from pyvm.engine.follow import output_bytes

        return output_bytes(self.ids, self.vocabulary, self.prompt_length)

    @cached_property
    def errors(self) -> bytes:
        """What the program wrote on the error stream."""
        from pyvm.engine.follow import error_bytes

        return error_bytes(self.ids, self.vocabulary, self.prompt_length)

    @cached_property
    def status(self) -> int:
        """The status that the program exits with; 0 where it halted otherwise, or not at all, and
        where the tokens were not kept."""
        if self.stopped != "halt":
            return 0
        return ending(self.ids, self.prompt_length, self.vocabulary)[1]

    @property
    def ok(self) -> bool:
        """The program came to its normal end: no trap, and no exit with a status but 0."""
        return self.stopped == "halt" and self.trap is None and self.status == 0

    def view(self, program: Program | None = None, at: int | None = None) -> View:
        """A page that shows every position: save(path), or shown by a notebook.

        Args:
            program: what ran; functions and source lines are known from it.
            at: a position around which the network's values are kept as well.

        >>> run.view().html[:15]
        '<!doctype html>'
        """
        from pyvm.view import View

        return View(self, program, at)

    def profile(self, program: Program | None = None) -> Profile:
        """Tokens by function and source line: save(path) writes a page, text() is a table.

        Args:
            program: what ran; functions and source lines are known from it.

        >>> run.profile(pyvm.compile("hello")).functions[0].name
        'print_string'
        """
        from pyvm.view import profile

        return profile(self, program)

    def _repr_html_(self) -> str | None:
        """The page in a notebook; without one, for a run that no page shows."""
        from pyvm.isa.errors import ProgramError

        try:
            return self.view()._repr_html_()
        except ProgramError:
            return None

    @property
    def tokens_per_second(self) -> float:
        count = len(self.ids) - self.prompt_length
        return count / self.timings.seconds if self.timings.seconds > 0 else 0.0


def ending(ids: Ids, begin: int, vocabulary: tuple[str, ...]) -> tuple[Trap | None, int]:
    """Of a run that halted: the trap that its tokens name, and the status that it exits with."""
    token = TOKENS.get(vocabulary[ids[-2]]) if len(ids) - begin > 1 else None
    if token is not None and token.kind is Kind.TRAP:
        return Trap(token.value), 0
    return None, token.value if token is not None and token.kind is Kind.BYTE else 0


class Check(NamedTuple):
    """A verification.

    Attributes:
        ok: every checked position predicts the token that follows it.
        complete: the tokens are those of a whole run: they end in the stop token, and it stands
            nowhere else behind the prompt. A run that was cut is ok, and not complete.
        first_mismatch: position of the first token that differs from its prediction, or None.
        expected: the token id there, or None.
        predicted: the model's prediction for it, or None.
        predictions: when asked for, the prediction for every position checked.
        checked: positions whose prediction was compared.
        timings: of the verification.
        exact: every variant of the engine predicts the same (tvm.h).
        covered: positions that a kernel has run, those before the window included.
        wrong_border: of a trace file, the position of the first border that is not the state which
            the segment before it ends in, or None.
        first_stop: of a trace file, where its first stop token stands, or None.
    """

    ok: bool
    complete: bool
    first_mismatch: int | None
    expected: int | None
    predicted: int | None
    predictions: np.ndarray | None
    checked: int
    timings: Timings
    exact: bool = True
    covered: int = 0
    wrong_border: int | None = None
    first_stop: int | None = None

    @property
    def tokens_per_second(self) -> float:
        return self.checked / self.timings.seconds if self.timings.seconds > 0 else 0.0

    def __bool__(self) -> bool:
        return self.ok


Check.__new__.__module__ = __name__  # as above
