"""`pyvm view`: a run as one HTML file.

Enters: a program.  Leaves: the page.
"""

from __future__ import annotations

import argparse

from pyvm.commands import common, program_options, status, voice
from pyvm.commands.report import Report

MAX_TOKENS = 1_000_000


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "view",
        help="show a run as a page: every position, its state, what each head attends to",
        description="Runs PROGRAM inside the transformer and writes one HTML file that shows every "
        "position of the trace, with what each head attends to and the values of the residual "
        "stream. The file needs a browser and no internet.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm view hello -o page.html", "every position of the run"),
            ("pyvm view sudoku --at 200000 -o page.html", "opens at a position"),
        ),
    )
    program_options.add(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument(
        "--at",
        type=common.whole_number,
        metavar="POSITION",
        help="where the page opens (default: the first generated token)",
    )
    parser.add_argument(
        "--max-tokens",
        type=common.whole_number,
        default=MAX_TOKENS,
        metavar="N",
        help="stop after N generated tokens (default: %(default)s)",
    )
    voice.add(parser)
    parser.set_defaults(command=view)


def view(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.engine.standard import load
    from pyvm.view import View

    program = program_options.compile_program(arguments, reads=True)
    with load(arguments.machine) as model:
        voice.note_model(model)
        done = model.generate(program, arguments.max_tokens)
    page = View(done, program, arguments.at).html.encode()
    common.write_file(arguments.output, page)
    voice.note_memory()
    voice.tell(arguments, f"{done.tokens.size:,} tokens, a page of {len(page):,} bytes")
    return status.OK
