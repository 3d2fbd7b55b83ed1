"""What was done on the way, for whoever wants to hear it: what was compiled, what was kept.

Enters: one sentence, from wherever something is done.  Leaves: the sentence, at the listener; in a
program that has none, nothing is heard.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

listener: Callable[[str], None] | None = None


def note(sentence: str) -> None:
    if listener is not None:
        listener(sentence)
