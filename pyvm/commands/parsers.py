"""What the parser knows, read off for completion and the manual.

Enters: the parser of all commands.  Leaves: each command with its parser, its options and what
these take.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

_TAKEN = {  # by the name of what is taken, as help shows it
    "PROGRAM": "program",
    "MODEL": "model",
    "FILE": "file",
    "PATH": "file",
    "TRACE": "file",
    "NAME[=PATH]": "file",
    "DIR": "folder",
}


@dataclass(frozen=True)
class Taken:
    """An option, or with no flags what stands at a place.

    `kind` is what it takes: nothing (""), one of `choices` ("choice"), a "program", a "model", a
    "file", a "folder", or anything else ("text").
    """

    flags: tuple[str, ...]
    metavar: str
    kind: str
    choices: tuple[str, ...]
    help: str
    group: str
    needed: bool
    many: bool


def commands_of(
    parser: argparse.ArgumentParser, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command, its names from the outermost on, and its parser; first the parser itself."""
    yield names, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from commands_of(child, (*names, name))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The names that may stand behind a command, and what is said of each."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {}


def taken_by(parser: argparse.ArgumentParser) -> list[Taken]:
    """Options and places, in the order of the help."""
    found = []
    for group in parser._action_groups:
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                continue
            found.append(_taken(parser, action, group.title or ""))
    return found


def _taken(parser: argparse.ArgumentParser, action: argparse.Action, group: str) -> Taken:
    choices = tuple(map(str, action.choices or ()))
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.nargs == 0:
        kind = name = ""
    elif choices:
        kind, name = "choice", "|".join(choices)
    else:
        kind = _TAKEN.get(name, "text")
    said = (action.help or "") % {**vars(action), "prog": parser.prog}
    many = action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction)
    return Taken(
        tuple(action.option_strings), name, kind, choices, said, group, action.required, many
    )
