"""`pyvm run --inputs FILE`: one program, many inputs; one load of the model, one kernel.

Enters: a file with an input on each line.  Leaves: the outputs, in order, on stdout; of each run
that did not come to its normal end, a line on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyvm.commands import common, program_options, status, streams, voice
from pyvm.commands.common import say
from pyvm.commands.report import Report

if TYPE_CHECKING:
    from pyvm.engine.run import Run
    from pyvm.isa.program import Program


def run_inputs(arguments: argparse.Namespace, report: Report) -> int:
    """The exit status is that of the first run that has another than 0."""
    from pyvm.commands.run import mismatch

    inputs = program_options.lines_of(arguments.inputs)
    rows: list[dict[str, Any]] = []
    report["runs"] = rows
    options = common.engine_options(arguments)
    code, tokens, seconds = status.OK, 0, 0.0

    def programs() -> Iterator[Program]:
        for text in inputs:
            arguments.input = text
            yield program_options.compile_program(arguments)

    with common.open_model(arguments) as model:
        voice.note_model(model)
        runs = model.run_many(programs(), limit=arguments.max_tokens, **options)
        for number, done in enumerate(runs, 1):
            tokens += done.generated.size
            seconds += done.timings.seconds
            ended, words = _ending(done)
            if not arguments.no_verify:
                checked = model.verify(done.tokens, first=done.prompt_length, **options)
                if not checked.ok:
                    ended, words = status.ERROR, mismatch(checked, model.vocabulary)
            _show(done, report.wanted)
            rows.append(_row(done, ended, words, not arguments.no_verify))
            if words:
                say(f"input {number}: {words}")
            code = code or ended
    report["stopped"] = "halt" if code == status.OK else "error"
    voice.note_memory()
    voice.tell(arguments, f"generated {common.rate(tokens, seconds)} in {len(rows):,} runs")
    return code


def _ending(done: Run) -> tuple[int, str]:
    """The status of a run, and what is said of it."""
    if done.stopped == "limit":
        return status.BUDGET, "the budget of tokens is used up"
    if done.trap is not None:
        return status.TRAPPED if done.trap.kind.of_wasm else status.ERROR, str(done.trap)
    return done.status, f"exits with status {done.status}" if done.status else ""


def _show(done: Run, kept: bool) -> None:
    if kept:
        return
    sys.stdout.buffer.write(done.output)
    sys.stdout.buffer.flush()
    if done.errors:
        streams.write_errors(done.errors)


def _row(done: Run, ended: int, words: str, verified: bool) -> dict[str, Any]:
    return {
        "output": done.output.decode(errors="replace"),
        "error_output": done.errors.decode(errors="replace"),
        "status": ended,
        "error": words or None,
        "tokens": int(done.generated.size),
        "verified": verified or None,
    }
