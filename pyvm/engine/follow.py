"""Follows a trace: where its program and its prompt end, what it writes, where its cursor is.

Enters: a vocabulary; tokens, chunk by chunk.  Leaves: what is written, in order; positions, cursor
and open calls so far.  libtvm reads each token once, by a table of what the tokens mean.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from pyvm.engine import abi
from pyvm.engine.arrays import is_narrow, pointer
from pyvm.engine.library import check, library
from pyvm.isa.tokens import END_OF_INPUT, TOKENS, Kind

if TYPE_CHECKING:
    from pyvm.engine.arrays import Ids

_FLAGS = {
    Kind.BYTE: abi.TOKEN_BYTE,
    Kind.OUTPUT: abi.TOKEN_OUTPUT,
    Kind.ERROR: abi.TOKEN_ERROR,
    Kind.CLOSE: abi.TOKEN_BEGINS,
    Kind.START: abi.TOKEN_BEGINS,
}
_CALLS = {Kind.CALL_COMMIT: 1, Kind.RETURN_COMMIT: -1}
_CHUNK = 1 << 20


class Follower:
    """Feed it all tokens in order, from the prompt's first on, or from the first behind it."""

    def __init__(self, vocabulary: tuple[str, ...], stop: int = -1):
        """`stop`: the id that ends a run, where it matters."""
        self._meanings = _meanings(vocabulary, stop)
        self._state = abi.Followed(stop=-1)

    def feed(self, tokens: Ids, first: int = 0) -> Iterator[tuple[bool, bytes]]:
        """Reads tokens[first:], and gives what they write: (is it the error stream, bytes)."""
        begin, count = pointer(tokens), len(tokens)
        address = ctypes.cast(begin, ctypes.c_void_p).value or 0
        follow = library().tvm_follow16 if is_narrow(tokens) else library().tvm_follow
        written = ctypes.create_string_buffer(max(1, min(count - first, _CHUNK)))
        used, size = ctypes.c_size_t(), ctypes.c_size_t()
        while first < count:
            status = follow(
                self._meanings,
                len(self._meanings),
                ctypes.cast(address + first * tokens.itemsize, type(begin)),
                min(count - first, _CHUNK),
                ctypes.byref(self._state),
                written,
                ctypes.byref(size),
                ctypes.byref(used),
            )
            check(status)
            first += used.value
            if size.value:
                is_error = self._state.stream == abi.TOKEN_ERROR
                yield is_error, ctypes.string_at(written, size.value)

    def read(self, tokens: Ids, first: int = 0) -> Follower:
        """Feeds them; what they write does not matter."""
        for _ in self.feed(tokens, first):
            pass
        return self

    @property
    def begin(self) -> int:
        """The position behind the program (or behind `start`); 0 where there is none."""
        return int(self._state.begin)

    @property
    def prompt_end(self) -> int:
        """The position behind the prompt: the generated part of a whole trace begins there."""
        return int(self._state.prompt)

    @property
    def stop(self) -> int | None:
        """The position of the first stop token behind it."""
        return int(self._state.stop) if self._state.stop >= 0 else None

    @property
    def cursor(self) -> int:
        """The index of the next instruction (of the `halt`, once halted)."""
        return int(self._state.cursor)

    @property
    def deepest(self) -> int:
        """As many calls were open at once."""
        return int(self._state.deepest)


def output_bytes(tokens: Ids, vocabulary: tuple[str, ...], first: int = 0) -> bytes:
    """What the out(..) tokens among tokens[first:] write, in order."""
    return _written(tokens, vocabulary, first, False)


def error_bytes(tokens: Ids, vocabulary: tuple[str, ...], first: int = 0) -> bytes:
    """What the err(..) tokens among tokens[first:] write, in order."""
    return _written(tokens, vocabulary, first, True)


def _written(tokens: Ids, vocabulary: tuple[str, ...], first: int, errors: bool) -> bytes:
    written = Follower(vocabulary).feed(tokens, first)
    return b"".join(data for is_error, data in written if is_error is errors)


def first_stop(tokens: Ids, first: int, vocabulary: tuple[str, ...], stop: int) -> int | None:
    """The position of the first stop token behind the prompt; where that is none of the token
    language, from `first` on.  Of a whole run it is the last token."""
    found = Follower(vocabulary, stop).read(tokens)
    if found.prompt_end > 0:
        return found.stop
    at = Follower(vocabulary, stop).read(tokens, first).stop
    return None if at is None else first + at


@lru_cache(maxsize=8)
def _meanings(vocabulary: tuple[str, ...], stop: int) -> ctypes.Array[abi.TokenMeaning]:
    """An entry for each id; of a token of another machine nothing is known."""
    known, nothing = _known(), bytes(4)
    entries = bytearray().join([known.get(spelling, nothing) for spelling in vocabulary])
    if stop >= 0:
        entries[4 * stop] |= abi.TOKEN_STOP
    return (abi.TokenMeaning * len(vocabulary)).from_buffer(entries)


@lru_cache(maxsize=1)
def _known() -> dict[str, bytes]:
    """By spelling: flags, byte, rows, calls."""
    found = {}
    for kind, tokens in groupby(TOKENS.values(), attrgetter("kind")):
        if kind is Kind.SCRATCH:  # two of three tokens, and nothing here
            continue
        of_kind, calls = _FLAGS.get(kind, 0), _CALLS.get(kind, 0) & 255
        for token in tokens:
            flags = of_kind | (abi.TOKEN_JUMPS if token.jumps else 0)
            found[token.spelling] = bytes((flags, token.value & 255, token.rows, calls))
    end = bytearray(found[END_OF_INPUT])
    end[0] |= abi.TOKEN_PROMPT
    found[END_OF_INPUT] = bytes(end)
    return found
