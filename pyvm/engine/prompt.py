"""What a caller asks to run, as a prompt: a compiled program, or token ids.

Enters: a Program or ids, and a vocabulary.  Leaves: `Prompt`: the ids, and what is known of the
program, so that the end of a run can be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from pyvm.engine.arrays import Ids, narrowed, token_array
from pyvm.engine.follow import Follower
from pyvm.engine.run import ending
from pyvm.isa.program import Program
from pyvm.isa.prompt import Listing
from pyvm.isa.tokens import VOCABULARY
from pyvm.isa.traps import TrapSite, trap_kind
from pyvm.trace.pieces import in_pieces


class Prompt(NamedTuple):
    """tokens: ids; program: the compiled program, None when only ids were given."""

    tokens: Ids
    program: Program | None

    def end(
        self, tokens: Ids, vocabulary: tuple[str, ...], stop: int
    ) -> tuple[int | None, TrapSite | None]:
        """The cursor where a run ended, and its trap if it halted at one."""
        begin = len(self.tokens)
        last = tokens[max(begin, len(tokens) - 2) :]
        return self.end_of(last, lambda: in_pieces(tokens, begin), vocabulary, stop)

    def end_of(
        self,
        last: Ids,
        generated: Callable[[], Iterable[Ids]],
        vocabulary: tuple[str, ...],
        stop: int,
    ) -> tuple[int | None, TrapSite | None]:
        """The same of a run in pieces, of whose generated tokens the last two are at hand.

        The cursor is None when the tokens are no trace of a program that is known.
        """
        halted = len(last) > 0 and last[-1] == stop
        kind = ending(last, 0, vocabulary)[0] if halted else None
        listing = self.program.listing if self.program is not None else self._listing(vocabulary)
        if listing is None:
            return None, None if kind is None else TrapSite(kind)
        follower = Follower(vocabulary).read(self.tokens)
        begin = follower.begin
        for piece in generated():
            follower.read(piece)
        cursor = follower.cursor
        if not halted:
            return cursor, None

        def calls() -> list[int]:
            import numpy as np

            from pyvm.isa.classes import token_classes
            from pyvm.trace.reader import open_calls

            trace = map(np.asarray, chain((self.tokens[begin:],), generated()))
            return open_calls(trace, token_classes(vocabulary))

        if self.program is not None:
            if kind is None:
                return cursor, self.program.trap_at(cursor, calls)
            return cursor, self.program.site(kind, cursor, calls)
        if kind is None and 0 <= cursor < len(listing) and listing.name(cursor) == "halt":
            kind = trap_kind(listing.immediate(cursor))
        return cursor, None if kind is None else TrapSite(kind)

    def _listing(self, vocabulary: tuple[str, ...]) -> Listing | None:
        """The program that the ids begin with."""
        import numpy as np

        from pyvm.isa.prompt import read_listing

        return read_listing(np.asarray(self.tokens), vocabulary)


def prompt_of(program: Program | Ids | Sequence[int], vocabulary: tuple[str, ...]) -> Prompt:
    """Ids are taken as they are; a Program is spelled in `vocabulary`."""
    if not isinstance(program, Program):
        return Prompt(narrowed(token_array(program), len(vocabulary)), None)
    if vocabulary == VOCABULARY:
        return Prompt(narrowed(program.ids(), len(vocabulary)), program)
    from pyvm.isa.prompt import spelled_in

    return Prompt(narrowed(spelled_in(program.tokens(), vocabulary), len(vocabulary)), program)
