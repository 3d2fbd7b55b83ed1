"""Takes the tokens that a run hands over, chunk by chunk, and passes them on.

Enters: chunks on the C callback.  Leaves: all tokens in one array; the exception that a caller's
function raised inside the callback (C must not see it), to be raised again when the run is over.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from pyvm.engine.abi import Callback

OnTokens = Callable[[np.ndarray], object]
_INT32 = ctypes.sizeof(ctypes.c_int32)


class Collector:
    """`on_tokens` sees each chunk, as an array of its own, and stops by returning True."""

    def __init__(self, prompt: np.ndarray, on_tokens: OnTokens | None):
        self._tokens = np.empty(max(2 * prompt.size, 1 << 14), dtype=np.int32)
        self._tokens[: prompt.size] = prompt
        self._count = prompt.size
        self._on_tokens = on_tokens
        self.error: BaseException | None = None
        self.callback = Callback(self._receive)  # kept here for as long as C may call it

    def _receive(self, user, tokens, count: int) -> int:
        # KeyboardInterrupt too: Python delivers it while this function runs.
        try:
            first, self._count = self._count, self._count + count
            if self._count > self._tokens.size:
                # realloc copies no page of a large block; half more each time bounds the waste.
                self._tokens.resize(self._count + self._count // 2, refcheck=False)
            address = ctypes.addressof(tokens.contents)
            ctypes.memmove(self._tokens.ctypes.data + first * _INT32, address, count * _INT32)
            if self._on_tokens is not None:
                return int(self._on_tokens(self._tokens[first : self._count].copy()) is True)
            return 0
        except BaseException as error:
            self.error = error
            return 1

    def finish(self) -> np.ndarray:
        """All tokens; the collector is used up."""
        tokens = self._tokens
        tokens.resize(self._count, refcheck=False)
        return tokens
