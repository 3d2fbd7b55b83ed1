"""What a trace writes: the output, and the error stream.

Enters: generated tokens, in chunks of any size.  Leaves: bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pyvm.isa.classes import token_classes

CHUNK = 1 << 20


def output_bytes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> bytes:
    """What the out(..) tokens among `tokens` write, in order."""
    return _written(tokens, token_classes(vocabulary).output)


def error_bytes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> bytes:
    """What the err(..) tokens among `tokens` write, in order."""
    return _written(tokens, token_classes(vocabulary).error)


def writes(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> Iterator[tuple[bool, bytes]]:
    """What `tokens` write on both streams, in order: (is it the error stream, bytes)."""
    classes = token_classes(vocabulary)
    on_errors = classes.error[tokens] >= 0
    if not on_errors.any():
        written = output_bytes(tokens, vocabulary)
        if written:
            yield False, written
        return
    either = np.maximum(classes.output, classes.error)[tokens]
    at = np.flatnonzero(either >= 0)
    changes = np.flatnonzero(np.diff(on_errors[at])) + 1
    for part in np.split(at, changes):
        yield bool(on_errors[part[0]]), either[part].astype(np.uint8).tobytes()


def _written(tokens: np.ndarray, byte: np.ndarray) -> bytes:
    """`byte`: by token, -1 for those that write nothing."""
    parts = []
    for first in range(0, tokens.size, CHUNK):
        written = byte[tokens[first : first + CHUNK]]
        parts.append(written[written >= 0].astype(np.uint8).tobytes())
    return b"".join(parts)
