#!/usr/bin/env python3
"""Tries a wheel: its contents, and what it does in a fresh environment where there is nothing else.

    python tools/check_wheel.py dist/libtvm-*.whl [--python python3.10 ...]
    python tools/check_wheel.py dist/libtvm-*.tar.gz --path "$PATH"

Enters: a wheel or sdist, and interpreters; twine, check-wheel-contents and auditwheel where they
are installed.  Leaves: a line for each check; exit status 1 when one fails.  In the fresh
environment there are no variables but a home in a temporary folder, and PATH is empty; without a
C++ compiler in --path, a pure wheel and the sdist are built by zig.  How they are built is what
`pyvm run` says without a library.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = {
    "twine": ("-m", "twine", "check", "--strict"),
    "check_wheel_contents": ("-m", "check_wheel_contents"),
    "auditwheel": ("-m", "auditwheel", "show"),
}
COMMANDS = (
    ("pyvm", "--version"),
    ("pyvm", "run", "hello"),
    ("pyvm", "doctor"),
    ("python", "-c", "import pyvm; assert pyvm.load().generate(pyvm.compile('hello')).covered"),
)


def check(what: str, command: list[str], environment: dict[str, str] | None = None) -> bool:
    done = subprocess.run(
        command,
        env=environment,
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(f"{'ok' if done.returncode == 0 else 'FAILED':6} {what}", flush=True)
    if done.returncode:
        print(done.stdout)
    return done.returncode == 0


def contents(file: Path) -> bool:
    """What the tools of packagers say."""
    fine = True
    fitting = {"check_wheel_contents"} if file.suffix == ".whl" else set()
    fitting |= {"auditwheel"} if "linux" in file.name else set()
    for name, words in TOOLS.items():
        if importlib.util.find_spec(name) is None:
            print(f"left out: {name} is not installed")
        elif name == "twine" or name in fitting:
            fine &= check(f"{name} {file.name}", [sys.executable, *words, str(file)])
    return fine


def builds(pyvm: Path, environment: dict[str, str]) -> bool:
    """Where pyvm lacks its library: runs the command that it names."""
    run = [str(pyvm), "run", "hello"]
    done = subprocess.run(run, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    command = re.search(r"`(.+)` builds it", done.stderr.decode())
    if command is None:
        return True
    return check(f"builds by {command[1]}", ["/bin/sh", "-c", command[1]], environment)


def fresh(file: Path, python: str, path: str) -> bool:
    """Installs it with nothing but its dependencies, and runs commands."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary, "venv")
        binaries = place / ("Scripts" if sys.platform == "win32" else "bin")
        steps = {
            "makes an environment": [python, "-m", "venv", str(place)],
            "installs": [str(binaries / "python"), "-m", "pip", "install", "-q", str(file)],
        }
        if not all(check(f"{python} {what}", command) for what, command in steps.items()):
            return False
        nothing = {"PATH": path, "HOME": temporary}
        return builds(binaries / "pyvm", nothing) and all(
            check(f"{python}: {' '.join(words)}", [str(binaries / words[0]), *words[1:]], nothing)
            for words in COMMANDS
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a wheel, or an sdist")
    parser.add_argument("--python", action="append", metavar="PYTHON", help="again for more")
    parser.add_argument("--path", default="", help="where commands are found (default: nowhere)")
    given = parser.parse_args()
    file = given.file.resolve()
    fine = contents(file)
    for python in given.python or [sys.executable]:
        fine &= fresh(file, python, given.path)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
