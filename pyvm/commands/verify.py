"""`pyvm verify`: stored traces, every position against the model.

Enters: trace files, and token files that hold a prompt and its trace.  Leaves: a verdict on each:
ok or not, and whether it is a whole run.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyvm.commands import common, interrupts, status, voice
from pyvm.commands import report as reports
from pyvm.commands.colours import good
from pyvm.commands.common import CommandError, complain, say
from pyvm.commands.report import Report
from pyvm.engine.errors import PyvmError
from pyvm.printable import printable

if TYPE_CHECKING:
    import numpy as np

    from pyvm.engine.model import Model
    from pyvm.engine.run import Check

_FIELDS = (
    "file", "ok", "complete", "first_mismatch", "expected", "predicted", "border", "checked",
    "seconds", "exact", "error",
)  # fmt: skip


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "verify",
        help="check traces against the model, every position",
        description="Checks trace files (pyvm run --trace), and token files that hold a prompt and "
        "its trace (pyvm trace --tokens).",
        epilog=status.VERIFY_EPILOG,
        examples=(
            ("pyvm trace hello --tokens -o a.txt", "keep a trace"),
            ("pyvm verify a.txt", "check every position of it"),
            ("pyvm verify a.txt --path layers", "against the network as written"),
        ),
    )
    parser.add_argument("traces", nargs="+", metavar="TRACE")
    parser.add_argument(
        "--partial", action="store_true", help="accept a trace that was cut before its halt"
    )
    common.add_model_option(parser)
    reports.add_option(parser, "traces", "machine")
    common.add_engine_options(parser)
    voice.add(parser, "no word about traces that are ok and complete")
    parser.set_defaults(command=verify)


def verify(arguments: argparse.Namespace, report: Report) -> int:
    """One long trace is split over the threads; of several, each thread takes one at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from pyvm.commands.run import mismatch
    from pyvm.engine.follow import first_stop
    from pyvm.trace.format import TraceFileError

    code = status.OK
    report["machine"] = arguments.model or "standard"
    rows: list[dict[str, Any]] = []
    report["traces"] = rows
    options = common.engine_options(arguments)
    workers = options["threads"] or os.cpu_count() or 1
    if len(arguments.traces) > 1:
        options["threads"] = 1

    with common.open_model(arguments) as model:
        voice.note_model(model)

        def check(path: str) -> tuple[Check, int | None]:
            if is_trace_file(path):
                checked = model.verify(Path(path), **options)
                return checked, checked.first_stop
            tokens, first = read_trace(path, model)
            stop = first_stop(tokens, first, model.vocabulary, model.stop)
            return model.verify(tokens, first, **options), stop

        with ThreadPoolExecutor(min(workers, len(arguments.traces))) as pool:
            checks = [(path, pool.submit(check, path)) for path in arguments.traces]
            for path, future in checks:
                name = printable(path)
                row = dict.fromkeys(_FIELDS)
                row["file"] = path
                rows.append(row)
                try:
                    checked, halt = interrupts.interruptible(
                        future.result, partial(_interrupted, name, report)
                    )
                except (CommandError, PyvmError, TraceFileError, OSError) as error:
                    row["error"] = said = common.sentence(error)
                    complain(f"pyvm: {said if name in said else f'{name}: {said}'}")
                    code = code or status.ERROR
                    continue
                row.update(
                    ok=checked.ok,
                    complete=checked.complete,
                    first_mismatch=checked.first_mismatch,
                    checked=checked.checked,
                    seconds=checked.timings.seconds,
                    exact=checked.exact,
                )
                if not checked.ok:
                    row["border"] = checked.wrong_border
                    if checked.expected is None or checked.predicted is None:
                        complain(mismatch(checked, model.vocabulary), f"{name}: ")
                        code = status.WRONG
                        continue
                    row["expected"] = model.vocabulary[checked.expected]
                    row["predicted"] = model.vocabulary[checked.predicted]
                    complain(mismatch(checked, model.vocabulary), f"{name}: ")
                    code = status.WRONG
                    continue
                rate = common.rate(checked.checked, checked.timings.seconds)
                wrong = not checked.complete and not (arguments.partial and halt is None)
                if wrong or not arguments.quiet:
                    say(f"{name}: ", good("ok"), f", {completeness(checked, halt)}, {rate}")
                voice.note_path(checked.timings, checked.covered, checked.checked)
                if not checked.exact:
                    say(common.INEXACT)
                if wrong:
                    code = status.WRONG
    voice.note_memory()
    return code


def _interrupted(name: str, report: Report) -> None:
    from pyvm.commands.run import interrupted

    interrupted(f"{name}: interrupted")
    report["error"] = "interrupted"
    report.finish(interrupts.status())


def completeness(checked: Check, halt: int | None) -> str:
    """What is said of a trace that is ok; `halt` is its first one's position."""
    if checked.complete:
        return "complete"
    if halt is None:
        return "incomplete: no halt at the end"
    return f"no whole run: tokens after the halt at position {halt}"


def is_trace_file(path: str) -> bool:
    """Whether it begins as a trace file does; token files are text."""
    from pyvm.trace.format import MAGIC

    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_trace(path: str, model: Model) -> tuple[np.ndarray, int]:
    """The ids of a token file, and where its prompt ends."""
    from pyvm.engine.follow import Follower
    from pyvm.isa.tokens import TokenError

    try:
        text = Path(path).read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no token file: byte {error.start} is not ASCII") from None
    try:
        tokens = model.encode(text.split())
    except TokenError as error:
        raise CommandError(f"{path}: {error}") from None
    first = Follower(model.vocabulary).read(tokens).prompt_end
    if first < 1 or first >= tokens.size:
        raise CommandError(
            f"{path} holds no trace: {tokens.size} tokens, and none after the prompt"
        )
    return tokens, first
