#!/usr/bin/env python3
"""The first tokens after a model is opened: what is made once, or found in a kernel, included.

    python tools/bench_first.py [--programs collatz,sudoku] [--tokens 100000] [--rounds 9]
                                [--json FILE] [--tsv FILE] [--plot FILE]

Enters: programs.  Leaves: for each, by the plan alone and by the kernel where there is one, through
Python and through the C ABI alone, the median rate of the first --tokens tokens (or all that the
program generates), and of the same call made again.  Rates are by processor time of one thread,
from the opened model on, whose plan is there and whose kernel is loaded; each measurement has a
process of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from findings import leave, measuring_parser
from measure import note, table
from svg import bars

PUBLISHED = "tools/bench_first.py"
WAYS = [(path, by) for path in ("plan", "kernel") for by in ("C", "Python")]


def measure(name: str, path: str, by: str, limit: int) -> dict[str, Any]:
    """In this process: the first run and the next."""
    import pyvm
    from pyvm.engine import abi
    from pyvm.engine.arrays import pointer
    from pyvm.engine.library import check, library
    from pyvm.engine.options import make_options
    from pyvm.engine.prompt import prompt_of

    program = pyvm.compile(name)
    with pyvm.load() as model, model._use() as handle:
        if model.why_no_plan or (path == "kernel" and model.kernel is None):
            return {}
        ids = prompt_of(program, model.vocabulary).tokens
        settings = make_options("generate", {"path": path})
        result = abi.RunResult()

        def in_c() -> int:
            more = (abi.Callback(), None, ctypes.byref(settings), ctypes.byref(result))
            check(library().tvm_generate16(handle, pointer(ids), len(ids), limit, *more))
            return int(result.tokens)

        def in_python() -> int:
            return len(model.generate(program, limit=limit, path=path).generated)

        call: Callable[[], int] = in_c if by == "C" else in_python
        times = [time.thread_time()]
        for _ in range(2):
            tokens = call()
            times.append(time.thread_time())
    return {
        "program": name,
        "path": path,
        "by": by,
        "tokens": tokens,
        "tokens_per_s": tokens / (times[1] - times[0]),
        "again_tokens_per_s": tokens / (times[2] - times[1]),
    }


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--programs", default="collatz,sudoku")
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # in the fresh process
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.programs, given.one[0], given.one[1], given.tokens)))
        return
    names = given.programs.split(",")
    rows: list[dict[str, Any]] = []
    for index in range(given.rounds):
        note(f"round {index + 1} of {given.rounds}")
        for name in names:
            for way in WAYS:
                command = [sys.executable, __file__, "--one", *way, "--programs", name]
                command += ["--tokens", str(given.tokens)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                if done.returncode:
                    sys.exit(done.returncode)
                if found := json.loads(done.stdout):
                    rows.append(found)
    lines, drawn = [], []
    for name, path, by in dict.fromkeys((row["program"], row["path"], row["by"]) for row in rows):
        some = [row for row in rows if (row["program"], row["path"], row["by"]) == (name, path, by)]
        rate, again = (
            statistics.median(row[key] for row in some)
            for key in ("tokens_per_s", "again_tokens_per_s")
        )
        lines.append((name, path, by, f"{some[0]['tokens']:,}", f"{rate:,.0f}", f"{again:,.0f}"))
        drawn.append((f"{name}, {path}, {by}", rate, f"{rate:,.0f}"))
    header = ("program", "path", "by", "tokens", "first tokens/s", "again")
    leave(given, rows, table(header, lines), lambda: bars("First tokens of an opened model", drawn))


if __name__ == "__main__":
    main()
