"""Ends runs whose calls go deeper than any sensible program's: endless recursion has no other end,
as the machine's call stack has no limit of its own.

Enters: chunks of generated tokens.  Leaves: whether the limit is exceeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DEFAULT = 100_000  # other engines give up at some thousand to some ten thousand


class CallDepth:
    """`on_tokens` returns True once the calls are deeper than `limit` (0: no limit)."""

    def __init__(self, vocabulary: tuple[str, ...], limit: int):
        from pyvm.isa.classes import token_classes

        self.limit, self.depth, self.exceeded = limit, 0, False
        self._change = token_classes(vocabulary).call_delta

    def on_tokens(self, tokens: np.ndarray) -> bool:
        changes = self._change[tokens]
        changes = changes[changes != 0]
        if self.limit and changes.size:
            depths = self.depth + changes.cumsum(dtype="int64")
            self.depth = int(depths[-1])
            self.exceeded = self.exceeded or int(depths.max()) > self.limit
        return self.exceeded
