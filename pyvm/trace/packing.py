"""Tokens and borders in few bytes.

Enters: 16-bit tokens, or the bytes of a border.  Leaves: the same compressed; or what was
compressed, whatever bytes are given.

Tokens below 256 are bytes, and a trace is mostly numbers of four bytes behind one other token.
What is alike is put together before zlib sees it, which then takes half of the time and makes two
thirds of the bytes.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

_WHOLE, _FAST = b"\0", b"\1"  # what is compressed: all, or what is much alike
_NUMBERS = 4  # that are looked for behind a token: more bytes than these have no columns
_SHORT = 1 << 12  # bytes: compressed as well as zlib can, which takes milliseconds


class TraceFileError(ValueError):
    """A file is no trace, or a damaged one, or does not belong to what is asked."""


def packed(tokens: np.ndarray, fast: bool = False) -> bytes:
    """Tokens compressed; less so if `fast`, in half of the time."""
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < 1 << 16:
        raise TraceFileError("a trace file has room for 65,536 different tokens")
    manifold, alike = _columns(tokens.astype(np.uint16, copy=False))
    if fast:
        return _FAST + manifold.tobytes() + deflated(alike.tobytes())
    return _WHOLE + deflated(manifold.tobytes() + alike.tobytes())


def unpacked(data: bytes, count: int, name: str) -> np.ndarray:
    """int32 ids."""
    form, bits = data[:1], (count + 7) // 8
    if form not in (_WHOLE, _FAST):
        raise TraceFileError(f"{name}: tokens in a form that is not known")
    content = data[1:] if form == _FAST else inflated(data[1:], _most(count), name)
    if len(content) < bits:
        raise _other_length(name)
    columns = np.frombuffer(content, dtype=np.uint8)
    places = _places(np.unpackbits(columns[:bits], count=count).view(np.bool_))
    begin = bits + places.numbers.size + places.rest.size
    manifold, alike = columns[bits:begin], columns[begin:]
    if form == _FAST:
        alike = np.frombuffer(inflated(alike.tobytes(), _most(count), name), dtype=np.uint8)
    return _from_columns(places, manifold, alike, count, name)


def deflated(data: bytes) -> bytes:
    """By zlib, without its head and its checksum: sections have digests."""
    level = 1 if len(data) > _SHORT else 9
    pack = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return pack.compress(data) + pack.flush()


def inflated(data: bytes, most: int, name: str) -> bytes:
    """The bytes that were compressed, which are no more than so many."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = unpack.decompress(data, most + 1)
    except zlib.error:
        raise TraceFileError(f"{name}: what was compressed is damaged") from None
    if len(out) > most or not unpack.eof or unpack.unused_data:
        raise _other_length(name)
    return out


def _other_length(name: str) -> TraceFileError:
    return TraceFileError(f"{name}: what was compressed has another length than it says")


def _most(count: int) -> int:
    """Bytes of all columns: less than three for each token."""
    return 3 * count + 2


class _Places(NamedTuple):
    """Where things are among the tokens: those of 256 and more, numbers of four bytes each, and
    bytes that belong to none."""

    others: np.ndarray
    numbers: np.ndarray
    rest: np.ndarray


def _places(is_other: np.ndarray) -> _Places:
    count = is_other.size
    is_byte = np.zeros(count + 4, dtype=np.bool_)
    is_byte[:count] = ~is_other
    four = is_byte.copy()  # that begin there
    four[:-3] &= is_byte[1:-2] & is_byte[2:-1] & is_byte[3:]
    begins = np.zeros(count + 4, dtype=np.bool_)
    begins[0] = True
    begins[1 : count + 1] = is_other
    begins &= four
    last = begins
    for _ in range(_NUMBERS - 1):
        following = np.zeros_like(four)
        np.logical_and(last[:-4], four[4:], out=following[4:])
        if not following.any():
            break
        begins |= following
        last = following
    in_none = is_byte
    for shift in range(4):
        in_none[shift:] &= ~begins[: count + 4 - shift]
    return _Places(*map(np.flatnonzero, (is_other, begins, in_none)))


def _fours(data: np.ndarray) -> np.ndarray:
    """The four bytes that begin at each place, as one number."""
    size = max(data.size - 3, 0)
    fours: np.ndarray = np.ndarray((size,), dtype="<u4", buffer=data, strides=(1,))
    return fours


def _columns(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens are others, the lowest bytes of numbers, the rest; and what is much alike: the
    high and the low bytes of others, which numbers are below 256, and what the others have more."""
    is_other = tokens > 255
    places = _places(is_other)
    low = tokens.astype(np.uint8)
    others = tokens.take(places.others)
    numbers = _fours(low).take(places.numbers)
    is_small = numbers < 256
    large = numbers.compress(~is_small)
    manifold = (np.packbits(is_other), _byte(numbers, 0), low.take(places.rest))
    alike = (_byte(others, 1), _byte(others, 0), np.packbits(is_small))
    more = (_byte(large, k) for k in (1, 2, 3))
    return np.concatenate(manifold), np.concatenate((*alike, *more))


def _byte(values: np.ndarray, k: int) -> np.ndarray:
    found: np.ndarray = (values >> (8 * k)).astype(np.uint8)
    return found


def _from_columns(
    places: _Places, manifold: np.ndarray, alike: np.ndarray, count: int, name: str
) -> np.ndarray:
    others, numbers = places.others.size, places.numbers.size
    flags = 2 * others + (numbers + 7) // 8
    if manifold.size != numbers + places.rest.size or alike.size < flags:
        raise _other_length(name)
    is_large = ~np.unpackbits(alike[2 * others : flags], count=numbers).view(np.bool_)
    large = np.flatnonzero(is_large)
    if alike.size != flags + 3 * large.size:
        raise _other_length(name)
    values = manifold[:numbers].astype("<u4")
    planes = alike[flags:].reshape(3, -1)
    high = sum(planes[k].astype(np.uint32) << (8 * k + 8) for k in range(3))
    values[large] |= high
    low = np.zeros(count, dtype=np.uint8)
    _fours(low)[places.numbers] = values
    low[places.rest] = manifold[numbers:]
    ids = low.astype(np.int32)
    ids[places.others] = alike[others : 2 * others] | alike[:others].astype(np.int32) << 8
    return ids
