"""What the pages say, tried: links lead somewhere, commands exist as they are written, and the
commands and the Python code of README run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import pages.text as text
from pyvm import helpers
from pyvm.commands import common
from pyvm.commands.dispatch import make_parser

README = text.ROOT / "README.md"
PROGRAM = r"""
#include <stdio.h>
#ifndef N
#define N 0
#endif
int main(int argc, char **argv) {
  int a = 0, b = 0;
  if (scanf("%d %d", &a, &b) == 2) printf("%d\n", a + b + N);
  return 0;
}
"""
# A module with one export, add: (i32, i32) -> i32.
ADD = bytes.fromhex(
    "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b"
)


@pytest.mark.parametrize("page", text.PAGES, ids=text.name_of)
def test_links_lead_somewhere(page):
    for link in text.links(page):
        where, _, anchor = link.partition("#")
        target = (page.parent / where).resolve() if where else page
        assert target.exists(), link
        if anchor:
            assert anchor in text.headings(target), link


def words_of(command: str) -> list[str]:
    """A command as arguments: of what a page writes in brackets the inside, of alternatives the
    first, of a number N one."""
    command = command.split(" | ")[-1].split(" > ")[0]
    command = re.sub(r"\[([^\]]*)\]", r"\1", command).replace("...", "")
    words = [word.split("|")[0] for word in shlex.split(command)]
    return ["1" if word in ("N", "M", "SECONDS", "BYTES") else word for word in words]


def pyvm_commands(page: Path) -> list[list[str]]:
    """The arguments of each `pyvm` on a page that is more than the name of a command."""
    found = []
    for command in text.commands(page):
        words = words_of(command)
        if words[0] == "./tools/run":
            words[0:1] = ["pyvm", "run"]
        if words[0] in ("pyvm", ".venv/bin/pyvm"):
            found.append(words[1:])
    return found


def test_pages_have_commands():
    assert len(pyvm_commands(README)) > 8
    assert sum(len(text.commands(page)) for page in text.PAGES) > 40


@pytest.mark.parametrize("page", text.PAGES, ids=text.name_of)
def test_commands_are_written_right(page):
    names = {"run", "compile", "trace", "view", "specialize", "verify", "export"}
    for words in pyvm_commands(page):
        if len(words) == 1 and words[0] in names:
            continue  # the name of a command
        try:
            make_parser(words[0]).parse_args(words)
        except common.UsageError as error:
            pytest.fail(f"pyvm {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", text.PAGES, ids=text.name_of)
def test_tools_have_the_options_that_pages_name(page):
    for command in text.commands(page):
        words = command.split()
        if words[0].removeprefix("./").startswith("tools/") and words[0] not in (
            "./tools/run",
            "./tools/test",
        ):
            tool = text.ROOT / words[0].rstrip(",")
            assert tool.is_file(), command
            shared = "".join(p.read_text() for p in (tool, text.ROOT / "tools" / "measure.py"))
            for word in words[1:]:
                if word.startswith("--"):
                    assert f'"{word.partition("=")[0]}"' in shared, command
        if "python -m pyvm" in command:
            module = command[command.index("python -m ") :].split()[2]
            path = text.ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where README's reader stands: a program of their own, and `pyvm` to be called."""
    if helpers.zig() is None:
        pytest.skip("needs the zig wheel")
    folder = tmp_path_factory.mktemp("reader")
    (folder / "prog.c").write_text(PROGRAM)
    (folder / "other.c").write_text("int other;\n")
    (folder / "FILE").with_suffix(".wasm").write_bytes(ADD)
    for name in (".venv/bin/pyvm", "bin/pyvm"):
        script = folder / name
        script.parent.mkdir(parents=True)
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pyvm.cli "$@"\n')
        script.chmod(0o755)
    return folder


def test_commands_of_readme_run(folder):
    """Each once, in their order, where the reader would type them."""
    elsewhere = {
        "./tools/run sudoku",
        "pyvm model compile",
    }  # other tests
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    ran = 0
    for command in text.commands(README):
        words = words_of(command)
        if words[0] not in ("pyvm", ".venv/bin/pyvm", "./tools/run") or command in elsewhere:
            continue
        if len(words) == 2 and words[1] in ("run", "verify"):
            continue
        line = command.replace("./tools/run", "pyvm run").replace(" FILE ", " FILE.wasm ")
        line = line.replace("...", "")
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, (command, done.stderr.decode())
        ran += 1
        if "--tokens > a.txt" in command:
            (folder / "b.txt").write_bytes((folder / "a.txt").read_bytes())
        if "echo 3 4" in command:
            assert done.stdout == b"7\n"
        if "add 2 3" in command:
            assert done.stdout == b"5\n"
    assert ran >= 8


def test_python_of_readme_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (block,) = text.python_blocks(README)
    found: dict[str, object] = {}
    exec(block, found)
    assert found["check"].ok and found["check"].complete  # type: ignore[attr-defined]
