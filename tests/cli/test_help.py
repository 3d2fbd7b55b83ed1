"""Help that leads with examples, and colours where a terminal shows them."""

from __future__ import annotations

import io
import os
import re
import shlex

import pytest

from command import on_a_terminal, pyvm
from pyvm.commands import colours
from pyvm.commands.common import Parser
from pyvm.commands.dispatch import make_parser
from pyvm.commands.parsers import commands_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
PARSERS = {" ".join(names): parser for names, parser in commands_of(make_parser())}
RED, GREEN, BOLD = b"\x1b[1;31m", b"\x1b[32m", b"\x1b[1m"


def words_of(example: str) -> list[str]:
    """The arguments of pyvm in a command line."""
    found = re.search(r"\bpyvm ([^)|]*)", example)
    assert found, example
    return shlex.split(found[1])


def test_all_commands_are_there():
    assert {"", "run", "model", "model build", "verify", "doctor"} <= set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_help_begins_with_examples_that_are_right(name):
    parser = PARSERS[name]
    assert isinstance(parser, Parser) and len(parser.examples) in (2, 3)
    assert parser.format_help().startswith("examples:\n  ")
    lines = [words_of(example) for example, _ in parser.examples]
    assert any(words[: len(name.split())] == name.split() for words in lines)
    for words in lines:
        if "--help" in words:
            assert " ".join(words[:-1]) in PARSERS
        else:
            make_parser(words[0]).parse_args(words)


def test_examples_run(tmp_path):
    """Those that take nothing but the bundled programs, in the order of the help."""
    env = {**os.environ, "PYVM_CACHE": str(tmp_path / "cache")}
    for name in ("compile", "trace", "verify", "specialize", "doctor"):
        for example, _ in PARSERS[name].examples:
            if "prog.c" not in example:
                done = pyvm(*words_of(example), cwd=tmp_path, env=env)
                assert done.returncode == 0, (example, done.stderr)


def test_colours_on_a_terminal():
    assert GREEN + b"every position ok" in on_a_terminal("run", "hello")[1]
    assert RED + b"pyvm\x1b[0m: /no/file: no such file" in on_a_terminal("run", "/no/file")[1]
    assert RED + b"error\x1b[0m: unrecognized" in on_a_terminal("run", "hello", "--nonsense")[1]
    help = on_a_terminal("run", "--help")[1]
    assert BOLD + b"examples:\x1b[0m" in help and BOLD + b"usage:\x1b[0m" in help


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("arguments", ["run /no/file", "run --help"])
def test_no_colours_where_they_are_not_wanted(variables, arguments):
    shown = on_a_terminal(*arguments.split(), **variables)[1]
    assert shown and b"\x1b" not in shown


def test_no_colours_in_files(monkeypatch):
    for arguments in ("run /no/file", "run --help", "run --nonsense", "run hello"):
        done = pyvm(*arguments.split())
        assert b"\x1b" not in done.stdout + done.stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert colours.wanted(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours.wanted(io.StringIO())


def test_names_cannot_paint(tmp_path):
    """An escape code in a name stays one that is shown, in colours or without."""
    shown = on_a_terminal("run", "\x1b[32mx.c")[1]
    assert b"\\x1b[32mx.c" in shown and b"\x1b[32m" not in shown
