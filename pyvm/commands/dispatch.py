"""From arguments to a command; the one place where failures become a sentence on stderr.

Enters: the arguments.  Leaves: an exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from pyvm import __version__
from pyvm.commands import common, interrupts, status, streams, voice
from pyvm.commands import report as reports
from pyvm.commands.report import Report
from pyvm.printable import printable

# The module of each command, in the order of `--help`.
_MODULES = {
    "run": "run",
    "compile": "programs",
    "trace": "programs",
    "view": "view",
    "specialize": "programs",
    "verify": "verify",
    "model": "models",
    "export": "export",
    "doctor": "doctor",
    "completion": "completion",
}

# The errors with a sentence for the user, by the module that has them.
_EXPECTED = {
    "engine.errors": "PyvmError",
    "isa.errors": "ProgramError",
    "isa.tokens": "TokenError",
    "trace.format": "TraceFileError",
    "weights.model_file": "ModelFileError",
}


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser of all commands; of one alone where it is named: the others need not be loaded."""
    parser = common.Parser(
        prog="pyvm",
        description="Programs that run inside a transformer.",
        examples=(
            ("pyvm run sudoku", "run a bundled program and verify every position"),
            ("echo 3 4 | pyvm run prog.c", "run a program of your own"),
            ("pyvm run --help", "what a command can do"),
        ),
    )
    parser.add_argument("--version", action="version", version=f"pyvm {__version__}")
    commands = parser.add_subparsers(
        prog=parser.prog, dest="name", required=True, metavar="COMMAND"
    )
    if command in _MODULES:
        names = [_MODULES[command]]
    else:
        names = [] if command == "--version" else list(dict.fromkeys(_MODULES.values()))
    for name in names:
        import_module(f"pyvm.commands.{name}").add(commands)
    return parser


def dispatch(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    if argv is None:
        interrupts.install()
        streams.prepare()
    try:
        words = sys.argv[1:] if argv is None else argv
        arguments = make_parser(words[0] if words else "").parse_args(argv)
    except common.UsageError as error:
        words = list(sys.argv[1:] if argv is None else argv)
        report = Report("--json" in words)
        report["error"] = str(error)
        return _guarded(lambda: status.USAGE, report)
    except SystemExit:  # --help and --version
        return _guarded(lambda: status.OK, Report(False))
    voice.listen(arguments)
    report = reports.of(arguments)

    def command() -> int:
        common.check_outputs(arguments)
        status: int = arguments.command(arguments, report)
        return status

    return _guarded(command, report)


def _guarded(command: Callable[[], int], report: Report) -> int:
    """Runs a command and prints its report, however it ends."""
    code = _ended(command, report)

    def finish() -> int:
        report.finish(code)
        sys.stdout.flush()
        return code

    return _ended(finish, report)


def _ended(command: Callable[[], int], report: Report) -> int:
    """The exit status; every failure becomes a sentence."""

    def fail(error: str) -> int:
        common.complain(f"pyvm: {error}")
        report["error"] = error
        return status.ERROR

    try:
        return command()
    except KeyboardInterrupt:
        report["error"] = "interrupted"
        return interrupts.status()
    except BrokenPipeError:
        streams.give_up(1)
        return fail("stdout was closed by its reader")
    except MemoryError as error:
        return fail(str(error) or "memory ran out")
    except OSError as error:
        if error.filename == "stdout":
            streams.give_up(1)
        return fail(common.sentence(error))
    except Exception as error:
        if _is_expected(error):
            return fail(_one_line(error))
        if os.environ.get("PYVM_TRACEBACK"):
            raise
        name = type(error).__name__
        return fail(
            f"a defect of pyvm ({name}: {error}); PYVM_TRACEBACK=1 shows where, please report it"
        )


def _one_line(error: Exception) -> str:
    """The sentence of an error, in which names of files cannot end the line.

    Only what a C compiler says has lines of its own.
    """
    from pyvm.isa.errors import CompileError

    return str(error) if isinstance(error, CompileError) else printable(str(error))


def _is_expected(error: Exception) -> bool:
    """Errors that were raised on purpose carry their own sentence."""
    loaded = (sys.modules.get(f"pyvm.{home}") for home in _EXPECTED)  # else nothing raised them
    expected = [getattr(home, _EXPECTED[home.__name__[5:]]) for home in loaded if home is not None]
    return isinstance(error, (common.CommandError, *expected))
