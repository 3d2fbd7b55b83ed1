#!/usr/bin/env python3
"""Processor time of short commands, from the start of a process to its end: what a user waits for.

    python tools/bench_start.py [--rounds 20] [--json]

Enters: nothing.  Leaves: a table on stdout: for each command the median and the least of its user
and system time, in milliseconds, commands in turn.  What is built once and kept is there before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

PYVM = (sys.executable, "-m", "pyvm.cli")
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    'python -c "import pyvm"': (sys.executable, "-c", "import pyvm"),
    "pyvm --version": (*PYVM, "--version"),
    "pyvm run nosuch": (*PYVM, "run", "nosuch"),
    "pyvm run hello": (*PYVM, "run", "hello"),
}


def cpu_milliseconds(command: tuple[str, ...]) -> float:
    """Of one process and those that it starts."""
    import resource  # POSIX systems have it

    # Modules are kept compiled, as anywhere but in tests.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for command in COMMANDS.values():
        cpu_milliseconds(command)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(given.rounds):
        for name, command in COMMANDS.items():
            times[name].append(cpu_milliseconds(command))
    found = {name: (statistics.median(some), min(some)) for name, some in times.items()}
    if given.json:
        print(
            json.dumps({name: {"median": m, "least": least} for name, (m, least) in found.items()})
        )
        return
    print(f"{'processor time, ms':26} {'median':>7} {'least':>7}")
    for name, (median, least) in found.items():
        print(f"{name:26} {median:7.1f} {least:7.1f}")


if __name__ == "__main__":
    main()
