"""What several commands share: options, compiling, opening, writing files.

Enters: parsed options.  Leaves: programs, models, files.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeAlias

from pyvm.commands import colours, streams
from pyvm.commands.colours import Painted, bad
from pyvm.engine.abi import ATTENTIONS, BYPASSES, PATHS, PROJECTIONS
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.engine.model import Model

# Where a command adds its parser.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_MOST_THREADS = 1024  # as many as libtvm takes
_READ = ("FILE", "MODEL", "TRACE", "DIR")  # what help calls names of files and folders

INEXACT = (
    "note: this model's sums are rounded, and this variant adds in an order of its own: "
    "others may give other tokens"
)


class CommandError(Exception):
    """One sentence for the user."""


class UsageError(CommandError):
    """Wrong arguments; the usage was shown."""


@lru_cache(maxsize=1)
def _columns() -> int:
    """The width of the terminal; argparse would ask for it with each option."""
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 80


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, width=max(_columns(), 20) - 2)


class Parser(argparse.ArgumentParser):
    """Options may stand between a program and its arguments: `run FILE --entry add 2 3`.

    What a command does not know is refused with the usage of that command.  Its help begins with
    examples: command lines, and what each is for.
    """

    keeps_rest = False  # words behind -- are the program's own, in `rest`
    finish: Callable[[Parser, argparse.Namespace], None] | None = None  # what is checked at the end
    _second = False  # parsing intermixed arguments comes back here

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **options: Any):
        super().__init__(*args, **{"formatter_class": _Formatter, **options})
        self.examples = tuple(examples)
        self.color = False  # Python 3.14 has colours of its own; ours are in print_help

    def format_help(self) -> str:
        longest = max((len(command) for command, _ in self.examples), default=0)
        lines = [f"  {command:{longest}}  {what}\n" for command, what in self.examples]
        return f"examples:\n{''.join(lines)}\n{super().format_help()}"

    def print_help(self, file: Any = None) -> None:
        stream = file or sys.stdout
        text = self.format_help()
        stream.write(colours.headings(text) if colours.wanted(stream) else text)

    def parse_known_args(  # type: ignore[override]  # one of its overloads is enough
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        nested = any(action.nargs == argparse.PARSER for action in self._get_positional_actions())
        if self.keeps_rest and not self._second and args is not None:
            words = list(args)
            at = words.index("--") if "--" in words else len(words)
            args, rest = words[:at], words[at + 1 :]
        else:
            rest = None
        if self._second or nested:
            return super().parse_known_args(args, namespace)
        self._second = True
        try:
            if args is not None and "--" in args:  # argparse would forget it in between
                parsed, unknown = super().parse_known_args(args, namespace)
            else:
                # Seldom does an option stand in between, and looking for it takes long.
                parsed, unknown = super().parse_known_args(args, copy.copy(namespace))
                if unknown:
                    parsed, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._second = False
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        if rest is not None:
            parsed.rest = rest
        self._refuse_empty_names(parsed)
        if self.finish is not None:
            self.finish(self, parsed)
        return parsed, unknown

    def _refuse_empty_names(self, parsed: argparse.Namespace) -> None:
        """Names of what is read: "" would be taken for no name, or for this folder."""
        for action in self._actions:
            if action.metavar in _READ and action.dest != "output":
                given = getattr(parsed, action.dest, None)
                if "" in (given if isinstance(given, list) else [given]):
                    name = "/".join(action.option_strings) or action.metavar
                    self.error(f"argument {name}: the empty name is no file's")

    def error(self, message: str) -> NoReturn:
        say(f"{self.format_usage()}{self.prog}: ", bad("error"), f": {message}")
        raise UsageError(message)


def say(*parts: str | Painted) -> None:
    """A line on stderr: stdout belongs to results.

    What files and compilers wrote into it cannot steer the terminal.
    """
    streams.warn(shown(sys.stderr, *parts) + "\n")


def complain(sentence: str, before: str = "") -> None:
    """Says what is wrong; the words up to the colon are the verdict."""
    say(before, *verdict_first(sentence))


def verdict_first(sentence: str) -> tuple[Painted, str]:
    """A sentence whose words up to the colon are marked."""
    verdict, colon, reason = sentence.partition(":")
    return bad(verdict), colon + reason


def shown(stream: TextIO, *parts: str | Painted) -> str:
    """The parts as that stream shows them."""
    coloured = colours.wanted(stream)
    words = []
    for part in parts:
        if isinstance(part, str):
            words.append(printable(part, kept="\n\t"))
        else:
            text = printable(part.text, kept="\n\t")
            words.append(colours.painted(Painted(text, part.code)) if coloured else text)
    return "".join(words)


def whole_number(text: str, most: int = (1 << 63) - 1) -> int:
    """An option that counts something."""
    digits = text.replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    # Python refuses to read thousands of digits.
    if len(digits.lstrip("0")) > 19 or int(digits) > most:
        raise argparse.ArgumentTypeError(f"{text[:40]} is too large: at most {most:,}")
    return int(digits)


def threads(text: str) -> int:
    return whole_number(text, _MOST_THREADS)


def add_machine_option(parser: argparse.ArgumentParser, what: str = "to compile for") -> None:
    parser.add_argument(
        "--machine",
        choices=("standard", "base"),
        default="standard",
        help=f"the machine {what} (base: 36 opcodes, no i64; default: standard)",
    )


MODEL_HELP = "a model file, or `base`, the machine with 36 opcodes (default: the standard machine)"


def add_model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="MODEL", help=MODEL_HELP)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("engine", "every combination gives the same tokens")
    group.add_argument("--path", choices=PATHS, default="auto", help="default: auto")
    group.add_argument("--projection", choices=PROJECTIONS, default="auto", help="default: auto")
    group.add_argument("--attention", choices=ATTENTIONS, default="auto", help="default: auto")
    group.add_argument("--bypass", choices=BYPASSES, default="all", help="default: all")
    group.add_argument("--threads", type=threads, default=0, metavar="N", help="default: all cores")


def engine_options(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("path", "projection", "attention", "bypass", "threads")
    return {name: getattr(arguments, name) for name in names}


def open_model(arguments: argparse.Namespace) -> Model:
    from pyvm.engine.standard import load

    return load(arguments.model)


def sentence(error: Exception) -> str:
    """What an error says to a user: of the operating system's, the file and the reason."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{printable(os.fsdecode(error.filename))}: {error.strerror}"
    return printable(str(error))


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuses a name that no result can be written to, before there is one."""
    from pyvm import files

    if arguments.name == "export":  # some are folders; it looks itself
        return
    for name in ("output", "profile"):
        path: str | None = getattr(arguments, name, None)
        if path is None or path == "-":
            continue
        try:
            files.check_place(path)
        except OSError as error:
            raise _unwritten(path, error) from None


def _unwritten(path: str, error: OSError) -> CommandError:
    return CommandError(f"{printable(path) or 'a result'} cannot be written: {error.strerror}")


def write_file(path: str, data: bytes) -> None:
    """Writes a result; "-" is stdout."""
    from pyvm import files

    if path == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        files.write_file(path, data)
    except OSError as error:
        raise _unwritten(path, error) from None


def rate(count: int, seconds: float) -> str:
    """For example "980,201 tokens in 0.62 s (1,580,969 tokens/s)"."""
    noun = "token" if count == 1 else "tokens"
    speed = f" ({count / seconds:,.0f} tokens/s)" if seconds > 0 else ""
    return f"{count:,} {noun} in {seconds:.2f} s{speed}"
