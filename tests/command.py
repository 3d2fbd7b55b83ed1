"""pyvm as a user starts it: a process of its own.

Enters: arguments.  Leaves: its stdout, stderr and exit status; token files to give it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cases import BY_NAME, instructions
from pyvm.isa.program import Program

COMMAND = (sys.executable, "-m", "pyvm.cli")


def pyvm(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, *(a if isinstance(a, bytes) else str(a) for a in arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, **options)


def on_a_terminal(
    *arguments: Any, until: bytes = b"", signal: int = 0, **variables: str
) -> tuple[int, bytes]:
    """The exit status, and what a terminal shows of stdout and stderr; a signal is sent once
    `until` is shown."""
    import pty  # only on POSIX

    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    env.update({"TERM": "xterm", **variables})
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=env,
    )
    os.close(theirs)
    shown = b""
    with os.fdopen(mine, "rb", 0) as terminal:
        while True:
            try:
                chunk = terminal.read(4096)
            except OSError:  # how Linux says that nobody writes any more
                break
            if not chunk:
                break
            shown += chunk
            if signal and until in shown:
                process.send_signal(signal)
                signal = 0
    return process.wait(60), shown


def token_file(folder: Path, name: str) -> Path:
    """A case as a token file."""
    case = BY_NAME[name]
    path = folder / f"{name.replace(' ', '_')}.txt"
    path.write_text(Program(tuple(instructions(case.text)), case.input).text())
    return path


def program_file(folder: Path, text: str) -> Path:
    """Instructions in the notation of cases.py as a token file."""
    path = folder / "program.txt"
    path.write_text(Program(tuple(instructions(text))).text())
    return path


def failure(done: subprocess.CompletedProcess[bytes], code: int = 125) -> str:
    """The one sentence of a failure; nothing else is printed."""
    assert done.returncode == code, done.stderr.decode()
    assert done.stdout == b""
    message = done.stderr.decode()
    assert "Traceback" not in message
    assert message.startswith("pyvm: ") and message.count("\n") == 1, message
    return message
