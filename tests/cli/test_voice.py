"""`--quiet` and `--verbose`: what a command says on stderr beside its results."""

from __future__ import annotations

import os

import pytest

from command import pyvm, token_file
from pyvm import notes
from pyvm.bundled import PROGRAMS

HELLO = PROGRAMS["hello"].cases[0].output.encode()


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "a.txt"
    assert pyvm("trace", "hello", "--tokens", "-o", path).returncode == 0
    return path


@pytest.mark.parametrize(
    "command",
    [
        "run hello",
        "compile hello",
        "trace hello",
        "specialize addition -o out",
        "view hello -o out",
        "verify a.txt",
        "model build --machine base -o out",
    ],
)
def test_quiet_says_nothing_where_all_is_well(tmp_path, trace, command):
    loud = pyvm(*command.split(), cwd=tmp_path)
    quiet = pyvm(*command.split(), "--quiet", cwd=tmp_path)
    assert loud.stderr.count(b"\n") and quiet.stderr == b""
    assert (loud.returncode, quiet.returncode, quiet.stdout) == (0, 0, loud.stdout)


def test_quiet_says_what_is_wrong(tmp_path, trace):
    right = trace.read_text()
    trace.write_text(right.replace("out(H)", "out(J)"))
    assert b"verification failed: at position" in pyvm("verify", "--quiet", trace).stderr
    trace.write_text(" ".join(right.split()[:-1]))
    assert b"incomplete: no halt" in pyvm("verify", "--quiet", trace).stderr
    for command in ("run", "trace"):
        done = pyvm(command, token_file(tmp_path, "trap"), "--quiet")
        assert b"trap: integer division by zero" in done.stderr
    assert pyvm("run", tmp_path / "missing", "--quiet").stderr.count(b"\n") == 1


def test_verbose_tells_the_way(tmp_path):
    env = {**os.environ, "PYVM_CACHE": str(tmp_path)}
    first, second = (pyvm("run", "hello", "--verbose", env=env) for _ in range(2))
    said = first.stderr.decode()
    assert (first.stdout, second.stdout) == (HELLO, HELLO)
    assert "program: hello compiled to " in said and "machine: standard is built" in said
    assert "model: <Model V=3317" in said and "kernel" in said
    assert "path: plan; the kernel ran " in said
    again = second.stderr.decode()
    assert f"kept in {tmp_path}" in again and "machine: standard is kept in" in again
    done = pyvm("run", "hello", "--verbose", "--path", "layers", env=env)
    assert "path: layers; projections " in done.stderr.decode()
    if os.name != "nt":
        assert "MB at most" in said


def test_both_at_once_are_refused():
    done = pyvm("run", "hello", "--quiet", "--verbose")
    assert done.returncode == 2 and b"not allowed with argument" in done.stderr


def test_notes_are_for_who_listens(monkeypatch):
    notes.note("nobody hears this")
    heard: list[str] = []
    monkeypatch.setattr(notes, "listener", heard.append)
    notes.note("one")
    assert heard == ["one"]
