#!/usr/bin/env python3
"""Trace files: what writing one costs a run, and what verifying one takes by one thread and two.

    python tools/bench_trace.py [--programs sudoku] [--tokens 0] [--rounds 9]
                                [--json FILE] [--tsv FILE] [--plot FILE]

Enters: programs.  Leaves: for each way its median time by the clock and by all processors, the
tokens a second that this is, and how that compares with the way that it is measured against:
writing with generating alone, two threads with one.  Ways are timed in turn, in one process; the
clock says something only where the machine has two processors free.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from findings import leave, measuring_parser
from measure import note, table
from svg import bars

import pyvm
from pyvm.engine.model import Model
from pyvm.engine.prompt import prompt_of
from pyvm.engine.recording import Recording
from pyvm.trace.file import TraceFile

PUBLISHED = "tools/bench_trace.py"
AGAINST = {"generate into a file": "generate", "verify, two threads": "verify, one thread"}


def ways(model: Model, name: str, limit: int, path: Path) -> dict[str, Callable[[], object]]:
    program = pyvm.compile(name)
    tokens = np.asarray(prompt_of(program, model.vocabulary).tokens)

    def into_a_file() -> None:
        path.unlink(missing_ok=True)
        with Recording(model, tokens, path) as recording:
            for _ in recording.pieces(limit):
                pass

    def verify(threads: int) -> None:
        if not model.verify(path, threads=threads).ok:
            raise SystemExit(f"{name}: the trace is wrong")

    return {
        "generate": lambda: model.generate(program, limit, lambda _: None, keep=False),
        "generate into a file": into_a_file,
        "verify, one thread": lambda: verify(1),
        "verify, two threads": lambda: verify(2),
    }


def measure(model: Model, name: str, limit: int, rounds: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.trace"
        calls = ways(model, name, limit, path)
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in calls}
        for index in range(rounds + 1):
            note(f"{name}: round {index} of {rounds}")
            for way, call in calls.items():
                clock, processors = time.perf_counter(), time.process_time()
                call()
                took = (time.perf_counter() - clock, time.process_time() - processors)
                times[way] += [took] if index else []
        with TraceFile(path) as trace:
            tokens = trace.count - int(trace.header.prompt.size)
        bits = 8 * path.stat().st_size / tokens
    rows = []
    for way, some in times.items():
        clock, processors = (statistics.median(column) for column in zip(*some))
        other = times.get(AGAINST.get(way, ""), ())
        rows.append(
            {
                "program": name,
                "way": way,
                "tokens": tokens,
                "seconds": clock,
                "processor_seconds": processors,
                "tokens_per_s": tokens / clock,
                "ratio": statistics.median(a[0] / b[0] for a, b in zip(other, some))
                if other
                else None,
                "bits": bits if way == "generate into a file" else None,
            }
        )
    return rows


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--programs", default="sudoku")
    parser.add_argument("--tokens", type=int, default=0, help="at most (default: all)")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    with pyvm.load() as model:
        names = given.programs.split(",")
        rows = [row for n in names for row in measure(model, n, given.tokens, given.rounds)]
    lines = [
        (
            f"{row['program']}, {row['way']}",
            f"{row['tokens']:,}",
            f"{1e3 * row['seconds']:.1f}",
            f"{1e3 * row['processor_seconds']:.1f}",
            f"{row['tokens_per_s']:,.0f}",
            f"{row['ratio']:.2f} x" if row["ratio"] else "",
            f"{row['bits']:.2f}" if row["bits"] else "",
        )
        for row in rows
    ]
    header = ("way", "tokens", "ms", "ms of processors", "tokens/s", "rate", "bits a token")
    drawn = [(line[0], row["tokens_per_s"], line[4]) for line, row in zip(lines, rows)]
    leave(given, rows, table(header, lines), lambda: bars("Trace files", drawn))


if __name__ == "__main__":
    main()
