"""`python -m pyvm.commands.man`: the manual page pyvm(1), made from the parser.

Enters: the parser of all commands.  Leaves: roff on stdout, the same bytes each time, which
`man -l` shows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from pyvm import __version__
from pyvm.commands import status
from pyvm.commands.common import Parser
from pyvm.commands.dispatch import make_parser
from pyvm.commands.parsers import Taken, commands_of, subcommands, taken_by

_ENVIRONMENT = (
    ("PYVM_CACHE", "the folder for compiled programs, machines and kernels"),
    ("PYVM_LIBRARY", "the file of libtvm"),
    ("PYVM_TRACEBACK", "where a defect of pyvm was met is shown"),
    ("CXX", "the C++ compiler that builds libtvm and kernels"),
    ("NO_COLOR, FORCE_COLOR", "no colours; colours where there is no terminal"),
)
_STATUSES = (status.RUN_EPILOG, status.VERIFY_EPILOG)


def page(parser: argparse.ArgumentParser | None = None) -> str:
    """The page, as roff."""
    return "\n".join(_lines(parser or make_parser())) + "\n"


def _lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f'.TH PYVM 1 "" "pyvm {__version__}" "User Commands"'
    yield ".SH NAME"
    yield "pyvm \\- run programs inside a transformer"
    yield ".SH SYNOPSIS"
    for name in subcommands(parser):
        yield f"\\fBpyvm {_text(name)}\\fR ..."
        yield ".br"
    yield ".SH DESCRIPTION"
    yield _text(
        "A transformer whose weights are constructed, not trained, runs WebAssembly by greedy "
        "decoding. Results go to stdout; everything else goes to stderr."
    )
    yield ".SH EXAMPLES"
    yield from _examples(parser)
    yield ".SH COMMANDS"
    for names, child in commands_of(parser):
        if names and not subcommands(child):
            yield from _command(names, child)
    yield ".SH EXIT STATUS"
    for number, epilog in enumerate(_STATUSES):
        yield from [".PP"] * bool(number)
        yield _text(f"pyvm {('run', 'verify')[number]}: {epilog.partition(': ')[2]}")
    yield ".SH ENVIRONMENT"
    for names_, what in _ENVIRONMENT:
        yield from _item(f"\\fB{_text(names_)}\\fR", what)


def _command(names: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f'.SS "pyvm {_text(" ".join(names))}"'
    taken = taken_by(parser)
    needed = [f"{_text(t.flags[0])} \\fI{_text(t.metavar)}\\fR" for t in taken if _must(t)]
    places = [f"\\fI{_text(t.metavar)}\\fR{' ...' * t.many}" for t in taken if not t.flags]
    yield f"\\fBpyvm {_text(' '.join(names))}\\fR {' '.join(['[options]', *needed, *places])}"
    yield ".PP"
    if parser.description:
        yield _text(parser.description)
    yield from _examples(parser)
    for one in taken:
        if "--help" in one.flags:
            continue
        flags = ", ".join(f"\\fB{_text(flag)}\\fR" for flag in one.flags)
        value = f"\\fI{_text(one.metavar)}\\fR" if one.metavar else ""
        yield from _item(" ".join(filter(None, (flags, value))), one.help)


def _must(taken: Taken) -> bool:
    return bool(taken.flags) and taken.needed


def _item(head: str, what: str) -> Iterable[str]:
    return ".TP", head, _text(what) or "\\&"


def _examples(parser: argparse.ArgumentParser) -> Iterator[str]:
    assert isinstance(parser, Parser)
    for command, what in parser.examples:
        yield from _item(f"\\fB{_text(command)}\\fR", what)


def _text(text: str) -> str:
    """Words on one line, none of which roff takes for its own."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    text = text.replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    return "\\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(page())
