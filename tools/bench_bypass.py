#!/usr/bin/env python3
"""The ablation table of the layer path: sequential, batched, and each head kind bypassed in turn.

    python tools/bench_bypass.py [--program sudoku] [--tokens N] [--rounds 3] [--threads 2]

Enters: a program.  Leaves: a table; every line's tokens are checked against the executor's. The
first line is sequential generation, dense, with the hull in all heads; the others verify the trace
in batches, every position checked.
"""

from __future__ import annotations

import argparse
import json
import statistics

from measure import Variant, alternate, note, reference_trace, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="sudoku")
    parser.add_argument("--model", help="a model file; default: the standard machine")
    parser.add_argument("--tokens", type=int, default=300_000, help="most tokens")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--projection", default="auto", help="of the batched lines")
    given = parser.parse_args()

    import pyvm
    from pyvm.engine.library import build_info

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
    rows = [
        (
            variant.name,
            f"{statistics.median(samples.seconds):.2f}",
            f"{statistics.median(samples.projection):.2f}",
            f"{statistics.median(samples.attention):.2f}",
            f"{statistics.median(samples.output):.2f}",
            f"{samples.rate():,.0f}",
            f"{samples.rate_of_cpu():,.0f}",
            f"{samples.rate() / sequential:.1f} x",
        )
        for variant, samples in results.items()
    ]
    phases = ("projection", "attention", "output")
    header = ("variant", "seconds", *phases, "tokens/s", "per CPU s", "speed-up")
    print(f"{given.program}: {tokens.size - prompt:,} tokens, {given.threads} threads\n")
    print(table(header, rows))
    print(f"\nbuild: {json.dumps(build_info())}")


if __name__ == "__main__":
    main()
