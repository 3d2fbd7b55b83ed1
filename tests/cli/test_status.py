"""Exit statuses of every command (pyvm/commands/status.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import failure, program_file, pyvm, token_file
from pyvm.commands import status

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("case", "options", "code", "said"),
    [
        ("output", (), 0, "every position ok"),
        ("trap", (), 134, "trap: integer division by zero"),
        ("loop", ("--max-tokens", 9), 124, "the budget of 9 tokens"),
        ("output", ("--flight", 1), 2, "--flight"),
    ],
)
def test_run(tmp_path, case, options, code, said):
    done = pyvm("run", token_file(tmp_path, case), *options)
    assert done.returncode == code and said in done.stderr.decode()


def test_run_that_pyvm_cannot_do(tmp_path):
    assert "No such file" in failure(pyvm("run", "hello", "--model", tmp_path / "no"), 125)


def test_calls_too_deep_are_a_trap(tmp_path):
    done = pyvm("run", program_file(tmp_path, "f:\ncall @f"), "--max-depth", 100)
    assert done.returncode == 134 and b"call stack exhausted" in done.stderr


def test_verify(tmp_path):
    good, wrong = tmp_path / "good.txt", tmp_path / "wrong.txt"
    assert pyvm("trace", "hello", "--tokens", "-o", good).returncode == 0
    wrong.write_text(good.read_text().replace("out(H)", "out(J)"))
    missing = tmp_path / "missing.txt"
    for paths, code in (
        ((good,), 0),
        ((wrong,), 1),
        ((missing,), 125),
        ((good, missing), 125),
        ((missing, wrong), 1),  # a wrong trace is wrong whatever the others are
        ((wrong, missing), 1),
    ):
        assert pyvm("verify", *paths).returncode == code, paths


@pytest.mark.parametrize("command", ["compile", "trace", "specialize"])
def test_other_commands(tmp_path, command):
    output = tmp_path / "out"
    assert pyvm(command, token_file(tmp_path, "calls"), "-o", output).returncode == 0
    failure(pyvm(command, tmp_path / "missing", "-o", output), 125)
    assert pyvm(command, "--flight").returncode == 2


def test_a_trace_of_a_program_that_ends_badly_is_a_trace(tmp_path):
    done = pyvm("trace", token_file(tmp_path, "trap"))
    assert done.returncode == 0 and b"trap: integer division by zero" in done.stderr
    done = pyvm("trace", token_file(tmp_path, "loop"), "--max-tokens", "9")
    assert done.returncode == 0 and b"stopped by limit" in done.stderr


def test_help_and_readme_name_the_statuses():
    said = " ".join(pyvm("run", "--help").stdout.decode().split())
    told = " ".join(README.read_text(encoding="utf-8").split())
    for number in (status.BUDGET, status.ERROR, status.TRAPPED, status.USAGE, status.INTERRUPTED):
        assert f" {number} " in said and f" {number} " in told
    assert f"{status.WRONG} one is not" in " ".join(
        pyvm("verify", "--help").stdout.decode().split()
    )
    for command in (("compile",), ("trace",), ("specialize",), ("model", "info"), ("doctor",)):
        assert b"Exit statuses: 0 " in pyvm(*command, "--help").stdout, command
