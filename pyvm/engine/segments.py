"""Verifies trace files: each segment from its own border, which must lead to exactly the next one.

Enters: a trace file, a model, an executor.  Leaves: one verdict on the whole.

A border is a claim.  The first segment begins at the prompt, in the empty state, which is no claim;
where every segment ends in the border of the next, all borders are right by induction.  Segments
are therefore checked in any order and anywhere: a `Work` carries all that it needs.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pyvm.engine.errors import ArgumentError
from pyvm.engine.recording import require_model
from pyvm.engine.run import Check, Timings
from pyvm.engine.sequence import Sequence, restore
from pyvm.trace.file import TraceFile
from pyvm.trace.format import Border, State, Tokens

if TYPE_CHECKING:
    from pyvm.engine.model import Model

Source = str | bytes | None  # what pyvm.load() opens a model from
_MOST_SEGMENTS = 16  # of a piece of work


@dataclass(frozen=True)
class Work:
    """Neighbouring segments: the state before them, their tokens, and the border behind each."""

    first: int  # position of the first token
    prompt: np.ndarray
    state: State
    tokens: list[Tokens]
    changes: list[Border]
    wholes: list[Border | None]


@dataclass(frozen=True)
class Found:
    """What checking a piece of work found, up to the first thing that is wrong."""

    checked: int = 0
    covered: int = 0
    mismatch: int | None = None
    expected: int | None = None
    predicted: int | None = None
    wrong_border: int | None = None
    stop: int | None = None  # position of the first stop token

    @property
    def ok(self) -> bool:
        return self.mismatch is None and self.wrong_border is None


def check_work(model: Model, work: Work, options: dict[str, str | int]) -> Found:
    checked = 0
    stop = None
    at = work.first
    with Sequence(model, work.prompt, **options) as run:
        restore(run, work.state)  # a false border is found by the segment that leads to it
        for tokens, changes, whole in zip(work.tokens, work.changes, work.wholes):
            ids = tokens.ids()
            result = run.verify(ids)
            checked += result.checked
            if stop is None:
                stops = np.flatnonzero(ids == model.stop)
                stop = at + int(stops[0]) if stops.size else None
            if not result.ok:
                return Found(
                    checked,
                    run.covered,
                    result.first_mismatch,
                    result.expected,
                    result.predicted,
                    stop=stop,
                )
            right = run.save(changes.since) == changes.content()
            if right and whole is not None:
                right = run.save() == whole.content()
            if not right:
                return Found(checked, run.covered, wrong_border=changes.position, stop=stop)
            at += ids.size
        return Found(checked, run.covered, stop=stop)


@lru_cache(maxsize=2)
def _model_of(source: Source) -> Model:
    from pyvm.engine.standard import load

    return load(source)


def check_elsewhere(source: Source, work: Work, options: dict[str, str | int]) -> Found:
    """In another process, or on another machine: the model is opened there, once."""
    return check_work(_model_of(source), work, options)


def verify_trace(
    model: Model,
    trace: TraceFile,
    executor: Executor | None,
    threads: int,
    tell: Callable[[int], object],
    **options: str | int,
) -> Check:
    """Every position of a trace file, and every border; `tell` hears how many tokens more."""
    require_model(trace.header, model, trace.name)
    if not trace.segments:
        raise ArgumentError(f"{trace.name}: nothing to verify: it has no token behind the prompt")
    begin = time.perf_counter()
    workers = threads or getattr(executor, "_max_workers", 0) or os.cpu_count() or 1
    finds = _all(model, trace, executor, workers, options)
    checked = covered = 0
    stop = None
    for found in finds:
        checked += found.checked
        tell(found.checked)
        covered += found.covered
        stop = found.stop if stop is None else stop
        if not found.ok:
            break
    else:
        found = Found()
    finds.close()
    return Check(
        ok=found.ok,
        complete=found.ok and stop == trace.count - 1,
        first_mismatch=found.mismatch,
        expected=found.expected,
        predicted=found.predicted,
        predictions=None,
        checked=checked,
        timings=Timings(time.perf_counter() - begin),
        exact=True,
        covered=covered,
        wrong_border=found.wrong_border,
        first_stop=stop,
    )


def verify_window(
    model: Model, trace: TraceFile, first: int, last: int, **options: str | int
) -> Check:
    """Tokens first to last, from the border before them, which is believed."""
    require_model(trace.header, model, trace.name)
    prompt = trace.header.prompt
    if not prompt.size <= first < last <= trace.count:
        raise ArgumentError(
            f"the window {first}..{last} does not fit the trace, which has tokens "
            f"{prompt.size}..{trace.count} behind its prompt"
        )
    begin = time.perf_counter()
    k = trace.segment_of(first)
    with Sequence(model, prompt, **options) as run:
        restore(run, trace.state_before(k))
        at, checked = trace.segments[k].first, 0
        result = None
        while at < last:
            ids = trace.tokens(k).ids()[: last - at]
            result = run.verify(ids)
            checked += max(0, at + int(result.checked) - max(first, at))
            at, k = at + ids.size, k + 1
            if not result.ok:
                break
        covered = run.covered
    assert result is not None
    ok = bool(result.ok)
    return Check(
        ok=ok,
        complete=False,
        first_mismatch=None if ok else result.first_mismatch,
        expected=None if ok else result.expected,
        predicted=None if ok else result.predicted,
        predictions=None,
        checked=checked,
        timings=Timings(time.perf_counter() - begin),
        covered=covered,
    )


def _pieces(trace: TraceFile, workers: int) -> Iterator[range]:
    """Segments in order, from one whole border to the next, where nothing is to be restored from
    changes; fewer where there would not be some for every worker."""
    count = len(trace.segments)
    most = min(_MOST_SEGMENTS, -(-count // workers))
    begin = 0
    for k in range(1, count):
        if k - begin == most or trace.segments[k - 1].whole_at:
            yield range(begin, k)
            begin = k
    yield range(begin, count)


def _work(trace: TraceFile, some: range) -> Work:
    return Work(
        trace.segments[some[0]].first,
        trace.header.prompt,
        trace.state_before(some[0]),
        [trace.tokens(k) for k in some],
        [trace.changes(k) for k in some],
        [trace.whole(k) for k in some],
    )


def _check_here(
    model: Model, trace: TraceFile, some: range, options: dict[str, str | int]
) -> Found:
    return check_work(model, _work(trace, some), options)


def _all(
    model: Model,
    trace: TraceFile,
    executor: Executor | None,
    workers: int,
    options: dict[str, str | int],
) -> Generator[Found, None, None]:
    """What is found, in order.  Two pieces for each worker are on their way."""
    if executor is None and workers == 1:
        for some in _pieces(trace, 1):
            yield _check_here(model, trace, some, options)
        return
    own = ThreadPoolExecutor(workers) if executor is None else None
    pool: Executor = own or executor  # type: ignore[assignment]
    here = isinstance(pool, ThreadPoolExecutor)
    sent: deque[tuple[range, Future[Found] | None]] = deque()

    def submit(some: range) -> Future[Found] | None:
        try:
            if here:
                return pool.submit(_check_here, model, trace, some, options)
            return pool.submit(check_elsewhere, model.source, _work(trace, some), options)
        except BrokenExecutor:  # no worker is left
            return None

    def result(some: range, future: Future[Found] | None) -> Found:
        try:
            if future is not None:
                return future.result()
        except BrokenExecutor:
            pass
        return _check_here(model, trace, some, options)

    try:
        for some in _pieces(trace, workers):
            sent.append((some, submit(some)))
            if len(sent) > 2 * workers:
                yield result(*sent.popleft())
        while sent:
            yield result(*sent.popleft())
    finally:
        for _, future in sent:
            if future is not None:
                future.cancel()
        if own is not None:
            own.shutdown(wait=True, cancel_futures=True)
