"""Generating: one call of libtvm from a prompt to a `Run`.

Enters: a model; a program or token ids, and the options of a run (tvm.h).  Leaves: the run, or the
exception that it ended in.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pyvm.engine import abi
from pyvm.engine.arrays import Ints, is_narrow, pointer
from pyvm.engine.collector import Collector, OnTokens
from pyvm.engine.errors import ArgumentError, OutOfMemory
from pyvm.engine.library import check, library
from pyvm.engine.options import check_count, check_flag, make_options
from pyvm.engine.progress import Bar, telling
from pyvm.engine.prompt import Prompt, prompt_of
from pyvm.engine.run import Run, Timings
from pyvm.isa.program import Program, code_digest
from pyvm.printable import printable

if TYPE_CHECKING:
    import numpy as np

    from pyvm.engine.model import Model


def generate(
    model: Model,
    program: Program | np.ndarray | Sequence[int],
    limit: int,
    on_tokens: OnTokens | None,
    keep: bool,
    progress: bool | Bar,
    options: dict[str, str | int],
) -> Run:
    """What Model.generate() tells."""
    limit, keep = check_count(limit, "limit"), check_flag(keep, "keep")
    settings = make_options("generate", options)
    prompt = prompt_of(program, model.vocabulary)
    folded = model.metadata.get("program") if "{" not in model.vocabulary else None
    if folded is not None and isinstance(program, Program):
        if folded != code_digest(program.code):
            name = printable(program.name)
            raise ArgumentError(f"this model runs the program in its weights, which is not {name}")
    if progress is not False:
        with telling(progress, limit) as tell:
            seen = _told(tell, on_tokens)
            return generate(model, program, limit, seen, keep, False, options)
    collector = Collector(prompt.tokens, on_tokens, keep)
    result = abi.RunResult()
    with model._use() as handle, collector:
        run = library().tvm_generate16 if is_narrow(prompt.tokens) else library().tvm_generate
        status = run(
            handle,
            pointer(prompt.tokens),
            len(prompt.tokens),
            limit,
            collector.callback,
            None,
            ctypes.byref(settings),
            ctypes.byref(result),
        )
    check_run(status, collector)
    return make_run(prompt, collector, result, model.vocabulary, model.stop, keep)


def _told(tell: Callable[[int], object], on_tokens: OnTokens | None) -> OnTokens:
    """`on_tokens`, and how many there were."""

    def on_chunk(tokens: Ints) -> object:
        tell(len(tokens))
        return None if on_tokens is None else on_tokens(tokens)

    return on_chunk


def check_run(status: int, collector: Collector) -> None:
    """Raises what a run ended in; where memory ran out, it says how far the run came."""
    if collector.error is not None:
        raise collector.error
    try:
        check(status)
    except OutOfMemory as error:
        raise OutOfMemory(f"{error}, after {collector.generated:,} generated tokens") from None


def unknown_end() -> tuple[None, None]:
    """Of a run whose tokens were not kept: neither cursor nor trap."""
    return None, None


def make_run(
    prompt: Prompt,
    collector: Collector,
    result: abi.RunResult,
    vocabulary: tuple[str, ...],
    stop: int,
    keep: bool,
) -> Run:
    """The run of a finished call."""
    tokens = collector.finish()
    return Run(
        ids=tokens,
        prompt_length=len(prompt.tokens),
        stopped=abi.STOPPED[result.stopped],
        timings=Timings.of(result),
        vocabulary=vocabulary,
        end=partial(prompt.end, tokens, vocabulary, stop) if keep else unknown_end,
        exact=bool(result.exact),
        covered=result.covered,
    )
