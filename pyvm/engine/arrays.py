"""Arrays across the C boundary: token ids as contiguous int32.

Enters: what a caller passed as tokens.  Leaves: an int32 array, and the pointer to it.  What pyvm
itself holds is an array of the standard library, so that a run needs no numpy.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pyvm.engine.abi import Tokens
from pyvm.engine.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import numpy as np

    Ints: TypeAlias = array[int]
else:
    Ints = array  # before Python 3.12 it takes no type

# int32: "i", or numpy's.
Ids: TypeAlias = "Ints | np.ndarray"


def token_array(tokens: Ids | Sequence[int], name: str = "tokens") -> Ids:
    """The ids as a contiguous int32 array: the given one where it is that, else a copy.

    Integers of every size and stride are taken, in arrays and in sequences.
    """
    if isinstance(tokens, array) and tokens.typecode == "i":
        return tokens
    import numpy as np

    if isinstance(tokens, (str, bytes)):
        raise ArgumentTypeError(
            f"{name} must be token ids, not text; pyvm.isa.tokens.parse makes ids of text"
        )
    given = tokens if isinstance(tokens, np.ndarray) else _as_array(tokens)
    if given.ndim != 1:
        raise ArgumentTypeError(
            f"{name} must be a one-dimensional sequence of integers, not {_described(tokens)}"
        )
    if given.dtype.kind not in "iu" and (given.size or given is tokens):
        # Beyond 64 bits numpy makes floats or objects of a sequence.
        if given is not tokens and all(type(token) is int for token in tokens):
            raise ArgumentError(f"{name} has a value that is no 32-bit integer")
        raise ArgumentTypeError(f"{name} must be integers, not {_described(tokens)}")
    if given.size and not np.can_cast(given.dtype, np.int32):
        if given.min() < -(2**31) or given.max() >= 2**31:
            raise ArgumentError(f"{name} has a value that is no 32-bit integer")
    return np.ascontiguousarray(given, dtype=np.int32)


def _as_array(tokens: Any) -> np.ndarray:
    import numpy as np

    try:
        return np.asarray(tokens)
    except (TypeError, ValueError, OverflowError):  # rows of several lengths, for example
        return np.empty(0, dtype=object).reshape(0, 0)


def _described(tokens: Any) -> str:
    import numpy as np

    if isinstance(tokens, np.ndarray):
        return f"an array of {tokens.dtype} with {tokens.ndim} dimensions"
    if isinstance(tokens, (list, tuple)):
        wrong = (t for t in tokens if isinstance(t, bool) or not isinstance(t, (int, np.integer)))
        return f"a {type(tokens).__name__} with a {type(next(wrong, None)).__name__}"
    return f"a {type(tokens).__name__}"


def pointer(ids: Ids) -> ctypes._Pointer[ctypes.c_int32]:
    """To the first id; the array must not grow before C is done with it."""
    address = ids.buffer_info()[0] if isinstance(ids, array) else ids.ctypes.data
    return ctypes.cast(address, Tokens)
