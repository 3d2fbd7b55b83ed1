#!/usr/bin/env python3
"""Long runs: generation on the plan against the native executor, by hash, in bounded memory.

    python tools/soak.py [--program NAME] [--tokens 100000,1000000,10000000,100000000]
                         [--json FILE] [--tsv FILE] [--plot FILE]

Enters: a program (default: an endless loop that rewrites locals and a megabyte of memory).
Leaves: a row for each number of tokens: speed of generation and of the executor, whether the tokens
were the same, and the peak memory of the process so far.  Tokens go into a hash, chunk by chunk;
nobody keeps them but the engine, which needs its past.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Callable
from typing import Any

from findings import leave, measuring_parser, percent, share
from measure import note, table
from svg import bars

import pyvm
from pyvm.engine.executor import execute
from pyvm.engine.run import Run
from pyvm.isa.program import Program

PUBLISHED = "tools/soak.py"
# for (x = 0; ; x = x < 1 MB ? x + 7 : 1) { memory[4096 + x] = x; memory[4000 + x]; }
LOOP = """
    i32.const 0; local.set 0
    local.get 0; local.get 0; i32.store8 4096; local.get 0; i32.load8_u 4000; drop
    local.get 0; i32.const 7; i32.add; local.set 0
    local.get 0; i32.const 0x100000; i32.lt_u; br_if -14
    i32.const 1; local.set 0; br -17
"""


def loop() -> Program:
    words = (line.split() for line in LOOP.replace("\n", ";").split(";"))
    code = ((word[0], int(word[1], 0) & 0xFFFFFFFF if word[1:] else 0) for word in words if word)
    return Program(tuple(code), name="loop")


def hashed(run: Callable[..., Run], program: Program, limit: int) -> tuple[Run, str]:
    """(Run, digest) of a run whose tokens are not kept."""
    digest = hashlib.blake2b()
    done = run(program, limit, on_tokens=lambda chunk: digest.update(chunk), keep=False)
    return done, digest.hexdigest()


def main() -> int:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--program", help="a bundled name or a file; default: an endless loop")
    parser.add_argument("--tokens", default="100000,1000000,10000000,100000000")
    given = parser.parse_args()
    program = loop() if given.program is None else pyvm.compile(given.program)
    rows: list[dict[str, Any]] = []
    with pyvm.load() as model:
        for limit in map(int, given.tokens.split(",")):
            note(f"{limit:,} tokens")
            run, ours = hashed(model.generate, program, limit)
            native, theirs = hashed(execute, program, limit)
            unit = 1 if sys.platform == "darwin" else 1024
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
            rows.append(
                {
                    "tokens": limit,
                    "tokens_per_s": round(limit / run.timings.seconds),
                    "in_projections": share(run.timings.projection, run.timings.seconds),
                    "executor_tokens_per_s": round(limit / native.timings.seconds),
                    "same": ours == theirs,
                    "peak_bytes": peak,
                }
            )
    columns = ("generated tokens/s", "in projections", "executor tokens/s", "same", "peak MB")
    lines = [
        (
            f"{row['tokens']:,}",
            f"{row['tokens_per_s']:,}",
            percent(row["in_projections"]),
            f"{row['executor_tokens_per_s']:,}",
            "yes" if row["same"] else "NO",
            f"{row['peak_bytes'] / 1e6:,.0f}",
        )
        for row in rows
    ]
    drawn = [(row["tokens"], row["tokens_per_s"]) for row in rows]
    leave(
        given,
        rows,
        table(("tokens", *columns), lines),
        lambda: bars(
            "Tokens per second by tokens generated",
            [(f"{tokens:,}", rate, f"{rate:,}") for tokens, rate in drawn],
        ),
    )
    return 0 if all(row["same"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
