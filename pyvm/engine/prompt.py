"""What a caller asks to run, as a prompt: a compiled program, or token ids.

Enters: a Program or ids, and a vocabulary.  Leaves: `Prompt`: the ids, and what is known of the
program, so that the end of a run can be explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pyvm.engine.arrays import token_array
from pyvm.isa.classes import token_classes
from pyvm.isa.program import Program
from pyvm.isa.prompt import read_listing, spelled_in, trace_begin
from pyvm.isa.tokens import VOCABULARY
from pyvm.isa.traps import TrapSite, trap_kind
from pyvm.trace.reader import ending, final_cursor


@dataclass(frozen=True)
class Prompt:
    """tokens: ids; program: the compiled program, None when only ids were given."""

    tokens: np.ndarray
    program: Program | None

    def end(
        self, tokens: np.ndarray, vocabulary: tuple[str, ...], stop: int
    ) -> tuple[int | None, TrapSite | None]:
        """The cursor where a run ended, and its trap if it halted at one.

        The cursor is None when the tokens are no trace of a program.
        """
        listing = read_listing(self.tokens, vocabulary)
        if listing is None and self.program is None:
            return None, None
        classes = token_classes(vocabulary)
        cursor = final_cursor(tokens, trace_begin(self.tokens, classes), classes)
        if tokens.size == self.tokens.size or tokens[-1] != stop:
            return cursor, None
        kind, _ = ending(tokens, self.tokens.size, classes)
        if kind is not None:
            known = self.program
            return cursor, known.site(kind, cursor) if known is not None else TrapSite(kind)
        if self.program is not None:
            return cursor, self.program.trap_at(cursor)
        if listing is None or not 0 <= cursor < len(listing):
            return cursor, None
        kind = trap_kind(int(listing.immediates[cursor]))
        return cursor, None if kind is None else TrapSite(kind)


def prompt_of(program: Program | np.ndarray | Sequence[int], vocabulary: tuple[str, ...]) -> Prompt:
    """Ids are taken as they are; a Program is spelled in `vocabulary`."""
    if not isinstance(program, Program):
        return Prompt(token_array(program), None)
    ids = program.tokens()
    if vocabulary == VOCABULARY:
        return Prompt(ids, program)
    return Prompt(spelled_in(ids, vocabulary), program)
