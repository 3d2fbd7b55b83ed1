#!/usr/bin/env python3
"""A run without an end in a trace file, stopped and resumed again and again, within a budget.

    tools/soak_trace.py [--seconds 600] [--tokens 2000000000] [--each 60] [--file FILE]

Enters: this checkout, with libtvm built.  Leaves: for each resumption a line with the tokens so
far, the rate, the peak of memory and the bits a token takes on the disk; at the end how long
windows of 1,000 tokens take anywhere in the file; exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from soak import loop

import pyvm
from pyvm.trace.file import TraceFile


def resumed(program: Path, trace: Path, tokens: int, seconds: float) -> tuple[int, int]:
    """One more process: its exit status and its peak of memory in KiB."""
    command = [sys.executable, "-m", "pyvm.cli", "run", str(program)]
    command += ["--trace", str(trace), "--resume", "--no-verify", "--quiet"]
    command += ["--max-tokens", str(tokens), "--time-limit", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss


def windows(trace: Path, count: int = 20) -> bool:
    """Verifies windows anywhere, and says how long each took."""
    times = []
    with pyvm.load() as model:
        with TraceFile(trace) as reader:
            begin, end = int(reader.header.prompt.size), reader.count
        for _ in range(count):
            first = random.randrange(begin, end - 1000)
            start = time.perf_counter()
            if not model.verify(trace, first, first + 1000).ok:
                print(f"the window at {first:,} is wrong")
                return False
            times.append(time.perf_counter() - start)
    times.sort()
    middle, longest = 1000 * times[len(times) // 2], 1000 * times[-1]
    print(f"windows of 1,000 tokens: median {middle:.1f} ms, longest {longest:.1f} ms")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--tokens", type=int, default=2_000_000_000)
    parser.add_argument("--each", type=float, default=60, help="seconds of one process")
    parser.add_argument("--file", type=Path, help="the trace; it stays (default: a temporary one)")
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "loop.txt"
        program.write_text(loop().text())
        trace = arguments.file or Path(folder) / "loop.trace"
        before = 0
        while before < arguments.tokens and (left := deadline - time.monotonic()) > 0:
            begin = time.monotonic()
            status, peak = resumed(program, trace, arguments.tokens, min(arguments.each, left))
            took = time.monotonic() - begin
            if status != 124:
                print(f"a process ended with status {status}")
                return 1
            with TraceFile(trace) as reader:
                count = reader.count
            bits = 8 * trace.stat().st_size / count
            print(
                f"{count:14,} tokens  {(count - before) / took:12,.0f} tokens/s  "
                f"{peak / 1024:6,.0f} MB  {bits:5.2f} bits a token",
                flush=True,
            )
            before = count
        return 0 if windows(trace) else 1


if __name__ == "__main__":
    sys.exit(main())
