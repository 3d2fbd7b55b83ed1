"""`pyvm compile`, `trace`, `verify`, `specialize`: programs and their traces as files.

Enters: programs, token files.  Leaves: token files, explanations, verdicts, specialised models.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pyvm.commands import common, status
from pyvm.commands.common import CommandError, say
from pyvm.engine.errors import PyvmError
from pyvm.printable import printable


def add(commands) -> None:
    parser = commands.add_parser(
        "compile",
        help="compile a program to a token file",
        description="Compiles PROGRAM to tokens.",
        epilog=status.EPILOG,
    )
    common.add_program_options(parser)
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    parser.set_defaults(command=compile_)

    parser = commands.add_parser(
        "trace",
        help="show what a program does, instruction by instruction",
        description="Prints one line per executed instruction, or with --tokens the whole trace as "
        "a token file. The trace comes from the native executor, or with --model or --standard "
        "from a transformer.",
        epilog=status.EPILOG,
    )
    common.add_program_options(parser)
    common.add_model_option(parser)
    parser.add_argument(
        "--standard", action="store_true", help="generate with the standard machine"
    )
    parser.add_argument("--tokens", action="store_true", help="print tokens instead")
    parser.add_argument("--max-tokens", type=common.whole_number, default=0, metavar="N")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    parser.set_defaults(command=trace)

    parser = commands.add_parser(
        "verify",
        help="check traces against the model, every position",
        description="Checks token files that hold a prompt and its trace (pyvm trace --tokens).",
        epilog=status.VERIFY_EPILOG,
    )
    parser.add_argument("traces", nargs="+", metavar="TRACE")
    common.add_model_option(parser)
    common.add_engine_options(parser)
    parser.set_defaults(command=verify)

    parser = commands.add_parser(
        "specialize",
        help="fold a program into the weights of a model of its own",
        description="The first Futamura projection: a model whose prompt needs no program.",
        epilog=status.EPILOG,
    )
    common.add_program_options(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.set_defaults(command=specialize)


def compile_(arguments: argparse.Namespace) -> int:
    program = common.compile_program(arguments)
    common.write_file(arguments.output, program.text().encode())
    say(f"{len(program.code):,} instructions, {program.tokens().size:,} tokens")
    return status.OK


def trace(arguments: argparse.Namespace) -> int:
    program = common.compile_program(arguments)
    if arguments.model is not None or arguments.standard:
        with common.open_model(arguments) as model:
            done = model.generate(program, arguments.max_tokens)
    else:
        from pyvm.engine.executor import execute

        done = execute(program, arguments.max_tokens)
    if arguments.tokens:
        lines = _token_lines(done)
    else:
        from pyvm.trace.explain import explain

        lines = explain(done.tokens, done.vocabulary, common.listing_of(program))
    if arguments.output == "-":
        steers = sys.stdout.isatty()  # a model's tokens are spelled as its file says
        for line in lines:
            print(printable(line) if steers else line)
        sys.stdout.flush()
    else:
        common.write_file(arguments.output, "".join(f"{line}\n" for line in lines).encode())
    ended = f"stopped by {done.stopped}" if done.trap is None else str(done.trap)
    say(f"{done.generated.size:,} tokens, {ended}")
    return status.OK


def _token_lines(done):
    """The tokens, a line per completed instruction."""
    from pyvm.trace.classes import token_classes

    classes = token_classes(done.vocabulary)
    line: list[str] = []
    for token in done.tokens:
        line.append(done.vocabulary[token])
        if (
            classes.completes[token]
            or token in (classes.halt, classes.program_end)
            or len(line) == 20
        ):
            yield " ".join(line)
            line = []
    if line:
        yield " ".join(line)


def verify(arguments: argparse.Namespace) -> int:
    """One long trace is split over the threads; of several, each thread takes one at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from pyvm.commands.run import mismatch
    from pyvm.commands.waiting import interruptible

    code = status.OK
    options = common.engine_options(arguments)
    workers = options["threads"] or os.cpu_count() or 1
    if len(arguments.traces) > 1:
        options["threads"] = 1

    with common.open_model(arguments) as model:

        def check(path: str):
            tokens, first = read_trace(path, model)
            return model.verify(tokens, first, **options)

        with ThreadPoolExecutor(min(workers, len(arguments.traces))) as pool:
            checks = [(path, pool.submit(check, path)) for path in arguments.traces]
            for path, future in checks:
                name = printable(path)
                try:
                    checked = interruptible(future.result, f"{name}: interrupted")
                except (CommandError, PyvmError, OSError) as error:
                    said = common.sentence(error)
                    say(f"pyvm: {said if name in said else f'{name}: {said}'}")
                    code = code or status.ERROR
                    continue
                if checked.ok:
                    say(f"{name}: ok, {common.rate(checked.checked, checked.timings.seconds)}")
                    if not checked.exact:
                        say(common.INEXACT)
                else:
                    say(f"{name}: {mismatch(checked, model.vocabulary)}")
                    code = status.WRONG
    return code


def read_trace(path: str, model):
    """The ids of a token file, and where its prompt ends."""
    from pyvm.program.tokens import TokenError
    from pyvm.trace.classes import prompt_end, token_classes

    try:
        text = Path(path).read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no token file: byte {error.start} is not ASCII") from None
    try:
        tokens = model.encode(text.split())
    except TokenError as error:
        raise CommandError(f"{path}: {error}") from None
    first = prompt_end(tokens, token_classes(model.vocabulary))
    if first < 1 or first >= tokens.size:
        raise CommandError(
            f"{path} holds no trace: {tokens.size} tokens, and none after the prompt"
        )
    return tokens, first


def specialize(arguments: argparse.Namespace) -> int:
    from pyvm.weights import specialize as build

    program = common.compile_program(arguments)
    model = build(program.code)
    common.write_file(arguments.output, model.to_bytes())
    size, width = model.embedding.shape
    say(
        f"{len(program.code):,} instructions folded into {len(model.layers)} layers, "
        f"D = {width}, V = {size}"
    )
    return status.OK
