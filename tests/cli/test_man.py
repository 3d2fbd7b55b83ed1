"""The manual page: what the parser knows, the same bytes each time, and clean for groff."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from pyvm.commands import man
from pyvm.commands.dispatch import make_parser
from pyvm.commands.parsers import commands_of, subcommands, taken_by

ROFF = shutil.which("groff")


def printed(**variables) -> bytes:
    command = [sys.executable, "-m", "pyvm.commands.man"]
    return subprocess.run(
        command, capture_output=True, check=True, env={**os.environ, **variables}
    ).stdout


def test_the_same_bytes_on_any_terminal():
    page = man.page().encode("ascii")
    assert printed(COLUMNS="40", FORCE_COLOR="1", PYTHONHASHSEED="1") == page
    assert printed(COLUMNS="200", NO_COLOR="1", PYTHONHASHSEED="2") == page


def shown() -> str:
    command = [ROFF, "-man", "-Tascii", "-ww", "-rLL=500n", "-P-cbou"]
    done = subprocess.run(command, input=man.page().encode(), capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.skipif(ROFF is None, reason="needs groff")
def test_groff_shows_every_command_option_and_example():
    page = shown()
    for names, parser in commands_of(make_parser()):
        if not names or subcommands(parser):
            continue
        section = page.partition(f"   pyvm {' '.join(names)}\n")[2]
        section = re.split(r"\n   pyvm |\n[A-Z]", section)[0]
        for taken in taken_by(parser):
            for flag in taken.flags:
                assert flag in section or flag in ("-h", "--help"), (names, flag)
            assert " ".join(taken.help.split()) in section or "--help" in taken.flags, taken
        for example, what in parser.examples:  # type: ignore[attr-defined]
            assert example in section and what in section


def test_no_text_is_a_command_of_roff():
    assert man._text(".SH 'x\\y-z") == "\\&.SH \\(aqx\\ey\\-z"
    assert not [line for line in man.page().splitlines() if line.startswith("'")]
