"""Takes the tokens that a run hands over, chunk by chunk, and passes them on.

Enters: chunks on the C callback.  Leaves: all tokens in one array; the exception that a caller's
function raised inside the callback (C must not see it), to be raised again when the run is over.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyvm.engine.abi import Callback
from pyvm.engine.arrays import Ints, is_narrow
from pyvm.engine.errors import ArgumentTypeError, OutOfMemory
from pyvm.engine.signals import RAISING

if TYPE_CHECKING:
    from pyvm.engine.arrays import Ids

OnTokens = Callable[[Ints], object]


class Collector:
    """`on_tokens` sees each chunk, as an array of its own, and stops by returning True.

    `with collector:` goes around the call of C.  There Ctrl-C (and a command's SIGTERM) is noted
    and stops the run at the next chunk: an exception that Python raised before the callback's first
    line would be lost.
    Without `keep`, chunks are passed on and forgotten.  Tokens have as many bits as the prompt's.
    """

    def __init__(self, prompt: Ids, on_tokens: OnTokens | None, keep: bool = True):
        if on_tokens is not None and not callable(on_tokens):
            raise ArgumentTypeError(f"on_tokens must be a function, not {on_tokens!r}")
        self._code = "H" if is_narrow(prompt) else "i"
        self._tokens = array(self._code, prompt.tobytes())
        self._keep = keep
        self._on_tokens = on_tokens
        self._in_caller = False
        self._interrupted = 0  # by this signal
        self.generated = 0  # tokens, those included that were not kept
        self.error: BaseException | None = None

    def __enter__(self) -> Collector:
        # C may call it until `with` ends. It refers to the collector, which must not wait for the
        # garbage collector afterwards: its tokens are most of a long run's memory.
        self.callback = Callback(self._receive)
        # Only the main thread gets signals, and a handler of the caller's own stays in force.
        in_main = threading.current_thread() is threading.main_thread()
        self._handlers: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM) if in_main else ():
            if (handler := signal.getsignal(number)) in RAISING:
                self._handlers[number] = handler
                signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        del self.callback
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

    def _receive(self, user: object, tokens: int, count: int) -> int:
        try:
            # C's memory, which is valid until this returns.
            chunk = (ctypes.c_char * (count * self._tokens.itemsize)).from_address(tokens)
            if self._keep:
                self._add(chunk)
            self.generated += count
            stop = self._on_tokens is not None and self._tell_caller(self._on_tokens, chunk)
            return int(stop or self._interrupted != 0)
        except BaseException as error:
            self.error = error
            return 1

    def _add(self, chunk: ctypes.Array[ctypes.c_char]) -> None:
        try:
            self._tokens.frombytes(chunk)
        except MemoryError:
            raise OutOfMemory(f"memory ran out after {self.generated:,} generated tokens") from None

    def _tell_caller(self, on_tokens: OnTokens, chunk: ctypes.Array[ctypes.c_char]) -> bool:
        tokens = array(self._code)
        tokens.frombytes(chunk)
        try:
            self._in_caller = True
            return on_tokens(tokens) is True
        finally:
            self._in_caller = False

    def finish(self) -> Ints:
        """All tokens that were kept."""
        return self._tokens
