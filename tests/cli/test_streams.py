"""stdin, stdout and stderr that are closed, or full."""

from __future__ import annotations

import os
import subprocess

import pytest

from command import COMMAND, pyvm

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX sh")


def shell(arguments: str, redirections: str) -> subprocess.CompletedProcess[bytes]:
    words = " ".join(f"'{word}'" for word in COMMAND)
    command = f"{words} {arguments} {redirections}"
    return subprocess.run(["sh", "-c", command], capture_output=True, timeout=120)


@pytest.mark.parametrize("arguments", ["run hello", "model info", "compile hello", "trace hello"])
def test_a_closed_stdout(arguments):
    done = shell(arguments, ">&-")
    assert done.returncode == 125 and done.stdout == b""
    assert done.stderr == b"pyvm: stdout: it is closed\n"


def test_a_closed_stdout_that_nobody_needs(tmp_path):
    path = tmp_path / "hello.txt"
    done = shell(f"compile hello -o {path}", ">&-")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == pyvm("compile", "hello").stdout


@pytest.mark.parametrize("arguments", ["run hello", "model info", "--help", "doctor"])
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_stdout(arguments):
    done = shell(arguments, ">/dev/full")
    assert done.returncode == 125
    assert done.stderr == b"pyvm: stdout: No space left on device\n"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&- <&-"])
def test_nobody_hears_stderr(tmp_path, redirection):
    done = shell("run hello", redirection)
    assert (done.returncode, done.stdout) == (0, pyvm("run", "hello").stdout)
    for arguments, code in (("run", 2), ("run nothing", 125), ("run hello --x", 2)):
        done = shell(arguments, redirection)
        assert (done.returncode, done.stdout, done.stderr) == (code, b"", b""), arguments
    path = tmp_path / "out.txt"
    done = shell(f"trace hello --tokens -o {path}", redirection)  # no message goes into the file
    assert done.returncode == 0
    assert path.read_bytes() == pyvm("trace", "hello", "--tokens").stdout


def test_all_three_closed():
    assert shell("run hello", "<&- >&- 2>&-").returncode == 125
