"""Many programs on one model: one load, one plan, one kernel.

Enters: programs, an executor.  Leaves: their runs, in order.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from pyvm.engine.segments import Source, _model_of

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.engine.run import Run
    from pyvm.isa.program import Program


def _elsewhere(
    source: Source, program: Program | np.ndarray, limit: int, options: dict[str, str | int]
) -> Run:
    return _run(_model_of(source), program, limit, options)


def _run(model: Model, program: Program | np.ndarray, limit: int, options: dict[str, Any]) -> Run:
    return model.generate(program, limit, **options)


def run_many(
    model: Model,
    programs: Iterable[Program | np.ndarray],
    executor: Executor | None,
    limit: int,
    **options: str | int,
) -> Iterator[Run]:
    """In order, each as soon as it and those before it are done; two for each worker at a time."""
    workers = getattr(executor, "_max_workers", 0) or os.cpu_count() or 1
    own = ThreadPoolExecutor(workers) if executor is None else None
    pool: Executor = own or executor  # type: ignore[assignment]
    here = isinstance(pool, ThreadPoolExecutor)
    sent: deque[Future[Run]] = deque()
    try:
        for program in programs:
            if here:
                sent.append(pool.submit(_run, model, program, limit, options))
            else:
                sent.append(pool.submit(_elsewhere, model.source, program, limit, options))
            if len(sent) > 2 * workers:
                yield sent.popleft().result()
        while sent:
            yield sent.popleft().result()
    finally:
        for future in sent:
            future.cancel()
        if own is not None:
            own.shutdown()
