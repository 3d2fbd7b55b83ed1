"""The command line: `pyvm COMMAND ...`.

Enters: the arguments.  Leaves: an exit status; what a command does is in pyvm/commands, one module
each. Here are the parser and the one place where failures become a sentence on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pyvm import __version__
from pyvm.commands import common, doctor, models, programs, run, status, verify
from pyvm.printable import printable


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pyvm",
        description="Programs that run inside a transformer.",
        epilog="Example: pyvm run sudoku",
    )
    parser.add_argument("--version", action="version", version=f"pyvm {__version__}")
    commands = parser.add_subparsers(
        dest="name", required=True, metavar="COMMAND", parser_class=common.Parser
    )
    for module in (run, programs, verify, models, doctor):
        module.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    try:
        arguments = make_parser().parse_args(argv)
        code = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return status.INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return _fail("stdout was closed by its reader")
    except MemoryError as error:
        return _fail(str(error) or "memory ran out")
    except OSError as error:
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
    try:
        common.say(f"pyvm: {message}")
    except OSError:
        pass  # stderr is closed too
    return status.ERROR


def _discard_stdout() -> None:
    """Nobody reads stdout: Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
