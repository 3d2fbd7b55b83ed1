"""Takes the tokens that a run hands over, chunk by chunk, and passes them on.

Enters: chunks on the C callback.  Leaves: all tokens in one array; the exception that a caller's
function raised inside the callback (C must not see it), to be raised again when the run is over.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from pyvm.engine.abi import Callback
from pyvm.engine.errors import ArgumentTypeError, OutOfMemory
from pyvm.engine.signals import RAISING

OnTokens = Callable[[np.ndarray], object]
_INT32 = ctypes.sizeof(ctypes.c_int32)


class Collector:
    """`on_tokens` sees each chunk, as an array of its own, and stops by returning True.

    `with collector:` goes around the call of C.  There Ctrl-C (and a command's SIGTERM) is noted
    and stops the run at the next chunk: an exception that Python raised before the callback's first
    line would be lost.
    Without `keep`, chunks are passed on and forgotten.
    """

    def __init__(self, prompt: np.ndarray, on_tokens: OnTokens | None, keep: bool = True):
        if on_tokens is not None and not callable(on_tokens):
            raise ArgumentTypeError(f"on_tokens must be a function, not {on_tokens!r}")
        self._tokens = np.empty(max(2 * prompt.size, 1 << 14), dtype=np.int32)
        self._tokens[: prompt.size] = prompt
        self._count = prompt.size
        self._prompt_size = prompt.size
        self._keep = keep
        self._on_tokens = on_tokens
        self._in_caller = False
        self._interrupted = 0  # by this signal
        self.generated = 0  # tokens, those included that were not kept
        self.error: BaseException | None = None
        self.callback = Callback(self._receive)  # kept here for as long as C may call it

    def __enter__(self) -> Collector:
        # Only the main thread gets signals, and a handler of the caller's own stays in force.
        in_main = threading.current_thread() is threading.main_thread()
        self._handlers: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM) if in_main else ():
            if (handler := signal.getsignal(number)) in RAISING:
                self._handlers[number] = handler
                signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._interrupted and self.error is None:
            try:
                self._handlers[self._interrupted](self._interrupted, None)
            except KeyboardInterrupt as error:
                self.error = error

    def _interrupt(self, number: int, frame: object) -> None:
        self._interrupted = number
        if self._in_caller:  # which may be waiting for something
            self._handlers[number](number, frame)

    def _receive(self, user: object, tokens: ctypes._Pointer[ctypes.c_int32], count: int) -> int:
        try:
            first, self._count = self._count, self._count + count
            if self._count > self._tokens.size:
                self._grow()
            address = ctypes.addressof(tokens.contents)
            ctypes.memmove(self._tokens.ctypes.data + first * _INT32, address, count * _INT32)
            self.generated += count
            stop = self._on_tokens is not None and self._tell_caller(self._on_tokens, first)
            if not self._keep:
                self._count = self._prompt_size
            return int(stop or self._interrupted != 0)
        except BaseException as error:
            self.error = error
            return 1

    def _grow(self) -> None:
        try:
            # realloc copies no page of a large block; half more each time bounds the waste.
            self._tokens.resize(self._count + self._count // 2, refcheck=False)
        except MemoryError:
            raise OutOfMemory(f"memory ran out after {self.generated:,} generated tokens") from None

    def _tell_caller(self, on_tokens: OnTokens, first: int) -> bool:
        try:
            self._in_caller = True
            return on_tokens(self._tokens[first : self._count].copy()) is True
        finally:
            self._in_caller = False

    def finish(self) -> np.ndarray:
        """All tokens that were kept; the collector is used up."""
        tokens = self._tokens
        tokens.resize(self._count, refcheck=False)
        return tokens
