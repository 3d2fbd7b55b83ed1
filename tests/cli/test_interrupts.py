"""Ctrl-C and SIGTERM at every stage: an exit status, no traceback, nothing half-written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command import COMMAND, program_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
ROOT = Path(__file__).parents[2]
ENDLESS = "i32.const 65\noutput\nloop:\nbr @loop"


def start(command, ignored=False, **options) -> subprocess.Popen[bytes]:
    action = signal.SIG_IGN if ignored else signal.SIG_DFL
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, action),
        **options,
    )


def trap_import(folder: Path, module: str) -> dict[str, str]:
    """An environment where importing a module raises the signal in the midst of it."""
    (folder / f"{module}.py").write_text(
        "import os, time\nos.kill(os.getpid(), int(os.environ['NUMBER']))\ntime.sleep(20)\n"
    )
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
@pytest.mark.parametrize("module", ["argparse", "ctypes"])
def test_while_modules_load(tmp_path, module, number, status):
    env = {**trap_import(tmp_path, module), "NUMBER": str(int(number))}
    with start([*COMMAND, "run", "hello"], env=env) as process:
        output, report = process.communicate(timeout=60)
    # Before any handler is there, SIGTERM ends the process itself, which a shell shows as 143.
    assert process.returncode in (status, -number)
    assert (output, report) == (b"", b"")


def test_while_setup_loads(tmp_path):
    """tools/run: its own imports, then pyvm's, which get the signal blocked until pyvm is there."""
    env = {**trap_import(tmp_path, "json"), "NUMBER": str(int(signal.SIGINT))}
    with start([sys.executable, ROOT / "tools" / "setup.py", "run", "hello"], env=env) as process:
        output, report = process.communicate(timeout=60)
    assert (process.returncode, output, report) == (130, b"", b"")
    code = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT});"
        "os.kill(os.getpid(), signal.SIGINT); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with start([sys.executable, "-c", code, *COMMAND, "run", "hello"]) as process:
        output, report = process.communicate(timeout=60)
    assert (process.returncode, output, report) == (130, b"", b"")


@pytest.mark.parametrize("ignored", [False, True], ids=["foreground", "background"])
def test_sigterm_during_a_run(tmp_path, ignored):
    path = program_file(tmp_path, ENDLESS)
    command = [*COMMAND, "run", path, "--max-tokens", "2000000000"]
    with start(command, ignored, bufsize=0) as process:
        assert process.stdout.read(1) == b"A"
        if ignored:
            process.send_signal(signal.SIGINT)  # nohup and `&`: it stays ignored
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        output, report = process.communicate(timeout=60)
    assert (process.returncode, output, report) == (143, b"", b"")


def test_sigterm_leaves_no_half_written_file(tmp_path):
    """In the midst of writing: the new file goes, the old one stays."""
    target = tmp_path / "out.txt"
    target.write_text("old")
    code = (
        "import os, sys, signal\n"
        "import pyvm.files\n"
        "def replace(*_): os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.replace = replace\n"
        f"sys.argv[1:] = ['compile', 'hello', '-o', {str(target)!r}]\n"
        "from pyvm.cli import main\n"
        "sys.exit(main())\n"
    )
    with start([sys.executable, "-c", code]) as process:
        output, report = process.communicate(timeout=60)
    assert (process.returncode, output, report) == (143, b"", b"")
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]
    assert target.read_text() == "old"


def test_sigterm_during_verification(tmp_path):
    path = program_file(tmp_path, ENDLESS)
    trace = [*COMMAND, "trace", path, "--max-tokens", "300000", "--tokens", "-o", tmp_path / "t"]
    assert subprocess.run(trace, capture_output=True).returncode == 0
    command = [*COMMAND, "verify", "--partial", tmp_path / "t", "--attention", "scan"]
    command += ["--path", "layers", "--bypass", "none", "--projection", "dense"]
    with start(command) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        process.send_signal(signal.SIGTERM)
        output, report = process.communicate(timeout=60)
    assert (process.returncode, output) == (143, b"")
    assert not re.search(rb"Traceback|interrupted", report)
