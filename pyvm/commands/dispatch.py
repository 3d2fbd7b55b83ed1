"""From arguments to a command; the one place where failures become a sentence on stderr.

Enters: the arguments.  Leaves: an exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pyvm import __version__
from pyvm.commands import (
    common,
    doctor,
    interrupts,
    models,
    programs,
    run,
    status,
    streams,
    verify,
)
from pyvm.printable import printable


def make_parser() -> argparse.ArgumentParser:
    parser = common.Parser(
        prog="pyvm",
        description="Programs that run inside a transformer.",
        epilog="Example: pyvm run sudoku",
    )
    parser.add_argument("--version", action="version", version=f"pyvm {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for module in (run, programs, verify, models, doctor):
        module.add(commands)
    return parser


def dispatch(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    if argv is None:
        interrupts.install()
        streams.prepare()
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return interrupts.status()
    except BrokenPipeError:
        streams.give_up(1)
        return _fail("stdout was closed by its reader")
    except MemoryError as error:
        return _fail(str(error) or "memory ran out")
    except OSError as error:
        if error.filename == "stdout":
            streams.give_up(1)
        return _fail(common.sentence(error))
    except Exception as error:
        if _is_expected(error):
            return _fail(_one_line(error))
        if os.environ.get("PYVM_TRACEBACK"):
            raise
        name = type(error).__name__
        return _fail(
            f"a defect of pyvm ({name}: {error}); PYVM_TRACEBACK=1 shows where, please report it"
        )


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = make_parser().parse_args(argv)
    except common.UsageError:
        return status.USAGE
    except SystemExit:  # --help and --version
        return status.OK
    return arguments.command(arguments)


def _one_line(error: Exception) -> str:
    """The sentence of an error, in which names of files cannot end the line.

    Only what a C compiler says has lines of its own.
    """
    from pyvm.program.errors import CompileError

    return str(error) if isinstance(error, CompileError) else printable(str(error))


def _is_expected(error: Exception) -> bool:
    """Errors that were raised on purpose carry their own sentence."""
    from pyvm.engine.errors import PyvmError
    from pyvm.program.errors import ProgramError
    from pyvm.program.tokens import TokenError
    from pyvm.weights.model_file import ModelFileError

    expected = (common.CommandError, PyvmError, ProgramError, TokenError, ModelFileError)
    return isinstance(error, expected)


def _fail(message: str) -> int:
    common.say(f"pyvm: {message}")
    return status.ERROR
