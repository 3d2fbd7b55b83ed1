"""Ends runs whose calls go deeper than any sensible program's: endless recursion has no other end,
as the machine's call stack has no limit of its own.

Enters: what follows the generated tokens.  Leaves: whether the limit is exceeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvm.engine.follow import Follower

DEFAULT = 100_000  # other engines give up at some thousand to some ten thousand


def too_deep(follower: Follower, limit: int) -> bool:
    """Whether more than `limit` calls were open at once (0: no limit)."""
    return 0 < limit < follower.deepest
