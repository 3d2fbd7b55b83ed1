"""What a caller asks to run, as a prompt: a compiled program, or token ids.

Enters: a Program or ids, and a vocabulary.  Leaves: `Prompt`: the ids, and what is known of the
program, so that the end of a run can be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from pyvm.engine.arrays import token_array
from pyvm.isa.classes import token_classes
from pyvm.isa.program import Program
from pyvm.isa.prompt import read_listing, spelled_in, trace_begin
from pyvm.isa.tokens import VOCABULARY
from pyvm.isa.traps import TrapSite, trap_kind
from pyvm.trace.reader import ending, final_cursor, in_pieces, open_calls


@dataclass(frozen=True)
class Prompt:
    """tokens: ids; program: the compiled program, None when only ids were given."""

    tokens: np.ndarray
    program: Program | None

    def end(
        self, tokens: np.ndarray, vocabulary: tuple[str, ...], stop: int
    ) -> tuple[int | None, TrapSite | None]:
        """The cursor where a run ended, and its trap if it halted at one."""
        begin = self.tokens.size
        return self.end_of(tokens[begin:][-2:], lambda: in_pieces(tokens, begin), vocabulary, stop)

    def end_of(
        self,
        last: np.ndarray,
        generated: Callable[[], Iterable[np.ndarray]],
        vocabulary: tuple[str, ...],
        stop: int,
    ) -> tuple[int | None, TrapSite | None]:
        """The same of a run in pieces, of whose generated tokens the last two are at hand.

        The cursor is None when the tokens are no trace of a program that is known.
        """
        classes = token_classes(vocabulary)
        halted = last.size > 0 and last[-1] == stop
        kind = ending(last, 0, classes)[0] if halted else None
        listing = read_listing(self.tokens, vocabulary)
        if listing is None and self.program is None:
            return None, None if kind is None else TrapSite(kind)
        begin = trace_begin(self.tokens, classes)

        def trace() -> Iterable[np.ndarray]:
            return chain((self.tokens[begin:],), generated())

        cursor = final_cursor(trace(), classes)
        if not halted:
            return cursor, None
        if self.program is not None:
            program = self.program

            def calls() -> list[int]:
                return open_calls(trace(), classes)

            if kind is None:
                return cursor, program.trap_at(cursor, calls)
            return cursor, program.site(kind, cursor, calls)
        if kind is None and listing is not None and 0 <= cursor < len(listing):
            if listing.name(cursor) == "halt":
                kind = trap_kind(listing.immediate(cursor))
        return cursor, None if kind is None else TrapSite(kind)


def prompt_of(program: Program | np.ndarray | Sequence[int], vocabulary: tuple[str, ...]) -> Prompt:
    """Ids are taken as they are; a Program is spelled in `vocabulary`."""
    if not isinstance(program, Program):
        return Prompt(token_array(program), None)
    ids = program.tokens()
    if vocabulary == VOCABULARY:
        return Prompt(ids, program)
    return Prompt(spelled_in(ids, vocabulary), program)
