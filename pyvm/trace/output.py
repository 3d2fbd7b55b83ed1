"""The output bytes of a trace.

Enters: generated tokens, in chunks of any size.  Leaves: bytes.
"""

from __future__ import annotations

import numpy as np

from pyvm.isa.classes import token_classes

CHUNK = 1 << 20


def output_bytes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> bytes:
    """What the out(..) tokens among `tokens` write, in order."""
    output = token_classes(vocabulary).output
    parts = []
    for first in range(0, tokens.size, CHUNK):
        written = output[tokens[first : first + CHUNK]]
        parts.append(written[written >= 0].astype(np.uint8).tobytes())
    return b"".join(parts)
