"""A run that writes a trace file: what a command asks of it afterwards, without all its tokens at
hand.

Enters: a model, a program, a file.  Leaves: `Traced`, which answers as a Run does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from pyvm.engine.arrays import Ids
    from pyvm.engine.model import Model
    from pyvm.engine.prompt import Prompt
    from pyvm.engine.run import Check
    from pyvm.isa.program import Program
    from pyvm.isa.traps import TrapSite
    from pyvm.trace.file import TraceFile
    from pyvm.trace.statistics import Statistics
    from pyvm.view import Profile


@dataclass(frozen=True)
class Traced:
    """A run whose tokens lie in a file.

    Attributes:
        generated: tokens, those included that the file had before.
        fresh: tokens of this process.
        seconds: which those took.
        stopped: "halt", "limit" or "callback".
    """

    model: Model
    prompt: Prompt
    path: str
    generated: int
    fresh: int
    seconds: float
    stopped: str
    exact: bool = True

    @property
    def prompt_length(self) -> int:
        return len(self.prompt.tokens)

    def _trace(self) -> TraceFile:
        from pyvm.trace.file import TraceFile

        return TraceFile(self.path)

    def pieces(self) -> Iterator[np.ndarray]:
        with self._trace() as trace:
            yield from trace.pieces()

    @cached_property
    def _end(self) -> tuple[int | None, TrapSite | None]:
        vocabulary, stop = self.model.vocabulary, self.model.stop
        return self.prompt.end_of(self._last, self.pieces, vocabulary, stop)

    @cached_property
    def _last(self) -> np.ndarray:
        """The last two tokens, or fewer."""
        import numpy as np

        with self._trace() as trace:
            some = [trace.tokens(k).ids() for k in range(len(trace.segments))[-2:]]
        return np.concatenate(some)[-2:] if some else np.empty(0, dtype=np.int32)

    @property
    def cursor(self) -> int | None:
        return self._end[0]

    @property
    def trap(self) -> TrapSite | None:
        return self._end[1]

    @property
    def status(self) -> int:
        from pyvm.engine.run import ending

        if self.stopped != "halt":
            return 0
        return ending(self._last, 0, self.model.vocabulary)[1]

    def verify(self, **options: Any) -> Check:
        with self._trace() as trace:
            return self.model.verify(trace, **options)

    def _whole(self) -> Iterator[np.ndarray]:
        """The trace from trace_begin() on: the end of the prompt is part of it."""
        import numpy as np

        from pyvm.isa.classes import token_classes
        from pyvm.isa.prompt import trace_begin

        tokens = np.asarray(self.prompt.tokens)
        begin = trace_begin(tokens, token_classes(self.model.vocabulary))
        return chain((tokens[begin:],), self.pieces())

    def statistics(self, program: Program) -> Statistics:
        from pyvm.trace.statistics import statistics_of

        whole, vocabulary = self._whole(), self.model.vocabulary
        return statistics_of(whole, vocabulary, program.listing, program.debug)

    def profile(self, program: Program) -> Profile:
        from pyvm.trace.statistics import spent_by_instruction
        from pyvm.view.profile import profile_of

        spent = spent_by_instruction(self._whole(), self.model.vocabulary, program.listing)
        return profile_of(spent, program.listing, program)


def run_traced(
    model: Model,
    program: Program,
    trace: str,
    resume: bool,
    limit: int,
    on_tokens: Callable[[Ids], bool],
    **options: Any,
) -> Traced:
    """Generates into a trace file; `on_tokens` sees what it had before as well."""
    import numpy as np

    from pyvm.engine.prompt import prompt_of
    from pyvm.engine.recording import Recording

    prompt = prompt_of(program, model.vocabulary)
    begin = time.perf_counter()
    generated = 0
    tokens = np.asarray(prompt.tokens)
    with Recording(model, tokens, trace, resume, **options) as recording:
        stored = recording.stored
        stopped = "callback"
        for piece in recording.pieces(limit):
            if generated < stored <= generated + piece.size:
                begin = time.perf_counter()
            generated += piece.size
            if on_tokens(piece):
                break
        else:
            stopped = recording.stopped
    fresh = max(0, generated - stored)
    seconds = time.perf_counter() - begin
    return Traced(model, prompt, trace, generated, fresh, seconds, stopped)
