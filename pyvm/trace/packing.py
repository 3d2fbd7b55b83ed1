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
_BLOCK = 1 << 16  # tokens at once, so that what is made on the way stays in the caches
_NUMBERS = 4  # that are looked for behind a token: more bytes than these have no columns
_SHORT = 1 << 12  # bytes: compressed as well as zlib can, which takes milliseconds


class TraceFileError(ValueError):
    """A file is no trace, or a damaged one, or does not belong to what is asked."""


def packed(tokens: np.ndarray, fast: bool = False) -> bytes:
    """Tokens compressed; less so if `fast`, in half of the time."""
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < 1 << 16:
        raise TraceFileError("a trace file has room for 65,536 different tokens")
    alike, manifold = _columns(tokens.astype(np.uint16, copy=False))
    if fast:
        return _FAST + deflated(alike) + manifold
    return _WHOLE + deflated(alike) + deflated(manifold)


def unpacked(data: bytes, count: int, name: str) -> np.ndarray:
    """int32 ids."""
    form, most = data[:1], 3 * count + 2  # bytes of all columns: less than three for each token
    if form not in (_WHOLE, _FAST):
        raise TraceFileError(f"{name}: tokens in a form that is not known")
    alike, manifold = _inflated(data[1:], most, name)
    if form == _WHOLE:
        manifold = inflated(manifold, most, name)
    return _from_columns(_Column.of(alike, name), _Column.of(manifold, name), count)


def deflated(data: bytes) -> bytes:
    """By zlib, without its head and its checksum: sections have digests."""
    level = 1 if len(data) > _SHORT else 9
    pack = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return pack.compress(data) + pack.flush()


def inflated(data: bytes, most: int, name: str) -> bytes:
    """The bytes that were compressed, which are no more than so many."""
    out, more = _inflated(data, most, name)
    if more:
        raise _other_length(name)
    return out


def _inflated(data: bytes, most: int, name: str) -> tuple[bytes, bytes]:
    """The same, and what follows."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = unpack.decompress(data, most + 1)
    except zlib.error:
        raise TraceFileError(f"{name}: what was compressed is damaged") from None
    if len(out) > most or not unpack.eof:
        raise _other_length(name)
    return out, unpack.unused_data


def _other_length(name: str) -> TraceFileError:
    return TraceFileError(f"{name}: what was compressed has another length than it says")


class _Column:
    """Bytes that are taken from the first to the last."""

    def __init__(self, data: np.ndarray, name: str):
        self._data, self._name = data, name

    @classmethod
    def of(cls, data: bytes, name: str) -> _Column:
        return cls(np.frombuffer(data, dtype=np.uint8), name)

    def take(self, size: int) -> np.ndarray:
        if size > self._data.size:
            raise _other_length(self._name)
        found, self._data = self._data[:size], self._data[size:]
        return found

    def column(self, size: int) -> _Column:
        return _Column(self.take(size), self._name)

    def end(self) -> None:
        if self._data.size:
            raise _other_length(self._name)


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


def _columns(tokens: np.ndarray) -> tuple[bytes, bytes]:
    """What is much alike: the high bytes of others, their low bytes; for each block which numbers
    are below 256, and what the others have more.  And what is not: which tokens are others; for
    each block the lowest bytes of its numbers, and the rest."""
    bits, high, low, numbers, more = [], [], [], [], []
    for first in range(0, tokens.size, _BLOCK):
        block = tokens[first : first + _BLOCK]
        is_other = block > 255
        places = _places(is_other)
        others, lowest = block.take(places.others), block.astype(np.uint8)
        first_bytes, *others_of_four = (lowest.take(places.numbers + k) for k in range(4))
        is_large = np.bitwise_or.reduce(others_of_four) != 0
        bits.append(np.packbits(is_other))
        high.append((others >> 8).astype(np.uint8))
        low.append(others.astype(np.uint8))
        numbers += [np.packbits(~is_large), *(byte.compress(is_large) for byte in others_of_four)]
        more += [first_bytes, lowest.take(places.rest)]
    return _together(*high, *low, *numbers), _together(*bits, *more)


def _together(*columns: np.ndarray) -> bytes:
    return b"".join(column.tobytes() for column in columns)


def _from_columns(alike: _Column, manifold: _Column, count: int) -> np.ndarray:
    bits = manifold.take((count + 7) // 8)
    others = int(np.count_nonzero(np.unpackbits(bits)))
    high, low = alike.column(others), alike.column(others)
    ids = np.empty(count, dtype=np.int32)
    for first in range(0, count, _BLOCK):
        block = ids[first : first + _BLOCK]
        some = bits[first // 8 : (first + _BLOCK) // 8]
        places = _places(np.unpackbits(some, count=block.size).view(np.bool_))
        size = places.numbers.size
        is_small = np.unpackbits(alike.take((size + 7) // 8), count=size).view(np.bool_)
        large = places.numbers.compress(~is_small)
        lowest = np.zeros(block.size, dtype=np.uint8)
        lowest[places.numbers] = manifold.take(size)
        for k in (1, 2, 3):
            lowest[large + k] = alike.take(large.size)
        lowest[places.rest] = manifold.take(places.rest.size)
        block[:] = lowest
        more = places.others.size
        block[places.others] = low.take(more) | high.take(more).astype(np.int32) << 8
    for column in (high, low, alike, manifold):
        column.end()
    return ids
