"""Verifying: tokens, or a trace file, against a model's predictions.

Enters: a model; tokens, a `Run` or a trace file, and a window of it.  Leaves: a `Check`.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyvm.engine import abi
from pyvm.engine.arrays import Ints, is_narrow, pointer, token_array, widened
from pyvm.engine.errors import ArgumentError
from pyvm.engine.follow import Follower, first_stop
from pyvm.engine.library import check, library
from pyvm.engine.options import check_count, check_flag, make_options
from pyvm.engine.progress import Bar, telling
from pyvm.engine.run import Check, Run, Timings

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np

    from pyvm.engine.model import Model
    from pyvm.trace.file import TraceFile


def verify(
    model: Model,
    tokens: Run | np.ndarray | Sequence[int] | os.PathLike[str] | TraceFile,
    first: int | None,
    last: int | None,
    predicted: bool,
    executor: Executor | None,
    progress: bool | Bar,
    options: dict[str, str | int],
) -> Check:
    """What Model.verify() tells."""
    settings = make_options("verify", options)
    predicted = check_flag(predicted, "predicted")
    if not isinstance(tokens, Run):
        from pyvm.trace.file import TraceFile

        if isinstance(tokens, (os.PathLike, TraceFile)):
            if predicted:
                raise ArgumentError("predictions are of tokens, and this is a trace file")
            return _verify_file(model, tokens, first, last, executor, progress, options)
    given = tokens.ids if isinstance(tokens, Run) else token_array(tokens)
    if model.vocabulary_size > 1 << 16:
        given = widened(given)  # C takes no others
    if executor is not None or progress is not False:
        raise ArgumentError("executor and progress belong to trace files, and these are tokens")
    last = len(given) if last is None else check_count(last, "last")
    if first is None:
        first = max(1, Follower(model.vocabulary).read(given).prompt_end)
        if first >= last:
            raise ArgumentError(
                f"nothing to verify: {last} tokens, and none of them after the prompt"
            )
    first = check_count(first, "first")
    if not 1 <= first <= last <= len(given):
        raise ArgumentError(
            f"the window {first}..{last} does not fit {len(given)} tokens: "
            "1 <= first <= last <= count"
        )
    predictions = array("i", bytes(4 * (last - first))) if predicted else None
    result = abi.VerifyResult()
    with model._use() as handle:
        check_all = library().tvm_verify16 if is_narrow(given) else library().tvm_verify
        status = check_all(
            handle,
            pointer(given),
            len(given),
            first,
            last,
            None if predictions is None else pointer(predictions),
            ctypes.byref(settings),
            ctypes.byref(result),
        )
        check(status)
    found = result.first_mismatch >= 0
    return Check(
        ok=bool(result.ok),
        complete=first_stop(given, first, model.vocabulary, model.stop) == len(given) - 1,
        first_mismatch=result.first_mismatch if found else None,
        expected=result.expected if found else None,
        predicted=result.predicted if found else None,
        predictions=None if predictions is None else _as_numpy(predictions),
        checked=result.checked,
        timings=Timings.of(result),
        exact=bool(result.exact),
        covered=result.covered,
    )


def _verify_file(
    model: Model,
    trace: os.PathLike[str] | TraceFile,
    first: int | None,
    last: int | None,
    executor: Executor | None,
    progress: bool | Bar,
    options: dict[str, str | int],
) -> Check:
    from pyvm.engine.segments import verify_trace, verify_window
    from pyvm.trace.file import TraceFile

    if not isinstance(trace, TraceFile):
        with TraceFile(trace) as opened:
            return _verify_file(model, opened, first, last, executor, progress, options)
    if first is None and last is None:
        threads = check_count(options.pop("threads", 0), "threads")
        total = trace.count - trace.header.prompt.size
        with telling(progress, total) as tell:
            return verify_trace(model, trace, executor, threads, tell, **options)
    begin = trace.header.prompt.size if first is None else check_count(first, "first")
    end = trace.count if last is None else check_count(last, "last")
    return verify_window(model, trace, begin, end, **options)


def _as_numpy(ids: Ints) -> np.ndarray:
    import numpy as np

    return np.asarray(ids)
