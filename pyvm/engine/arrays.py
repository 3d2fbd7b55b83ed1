"""Arrays across the C boundary: token ids, contiguous, of 16 or of 32 bits.

Enters: what a caller passed as tokens.  Leaves: an array, and the pointer to it.  What pyvm
itself holds is an array of the standard library, so that a run needs no numpy; it has 16 bits
where they number the vocabulary.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pyvm.engine.abi import Tokens, Tokens16
from pyvm.engine.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import numpy as np

    Ints: TypeAlias = array[int]
else:
    Ints = array  # before Python 3.12 it takes no type

# uint16 or int32: "H", "i", or numpy's.
Ids: TypeAlias = "Ints | np.ndarray"


def token_array(tokens: Ids | Sequence[int], name: str = "tokens") -> Ids:
    """The ids as a contiguous array of uint16 or int32: the given one where it is that, else a copy
    in int32.

    Integers of every size and stride are taken, in arrays and in sequences.
    """
    if isinstance(tokens, array) and tokens.typecode in "iH":
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
    if given.dtype == np.uint16:
        return np.ascontiguousarray(given, dtype=np.uint16)
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


def pointer(ids: Ids) -> Any:
    """To the first id; the array must not grow before C is done with it."""
    address = ids.buffer_info()[0] if isinstance(ids, array) else ids.ctypes.data
    return ctypes.cast(address, Tokens16 if is_narrow(ids) else Tokens)


def is_narrow(ids: Ids) -> bool:
    """Whether the ids have 16 bits: for the functions of C that end in 16."""
    return ids.itemsize == 2


def narrowed(ids: Ids, vocabulary_size: int) -> Ids:
    """The same in 16 bits, where these number the vocabulary and each id; in 32 where they do not
    number the vocabulary, as C then takes no others."""
    if vocabulary_size > 1 << 16:
        return widened(ids)
    if is_narrow(ids):
        return ids
    wide = ids.tobytes()  # little endian, as all machines are that libtvm is built for
    if any(wide[2::4]) or any(wide[3::4]):
        return ids
    narrow = bytearray(len(wide) // 2)
    narrow[0::2], narrow[1::2] = wide[0::4], wide[1::4]
    return array("H", bytes(narrow))


def widened(ids: Ids) -> Ids:
    """The same in 32 bits: for functions of C that take no others."""
    if not is_narrow(ids):
        return ids
    narrow = ids.tobytes()
    wide = bytearray(2 * len(narrow))
    wide[0::4], wide[1::4] = narrow[0::2], narrow[1::2]
    return array("i", bytes(wide))
