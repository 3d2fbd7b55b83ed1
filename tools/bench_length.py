#!/usr/bin/env python3
"""Does the rate stay flat, and memory bounded, as traces grow? Verification at several lengths.

    python tools/bench_length.py [--program sudoku:PUZZLE] [--lengths 100000,1000000,10000000]
                                 [--rounds 3] [--threads 2] [--path layers]
                                 [--json FILE] [--tsv FILE] [--plot FILE]

Enters: a program with a trace at least that long.  Leaves: per length the median rate and the peak
memory of a fresh process: Python, the trace, the model and the run; files as in findings.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from typing import Any

from findings import leave, measuring_parser, percent, share
from measure import note, reference_trace, table
from svg import bars

PUBLISHED = "tools/bench_length.py --lengths 100000,1000000,3000000 --rounds 1"
# 27.8 million tokens
SUDOKU = "sudoku:000000039000001005003050800008090006070002000100400000009080050020000600400700000"


def measure(program: str, length: int, path: str, threads: int) -> dict[str, Any]:
    import pyvm

    tokens, prompt = reference_trace(program, length)
    if tokens.size - prompt < length:
        raise SystemExit(f"{program} ends after {tokens.size - prompt:,} tokens, {length:,} wanted")
    with pyvm.load() as model:
        check = model.verify(tokens, prompt, path=path, threads=threads)
    if not check.ok:
        raise SystemExit(f"{program}: token {check.first_mismatch} differs from the reference")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, on macOS bytes
    return {
        "tokens": check.checked,
        "seconds": check.timings.seconds,
        "tokens_per_s": check.tokens_per_second,
        "peak_mb": peak / (1e6 if sys.platform == "darwin" else 1e3),
        "in_projections": share(check.timings.projection, check.timings.seconds),
    }


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--program", default=SUDOKU, help="a name or file, :INPUT")
    parser.add_argument("--lengths", default="100000,1000000,10000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--path", choices=("layers", "plan"), default="layers")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # in the fresh process
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.program, given.one, given.path, given.threads)))
        return
    lengths = [int(length) for length in given.lengths.split(",")]
    found: dict[int, list[dict[str, Any]]] = {length: [] for length in lengths}
    for index in range(given.rounds):
        for length in lengths:
            command = [sys.executable, __file__, "--one", str(length), "--program", given.program]
            command += ["--threads", str(given.threads), "--path", given.path]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(done.returncode)
            found[length].append(json.loads(done.stdout))
            rate = found[length][-1]["tokens_per_s"]
            note(f"round {index + 1}: {length:,} tokens: {rate:,.0f} tokens/s")
    lines, drawn = [], []
    for length, samples in found.items():
        rate = statistics.median(one["tokens_per_s"] for one in samples)
        peak = max(one["peak_mb"] for one in samples)
        in_projections = percent(samples[0]["in_projections"])
        lines.append((f"{length:,}", f"{rate:,.0f}", in_projections, f"{peak:,.0f} MB"))
        drawn.append((f"{length:,}", rate, f"{rate:,.0f}"))
    title = f"{given.program}, path {given.path}, {given.threads} threads"
    text = f"{title}\n\n{table(('tokens', 'tokens/s', 'in projections', 'peak memory'), lines)}"
    rows = [
        {"program": given.program, "path": given.path, "threads": given.threads, **one}
        for samples in found.values()
        for one in samples
    ]
    leave(given, rows, text, lambda: bars("Tokens per second by the length of a trace", drawn))


if __name__ == "__main__":
    main()
