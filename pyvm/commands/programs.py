"""`pyvm compile`, `trace`, `specialize`: programs as token files, in words, as models.

Enters: programs.  Leaves: token files, explanations, specialised models.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyvm.commands import common, program_options, status, voice
from pyvm.commands import report as reports
from pyvm.commands.common import say
from pyvm.commands.report import Report
from pyvm.commands.run import statistics_of
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.engine.run import Run

# As reports say it.
_STOPPED = {"halt": "halt", "limit": "budget", "callback": "interrupted"}


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "compile",
        help="compile a program to a token file",
        description="Compiles PROGRAM to tokens.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm compile hello", "the tokens of a bundled program"),
            ("pyvm compile prog.c -o prog.txt", "a token file, which other commands take"),
        ),
    )
    program_options.add(parser)
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    voice.add(parser)
    parser.set_defaults(command=compile_)

    parser = commands.add_parser(
        "trace",
        help="show what a program does, instruction by instruction",
        description="Prints one line per executed instruction, or with --tokens the whole trace as "
        "a token file. The trace comes from the native executor, or with --model or --standard "
        "from a transformer.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm trace hello", "a line for each executed instruction"),
            ("pyvm trace hello --tokens -o a.txt", "a file that verify takes"),
            ("pyvm trace prog.c --input 7 --stats", "counts by opcode and function"),
        ),
    )
    program_options.add(parser)
    common.add_model_option(parser)
    parser.add_argument(
        "--standard", action="store_true", help="generate with the standard machine"
    )
    parser.add_argument("--tokens", action="store_true", help="print tokens instead")
    parser.add_argument("--stats", action="store_true", help="print counts instead, as run --stats")
    reports.add_option(
        parser, "stopped", "status", "trap", "tokens", "prompt_tokens", "instructions",
        "functions", "deepest_stack", "wasm_instructions",
    )  # fmt: skip
    parser.add_argument("--max-tokens", type=common.whole_number, default=0, metavar="N")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    voice.add(parser)
    parser.set_defaults(command=trace)

    parser = commands.add_parser(
        "specialize",
        help="fold a program into the weights of a model of its own",
        description="The first Futamura projection: a model whose prompt needs no program. It is "
        "the machine of --machine with the program in its weights.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm specialize addition -o addition.bin", "fold a program into a model"),
            ("pyvm run addition --model addition.bin", "its prompt is the input alone"),
        ),
    )
    program_options.add(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    voice.add(parser)
    parser.set_defaults(command=specialize)


def compile_(arguments: argparse.Namespace, report: Report) -> int:
    program = program_options.compile_program(arguments)
    common.write_file(arguments.output, program.text().encode())
    voice.tell(arguments, f"{len(program.code):,} instructions, {program.tokens().size:,} tokens")
    return status.OK


def trace(arguments: argparse.Namespace, report: Report) -> int:
    program = program_options.compile_program(arguments, reads=True)
    if arguments.model is not None or arguments.standard:
        with common.open_model(arguments) as model:
            done = model.generate(program, arguments.max_tokens)
    else:
        from pyvm.engine.executor import execute

        done = execute(program, arguments.max_tokens)
    if arguments.stats or report.wanted:
        counted = statistics_of(program, done)
        report.update(counted.fields(), tokens=done.generated.size)
        report.update(stopped=_STOPPED[done.stopped], prompt_tokens=done.prompt_length)
        if done.trap is not None:
            report.trap(done.trap)
        elif done.stopped == "halt":
            report["status"] = done.status
    if arguments.tokens:
        lines = _token_lines(done)
    elif arguments.stats:
        lines = iter(counted.lines())
    else:
        from pyvm.trace.explain import explain

        lines = explain(done.tokens, done.vocabulary, program.listing)
    if arguments.output == "-" and report.wanted:
        pass  # stdout is the report's
    elif arguments.output == "-":
        steers = sys.stdout.isatty()  # a model's tokens are spelled as its file says
        for line in lines:
            print(printable(line) if steers else line)
        sys.stdout.flush()
    else:
        common.write_file(arguments.output, "".join(f"{line}\n" for line in lines).encode())
    voice.note_memory()
    if done.trap is not None or done.status:
        say(f"{done.generated.size:,} tokens, {_ended(done)}")
    else:
        voice.tell(arguments, f"{done.generated.size:,} tokens, {_ended(done)}")
    return status.OK


def _ended(done: Run) -> str:
    if done.trap is not None:
        return str(done.trap)
    return f"exit with status {done.status}" if done.status else f"stopped by {done.stopped}"


def _token_lines(done: Run) -> Iterator[str]:
    """The tokens, a line per completed instruction."""
    from pyvm.isa.classes import token_classes

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


def specialize(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.weights import specialize as build

    program = program_options.compile_program(arguments)
    model = build(program.code, arguments.machine)
    common.write_file(arguments.output, model.to_bytes())
    size, width = model.embedding.shape
    voice.tell(
        arguments,
        f"{len(program.code):,} instructions folded into {len(model.layers)} layers, "
        f"D = {width}, V = {size}",
    )
    return status.OK
