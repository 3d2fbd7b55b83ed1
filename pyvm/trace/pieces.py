"""A trace in pieces, so that nothing grows with its length.

Enters: tokens.  Leaves: the same, in order, some megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CHUNK = 1 << 20


def in_pieces(tokens: Any, begin: int) -> Iterator[Any]:
    """tokens[begin:], of an array of any kind: its pieces are such arrays."""
    for first in range(begin, len(tokens), CHUNK):
        yield tokens[first : first + CHUNK]
