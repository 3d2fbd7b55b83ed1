"""`pyvm run`: compiles a program, generates its trace with the transformer, verifies it.

Enters: a program and options.  Leaves: exactly the program's output on stdout; speeds, verification
and how it ended on stderr; the exit status says it too (status.py).
"""

from __future__ import annotations

import argparse

from pyvm.commands import common, depth, interrupts, status
from pyvm.commands.common import say


def add(commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a program inside the transformer and verify the trace",
        description="Compiles PROGRAM, generates its trace with the transformer, and verifies "
        "every position. stdout is the program's output, nothing else.",
        epilog=status.RUN_EPILOG,
    )
    common.add_program_options(parser)
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
    parser.add_argument("--no-verify", action="store_true", help="do not verify the trace")
    parser.add_argument(
        "--stats",
        action="store_true",
        help="count tokens and instructions, per opcode, per function, per wasm instruction",
    )
    common.add_engine_options(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from pyvm.commands.progress import Live
    from pyvm.program.traps import Trap

    program = common.compile_program(arguments)
    options = common.engine_options(arguments)
    with common.open_model(arguments) as model:
        live = Live(model.vocabulary)
        calls = depth.CallDepth(model.vocabulary, arguments.max_depth)

        def on_tokens(tokens) -> bool:
            live.on_tokens(tokens)
            return calls.on_tokens(tokens)

        try:
            done = model.generate(program, arguments.max_tokens, on_tokens, **options)
        except KeyboardInterrupt:
            live.finish()
            interrupted(
                f"interrupted after {live.generated:,} tokens and {live.written:,} bytes of output"
            )
            raise
        finally:
            live.finish()
        say(f"generated {common.rate(done.generated.size, done.timings.seconds)}")
        if arguments.stats:
            _print_statistics(program, done)
        if not arguments.no_verify:
            checked = interrupts.interruptible(
                lambda: model.verify(done.tokens, first=done.prompt_length, **options),
                lambda: interrupted("the trace was generated, its verification was interrupted"),
            )
            if not checked.ok:
                say(mismatch(checked, model.vocabulary))
                return status.ERROR
            say(
                f"verified {common.rate(checked.checked, checked.timings.seconds)}: "
                "every position ok"
            )
            if not (done.exact and checked.exact):
                say(common.INEXACT)
    if done.stopped == "limit":
        say(f"stopped: the budget of {arguments.max_tokens:,} tokens is used up")
        return status.BUDGET
    trap = program.site(Trap.CALL_STACK_EXHAUSTED, done.cursor) if calls.exceeded else done.trap
    if trap is not None:
        say(str(trap))
        return status.TRAPPED if trap.kind.of_wasm else status.ERROR
    return status.OK


def interrupted(words: str) -> None:
    """Ctrl-C gets an answer, SIGTERM a quiet end."""
    if not interrupts.terminated():
        say(words)


def mismatch(checked, vocabulary: tuple[str, ...]) -> str:
    """What a verification found."""
    return (
        f"verification failed: at position {checked.first_mismatch} the trace has "
        f"{vocabulary[checked.expected]!r}, the model predicts {vocabulary[checked.predicted]!r}"
    )


def _print_statistics(program, done) -> None:
    from pyvm.trace.statistics import statistics

    found = statistics(done.tokens, done.vocabulary, common.listing_of(program), program.debug)
    for line in found.lines():
        say(line)
