"""`pyvm run`: compiles a program, generates its trace with the transformer, verifies it.

Enters: a program and options.  Leaves: exactly the program's output on stdout; its error stream,
speeds, verification and how it ended on stderr; the exit status says it too (status.py).
"""

from __future__ import annotations

import argparse
import errno
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyvm.commands import common, depth, interrupts, program_options, status, voice
from pyvm.commands import report as reports
from pyvm.commands.colours import good
from pyvm.commands.common import complain, say
from pyvm.commands.report import Report
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.commands.traced import Traced
    from pyvm.engine.arrays import Ids
    from pyvm.engine.model import Model
    from pyvm.engine.run import Check, Run
    from pyvm.isa.program import Program
    from pyvm.trace.statistics import Statistics


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a program inside the transformer and verify the trace",
        description="Compiles PROGRAM, generates its trace with the transformer, and verifies "
        "every position. stdout is the program's output, nothing else; its error stream goes to "
        "stderr.",
        epilog=status.RUN_EPILOG,
        examples=(
            ("pyvm run sudoku", "a bundled program"),
            ("echo 3 4 | pyvm run prog.c", "a program in C that reads standard input"),
            ("pyvm run collatz --input 7 --stats", "what its tokens go to"),
        ),
    )
    program_options.add(parser)
    common.add_model_option(parser)
    parser.add_argument(
        "--max-tokens",
        type=common.whole_number,
        default=0,
        metavar="N",
        help="stop after N generated tokens (default: no limit)",
    )
    parser.add_argument(
        "--max-depth",
        type=common.whole_number,
        default=depth.DEFAULT,
        metavar="N",
        help="trap when more than N calls are open (default: %(default)s; 0: no limit)",
    )
    parser.add_argument(
        "--time-limit",
        type=duration,
        default=0.0,
        metavar="SECONDS",
        help="stop generating after so long (default: no limit)",
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="keep the trace in a file, from which the run can go on, and which verify takes",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run that the --trace file holds; begin it where there is none",
    )
    parser.add_argument(
        "--inputs", metavar="FILE", help="run the program for each line of a file as its input"
    )
    parser.add_argument("--no-verify", action="store_true", help="do not verify the trace")
    parser.add_argument(
        "--stats",
        action="store_true",
        help="count tokens and instructions, per opcode, per function, per wasm instruction",
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="write a page of the tokens by function and source line",
    )
    voice.add(parser, "no speeds and progress on stderr")
    reports.add_option(
        parser, "output", "output_base64", "error_output", "error_output_base64", "stopped",
        "status", "trap", "tokens", "prompt_tokens", "wasm_instructions", "seconds", "verified",
        "exact", "covered", "runs", "machine",
    )  # fmt: skip
    common.add_engine_options(parser)
    parser.set_defaults(command=run)
    assert isinstance(parser, common.Parser)
    before = parser.finish

    def finish(parser: common.Parser, arguments: argparse.Namespace) -> None:
        if before is not None:
            before(parser, arguments)
        if arguments.resume and arguments.trace is None:
            parser.error("--resume goes on with the trace of --trace FILE: name it")
        if arguments.profile == "-":
            parser.error("--profile needs a file: stdout has the program's output")
        for option in (
            ("trace", "profile", "input", "input_file") if arguments.inputs is not None else ()
        ):
            if getattr(arguments, option) is not None:
                parser.error(f"--inputs and --{option.replace('_', '-')} do not go together")

    parser.finish = finish


def duration(text: str) -> float:
    """A time."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e12:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: seconds, more than 0")
    return value


def run(arguments: argparse.Namespace, report: Report) -> int:
    report["machine"] = arguments.model or "standard"
    report["stopped"] = "error"  # until it is known better
    if arguments.inputs is not None:
        from pyvm.commands.run_many import run_inputs

        return run_inputs(arguments, report)
    seconds = report["seconds"] = dict.fromkeys(("compile", "load", "generate", "verify"))
    try:
        return _run(arguments, report, seconds)
    except KeyboardInterrupt:
        report["stopped"] = "interrupted"
        raise


def _run(arguments: argparse.Namespace, report: Report, seconds: dict[str, float | None]) -> int:
    from pyvm.commands.progress import Live
    from pyvm.engine.run import Run
    from pyvm.isa.traps import Trap

    begin = time.perf_counter()
    program = program_options.compile_program(arguments, reads=True)
    seconds["compile"] = time.perf_counter() - begin
    options = common.engine_options(arguments)
    begin = time.perf_counter()
    with common.open_model(arguments) as model:
        seconds["load"] = time.perf_counter() - begin
        voice.note_model(model)
        live = Live(model.vocabulary, arguments.quiet, report.wanted)

        deadline = time.monotonic() + (arguments.time_limit or float("inf"))

        def on_tokens(tokens: Ids) -> bool:
            live.on_tokens(tokens)
            too_deep = depth.too_deep(live.follower, arguments.max_depth)
            return too_deep or time.monotonic() > deadline

        try:
            done = generated(model, program, arguments, on_tokens, options)
        except KeyboardInterrupt:
            live.finish()
            interrupted(
                f"interrupted after {live.generated:,} tokens and {live.written:,} bytes of output"
            )
            raise
        finally:
            live.finish()
            if report.wanted:
                import base64

                for field, written in (("output", live.output), ("error_output", live.errors)):
                    report[field] = written.decode(errors="replace")
                    report[f"{field}_base64"] = base64.b64encode(written).decode()
            report["tokens"] = live.generated
        seconds["generate"] = done.timings.seconds if isinstance(done, Run) else done.seconds
        report.update(prompt_tokens=done.prompt_length, exact=done.exact)
        if isinstance(done, Run):
            report["covered"] = done.covered
            voice.tell(arguments, f"generated {common.rate(live.generated, done.timings.seconds)}")
            voice.note_path(done.timings, done.covered, len(done.ids))
        else:
            before = f" (and {done.generated - done.fresh:,} before)" if arguments.resume else ""
            voice.tell(arguments, f"generated {common.rate(done.fresh, done.seconds)}{before}")
        if arguments.stats or report.wanted:
            found = statistics_of(program, done)
            report["wasm_instructions"] = found.wasm_instructions or None
            for line in found.lines() if arguments.stats else ():
                say(line)
        if arguments.stats and isinstance(done, Run):
            say(f"the kernel ran {done.covered:,} of {done.tokens.size:,} positions")
        if arguments.profile:
            found_by_line = done.profile(program)
            common.write_file(arguments.profile, found_by_line.html.encode())
            for line in found_by_line.text():
                voice.tell(arguments, line)
        if not arguments.no_verify:
            checked = interrupts.interruptible(
                lambda: verified(model, done, options),
                lambda: _interrupted_check(report),
            )
            seconds["verify"] = checked.timings.seconds
            report.update(verified=checked.ok, exact=done.exact and checked.exact)
            if not checked.ok:
                return report.fail(mismatch(checked, model.vocabulary), status.ERROR)
            voice.tell(
                arguments,
                f"verified {common.rate(checked.checked, checked.timings.seconds)}: ",
                good("every position ok"),
            )
            voice.note_path(checked.timings, checked.covered, done.prompt_length + live.generated)
            if not (done.exact and checked.exact):
                say(common.INEXACT)
    voice.note_memory()
    if done.stopped == "limit":
        say(f"stopped: the budget of {arguments.max_tokens:,} tokens is used up")
        report["stopped"] = "budget"
        return status.BUDGET
    too_deep = depth.too_deep(live.follower, arguments.max_depth)
    if done.stopped == "callback" and not too_deep:
        say(f"stopped: the time of {arguments.time_limit:g} seconds is used up")
        report["stopped"] = "budget"
        return status.BUDGET
    trap = done.trap
    if too_deep and done.cursor is not None:
        trap = program.site(Trap.CALL_STACK_EXHAUSTED, done.cursor)
    if trap is None:
        report.update(stopped="halt", status=done.status)
        if done.status:
            voice.tell(arguments, f"the program exits with status {done.status}")
        return done.status
    if not trap.kind.of_wasm:
        return report.fail(str(trap), status.ERROR)
    complain(str(trap))
    report.trap(trap)
    return status.TRAPPED


def generated(
    model: Model,
    program: Program,
    arguments: argparse.Namespace,
    on_tokens: Callable[[Ids], bool],
    options: dict[str, Any],
) -> Run | Traced:
    """The run, in memory or into a trace file."""
    if arguments.trace is None:
        return model.generate(program, arguments.max_tokens, on_tokens, **options)
    from pyvm.commands.traced import run_traced

    where, limit = (arguments.trace, arguments.resume), arguments.max_tokens
    try:
        return run_traced(model, program, *where, limit, on_tokens, **options)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            name = printable(arguments.trace)
            raise common.CommandError(
                f"{name}: {error.strerror}; what was written is whole: --resume goes on with it"
            ) from None
        raise


def verified(model: Model, done: Run | Traced, options: dict[str, Any]) -> Check:
    from pyvm.engine.run import Run

    if isinstance(done, Run):
        return model.verify(done, done.prompt_length, **options)
    return done.verify(**options)


def _interrupted_check(report: Report) -> None:
    interrupted("the trace was generated, its verification was interrupted")
    report.update(stopped="interrupted", error="interrupted")
    report.finish(interrupts.status())


def interrupted(words: str) -> None:
    """Ctrl-C gets an answer, SIGTERM a quiet end."""
    if not interrupts.terminated():
        say(words)


def mismatch(checked: Check, vocabulary: tuple[str, ...]) -> str:
    """What a verification found."""
    if checked.wrong_border is not None:
        return (
            f"verification failed: the border at position {checked.wrong_border} is not the "
            "state that the tokens before it lead to"
        )
    if checked.expected is None or checked.predicted is None:
        return "verification failed"
    return (
        f"verification failed: at position {checked.first_mismatch} the trace has "
        f"{vocabulary[checked.expected]!r}, the model predicts {vocabulary[checked.predicted]!r}"
    )


def statistics_of(program: Program, done: Run | Traced) -> Statistics:
    """What the run took, counted."""
    from pyvm.engine.run import Run
    from pyvm.trace.statistics import statistics

    if not isinstance(done, Run):
        return done.statistics(program)

    return statistics(done.tokens, done.vocabulary, program.listing, program.debug)
