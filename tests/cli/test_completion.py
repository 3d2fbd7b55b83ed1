"""Completion, as the shells do it that are installed."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from command import pyvm
from pyvm.bundled import PROGRAMS
from pyvm.commands import completion
from pyvm.commands.dispatch import make_parser

# A command line, the last of its words half written, and all that there is to offer for it.
OFFERS = [
    ("pyvm ver", {"verify"}),
    ("pyvm model inf", {"info"}),
    ("pyvm run su", {"sudoku", "sub dir/"}),
    ("pyvm run --path pl", {"plan"}),
    ("pyvm run --path=lay", {"layers"}),
    ("pyvm run hello --max-dep", {"--max-depth"}),
    ("pyvm run --machine base --max-d", {"--max-depth"}),
    ("pyvm run --path plan su", {"sudoku", "sub dir/"}),
    ("pyvm run --model ba", {"base", "back.bin"}),
    ("pyvm run --max-tokens ba", set()),
    ("pyvm run -I su", {"sub dir/"}),
    ("pyvm verify ba", {"back.bin"}),
    ("pyvm model compile --program hel", {"hello"}),
    ("pyvm model info --j", {"--json"}),
    ("pyvm export --to o", {"onnx"}),
    ("pyvm completion fi", {"fish"}),
]


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A place with names that look like those of pyvm, and the three scripts."""
    (tmp_path / "back.bin").touch()
    (tmp_path / "sub dir").mkdir()
    for shell in completion._SHELLS:
        script = tmp_path / "scripts" / shell
        script.parent.mkdir(exist_ok=True)
        script.write_text(completion._SHELLS[shell](make_parser()))
    return tmp_path


@pytest.mark.parametrize("shell", completion._SHELLS)
def test_the_command_prints_the_script(folder, shell):
    done = pyvm("completion", shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == (folder / "scripts" / shell).read_text()
    needs(shell)
    subprocess.run([shell, "-n", folder / "scripts" / shell], check=True)


def test_all_words_are_in_every_script(folder):
    for shell in completion._SHELLS:
        script = (folder / "scripts" / shell).read_text()
        for word in (*PROGRAMS, "specialize", "transformerlens"):
            assert word in script, (shell, word)


def in_bash(folder: Path, line: str) -> set[str]:
    words = shlex.split(line.replace("=", " = "))
    code = (
        f"source scripts/bash; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1};"
        "_pyvm; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.splitlines()) - {""}


def in_fish(folder: Path, line: str) -> set[str]:
    code = f"source scripts/fish; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    offered = {found.partition("\t")[0] for found in done.stdout.splitlines()}
    return {found.rpartition("=")[2].replace("\\ ", " ") for found in offered}


@pytest.mark.parametrize(("line", "offered"), OFFERS)
def test_bash(folder, line, offered):
    needs("bash")
    # Where it completes names of files, bash itself puts the slash behind those of folders.
    assert in_bash(folder, line) == {word.rstrip("/") for word in offered}


def test_bash_behind_two_dashes(folder):
    needs("bash")
    assert in_bash(folder, "pyvm run prog.c -- ba") == {"back.bin"}
    assert in_bash(folder, "pyvm run prog.c --file data=ba") == {"back.bin"}
    assert in_bash(folder, "pyvm run prog.c --file data=hel") == set()


@pytest.mark.parametrize(("line", "offered"), OFFERS)
def test_fish(folder, line, offered):
    needs("fish")
    assert in_fish(folder, line) == offered


@pytest.mark.parametrize(("line", "offered"), [row for row in OFFERS if len(row[1]) == 1])
def test_zsh(folder, line, offered):
    """What stands on the line after Tab; a key of our own shows the line and ends the shell."""
    needs("zsh")
    (folder / ".zshrc").write_text(
        "autoload -U compinit; compinit -u -D; source scripts/zsh; PS1='ready>'; unsetopt beep\n"
        'show() { print -r "<$BUFFER>"; exit }; zle -N show; bindkey "^X" show\n'
    )
    env = {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb", "COLUMNS": "200"}
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=env,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, sent = "", False
    with os.fdopen(mine, "r+b", 0) as terminal:
        end = time.monotonic() + 60
        while ">" not in shown.partition("<")[2] and time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    shown += terminal.read(4096).decode()
                except OSError:
                    break
            if "ready>" in shown and not sent:
                sent = True
                terminal.write(f"{line}\t\x18".encode())
        process.kill()
        process.wait()
    found = shown.partition("<")[2].partition(">")[0]
    (word,) = offered
    said = (
        line.rpartition("=")[0] + "=" + word if "=" in line else f"{line.rpartition(' ')[0]} {word}"
    )
    assert found.rstrip(" =").replace("\\ ", " ") == said, shown
