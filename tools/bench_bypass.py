#!/usr/bin/env python3
"""The ablation table of the layer path: sequential, batched, and each head kind bypassed in turn.

    python tools/bench_bypass.py [--program sudoku] [--tokens N] [--rounds 3] [--threads 2]
                                 [--json FILE] [--tsv FILE] [--plot FILE]

Enters: a program.  Leaves: a table, and files (findings.py); every line's tokens are checked
against the executor's. The first line is sequential generation, dense, with the hull in all heads;
the others verify the trace in batches, every position checked.
"""

from __future__ import annotations

import statistics
from typing import Any

from findings import leave, measuring_parser, percent
from measure import Variant, alternate, note, reference_trace, table
from svg import bars

PUBLISHED = "tools/bench_bypass.py --tokens 150000"


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--program", default="sudoku")
    parser.add_argument("--model", help="a model file; default: the standard machine")
    parser.add_argument("--tokens", type=int, default=300_000, help="most tokens")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--projection", default="auto", help="of the batched lines")
    given = parser.parse_args()

    import pyvm

    variants = [Variant("sequential", projection="dense", attention="hull", bypass="none")]
    for name, bypass in (
        ("batched", "none"),
        ("+ passthrough", "passthrough"),
        ("+ gather", "gather"),
        ("+ all", "all"),
    ):
        variants.append(
            Variant(
                name,
                "verify",
                projection=given.projection,
                attention="hull",
                bypass=bypass,
                threads=given.threads,
            )
        )
    tokens, prompt = reference_trace(given.program, given.tokens)
    with pyvm.load(given.model) as model:
        results = alternate(model, variants, tokens, prompt, given.rounds, note)
    sequential = results[variants[0]].rate()
    rows: list[dict[str, Any]] = [
        {
            "variant": variant.name,
            "tokens": samples.tokens,
            "threads": variant.threads,
            "seconds": statistics.median(samples.seconds),
            "projection": statistics.median(samples.projection),
            "attention": statistics.median(samples.attention),
            "output": statistics.median(samples.output),
            "tokens_per_s": samples.rate(),
            "in_projections": samples.in_projections(),
            "tokens_per_cpu_s": samples.rate_of_cpu(),
            "speed_up": samples.rate() / sequential,
        }
        for variant, samples in results.items()
    ]
    phases = ("seconds", "projection", "attention", "output")
    lines = [
        (
            row["variant"],
            *(f"{row[phase]:.2f}" for phase in phases),
            f"{row['tokens_per_s']:,.0f}",
            percent(row["in_projections"]),
            f"{row['tokens_per_cpu_s']:,.0f}",
            f"{row['speed_up']:.1f} x",
        )
        for row in rows
    ]
    header = ("variant", *phases, "tokens/s", "in projections", "per CPU s", "speed-up")
    title = f"{given.program}: {tokens.size - prompt:,} tokens, {given.threads} threads"
    drawn = [(row["variant"], row["tokens_per_s"], f"{row['tokens_per_s']:,.0f}") for row in rows]
    leave(
        given,
        rows,
        f"{title}\n\n{table(header, lines)}",
        lambda: bars(f"{title}: tokens/s", drawn),
    )


if __name__ == "__main__":
    main()
