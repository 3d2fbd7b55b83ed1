"""A run as an iterator over its tokens.

Enters: a model and a program.  Leaves: chunks of generated tokens, while the run goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from queue import Full, Queue
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.isa.program import Program

_AHEAD = 2  # chunks that wait for their reader
_PATIENCE = 0.05  # seconds until a run looks whether anybody still reads


def stream(
    model: Model,
    program: Program | np.ndarray | Sequence[int],
    limit: int,
    **options: Any,
) -> Iterator[np.ndarray]:
    """The run goes on, on a thread of its own, as far as chunks are taken; it ends with the
    iterator."""
    chunks: Queue[np.ndarray | BaseException | None] = Queue(_AHEAD)
    over = threading.Event()

    def give(chunk: np.ndarray | BaseException | None) -> bool:
        while not over.is_set():
            try:
                chunks.put(chunk, timeout=_PATIENCE)
                return False
            except Full:
                continue
        return True

    def work() -> None:
        try:
            model.generate(
                program, limit, lambda chunk: give(np.asarray(chunk)), keep=False, **options
            )
            give(None)
        except BaseException as error:
            give(error)

    thread = threading.Thread(target=work, name="pyvm stream", daemon=True)
    thread.start()
    try:
        while (chunk := chunks.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        over.set()
        thread.join()
