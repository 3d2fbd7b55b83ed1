"""Arrays across the C boundary: checked, never silently copied.

Enters: what a caller passed as tokens.  Leaves: an int32 array and the pointer to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pyvm.engine.abi import Tokens
from pyvm.engine.errors import ArgumentError


def token_array(tokens: np.ndarray | Sequence[int], name: str = "tokens") -> np.ndarray:
    """An array must be int32, one-dimensional and contiguous; a list is converted."""
    if not isinstance(tokens, np.ndarray):
        if isinstance(tokens, (str, bytes)):
            raise ArgumentError(
                f"{name} must be token ids; parse text with pyvm.program.tokens.parse"
            )
        try:
            given = np.asarray(tokens)
        except (TypeError, ValueError, OverflowError):
            given = np.empty(0, dtype=object)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise ArgumentError(f"{name} must be a sequence of integers")
        if given.size and (given.min() < -(2**31) or given.max() >= 2**31):
            raise ArgumentError(f"{name} has a value that is no 32-bit integer")
        return given.astype(np.int32)
    if tokens.dtype != np.int32:
        raise ArgumentError(f"{name} must be an int32 array, not {tokens.dtype}")
    if tokens.ndim != 1 or not tokens.flags.c_contiguous:
        raise ArgumentError(f"{name} must be a one-dimensional contiguous array")
    return tokens


def pointer(array: np.ndarray) -> Tokens:
    return array.ctypes.data_as(Tokens)
