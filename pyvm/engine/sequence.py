"""A run that is kept between calls: piece by piece, saved and restored as borders.

Enters: a model and a prompt; tokens, borders.  Leaves: pieces of tokens, verdicts, borders (tvm.h).
"""

from __future__ import annotations

import ctypes
from array import array
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from pyvm.engine import abi
from pyvm.engine.arrays import Ints, pointer, token_array, widened
from pyvm.engine.collector import Collector
from pyvm.engine.errors import ClosedError
from pyvm.engine.generating import check_run
from pyvm.engine.library import check, library
from pyvm.engine.options import make_options

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.trace.format import State


class Sequence:
    """Not for several threads at once.  Closed by close() or `with`; the model stays in use until
    then.

    Attributes:
        stopped: of the last piece: "halt", "limit" or "callback"; "" before the first.
        covered: positions that a kernel has run.
    """

    def __init__(self, model: Model, prompt: np.ndarray, **options: str | int):
        settings = make_options("sequence", options)
        self._dtype = np.uint16 if model.vocabulary_size <= 1 << 16 else np.int32
        ids = widened(token_array(prompt, "prompt"))
        self._handle: ctypes.c_void_p | None = None
        self._stack = ExitStack()
        self.stopped = ""
        self.covered = 0
        handle = ctypes.c_void_p()
        with ExitStack() as stack:
            model_handle = stack.enter_context(model._use())
            status = library().tvm_run_open(
                model_handle,
                pointer(ids),
                len(ids),
                ctypes.byref(settings),
                ctypes.byref(handle),
            )
            check(status)
            stack.callback(library().tvm_run_close, handle)
            self._stack = stack.pop_all()
        self._handle = handle

    def close(self) -> None:
        self._handle = None
        self._stack.close()

    def __enter__(self) -> Sequence:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _open(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ClosedError("this run is already closed")
        return self._handle

    @property
    def position(self) -> int:
        """Positions that have been read: all tokens but the last."""
        return int(library().tvm_run_position(self._open()))

    def generate(self, limit: int) -> np.ndarray:
        """The next tokens, at most `limit` (not 0)."""
        tokens = np.empty(limit, dtype=self._dtype)
        count = 0

        def take(chunk: Ints) -> None:
            nonlocal count
            tokens[count : count + len(chunk)] = chunk
            count += len(chunk)

        collector = Collector(array("i"), take, keep=False)
        result = abi.RunResult()
        with collector:
            status = library().tvm_run_generate(
                self._open(), limit, collector.callback, None, ctypes.byref(result)
            )
        check_run(status, collector)
        self.stopped = abi.STOPPED[result.stopped]
        self.covered += result.covered
        return tokens[:count]

    def verify(self, tokens: np.ndarray) -> abi.VerifyResult:
        """Whether these are the next tokens; the run goes on behind them."""
        given = np.ascontiguousarray(tokens, dtype=np.int32)
        result = abi.VerifyResult()
        check(
            library().tvm_run_verify(self._open(), pointer(given), len(given), ctypes.byref(result))
        )
        self.covered += result.covered
        return result

    def save(self, since: int = 0) -> bytes:
        """A border: what has changed since that position of an earlier one, or all."""
        found: list[bytes] = []
        take = abi.BytesCallback(lambda _, data, size: found.append(ctypes.string_at(data, size)))
        check(library().tvm_run_save(self._open(), since, take, None))
        return found[0]

    def restore(self, border: bytes, tokens: np.ndarray | None = None) -> None:
        """Goes on from a border: a whole one, then changes, with the tokens of their segment."""
        given = None if tokens is None else widened(token_array(tokens))
        size = 0 if given is None else len(given)
        more = None if given is None else pointer(given)
        check(library().tvm_run_restore(self._open(), border, len(border), more, size))


def restore(run: Sequence, state: State) -> None:
    """Brings a new run to where a trace file has its state."""
    if state.whole is not None:
        run.restore(state.whole.content())
    for border, tokens in state.changes:
        run.restore(border.content(), tokens.ids() if border.since else None)
