"""`pyvm model build --solve`: progress on a terminal, Ctrl-C, and what cannot be solved."""

from __future__ import annotations

import os
import signal

import pytest

from command import failure, on_a_terminal, pyvm

pytest.importorskip("highspy")
SOLVE = ("model", "build", "--machine", "base", "--solve")


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
def test_a_terminal_shows_how_far_it_is(tmp_path):
    status, shown = on_a_terminal(*SOLVE, 4, "-o", tmp_path / "base.bin")
    assert status == 0 and (tmp_path / "base.bin").stat().st_size > 100_000
    assert b"solving: " in shown and b"s, slots: best " in shown
    last = shown.rpartition(b"\x1b[K")[2]
    assert last.startswith(b"4 layers, D = 24, ")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_nothing(tmp_path):
    path = tmp_path / "standard.bin"
    command = ("model", "build", "--solve", 7, "-o", path)
    status, shown = on_a_terminal(*command, until=b"solving: ", signal=signal.SIGINT)
    assert status == 130 and b"Traceback" not in shown
    assert shown.endswith(b"interrupted: nothing was written\r\n")
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_it_is_silent(tmp_path):
    done = pyvm(*SOLVE, 4, "-o", tmp_path / "base.bin")
    assert done.returncode == 0 and done.stdout == b""
    assert done.stderr.startswith(b"4 layers, D = 24, ") and done.stderr.count(b"\n") == 1
    done = pyvm(*SOLVE, 4, "-o", tmp_path / "base.bin", "--verbose")
    assert b"schedule: 24 slots, proved to be the least\n" in done.stderr


def test_what_cannot_be_solved(tmp_path):
    path = tmp_path / "base.bin"
    assert "no schedule with 1 layer" in failure(pyvm(*SOLVE, 1, "-o", path))
    for layers in (0, -1, 101, 1 << 62):
        done = pyvm(*SOLVE, layers, "-o", path)
        assert done.returncode == 2 and b"argument --solve: " in done.stderr, done.stderr
    assert not path.exists()
