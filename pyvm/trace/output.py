"""What a trace writes: the output, and the error stream.

Enters: generated tokens, in chunks of any size.  Leaves: bytes.
"""

from __future__ import annotations

import numpy as np

from pyvm.isa.classes import token_classes

CHUNK = 1 << 20


def output_bytes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> bytes:
    """What the out(..) tokens among `tokens` write, in order."""
    return _written(tokens, token_classes(vocabulary).output)


def error_bytes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> bytes:
    """What the err(..) tokens among `tokens` write, in order."""
    return _written(tokens, token_classes(vocabulary).error)


def _written(tokens: np.ndarray, byte: np.ndarray) -> bytes:
    """`byte`: by token, -1 for those that write nothing."""
    parts = []
    for first in range(0, tokens.size, CHUNK):
        written = byte[tokens[first : first + CHUNK]]
        parts.append(written[written >= 0].astype(np.uint8).tobytes())
    return b"".join(parts)
