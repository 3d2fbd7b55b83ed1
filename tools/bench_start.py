#!/usr/bin/env python3
"""Processor time of short commands, from the start of a process to its end: what a user waits for.

    python tools/bench_start.py [--rounds 20] [--json FILE] [--tsv FILE] [--plot FILE]

Enters: nothing.  Leaves: for each command the median and the least of its user and system time, in
milliseconds, commands in turn; files as in findings.py.  What is built once and kept is there
before.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from findings import leave, measuring_parser
from measure import table
from svg import bars

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
    parser = measuring_parser(__doc__, "tools/bench_start.py")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    for command in COMMANDS.values():
        cpu_milliseconds(command)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(given.rounds):
        for name, command in COMMANDS.items():
            times[name].append(cpu_milliseconds(command))
    lines, drawn = [], []
    for name, found in times.items():
        median = statistics.median(found)
        lines.append((name, f"{median:.1f}", f"{min(found):.1f}"))
        drawn.append((name, median, f"{median:.0f} ms"))
    rows = [{"what": name, "cpu_ms": one} for name, found in times.items() for one in found]
    text = table(("processor time, ms", "median", "least"), lines)
    leave(given, rows, text, lambda: bars("Milliseconds of processor time of a command", drawn))


if __name__ == "__main__":
    main()
