#!/usr/bin/env python3
"""Times programs by variants of the engine, in turn, and checks every token meanwhile.

    python tools/bench.py [--programs hello,collatz,sudoku] [--variants plan,sparse,...]
                          [--tokens N] [--rounds 3] [--json]

Enters: bundled names or files of programs, NAME:INPUT for another input.  Leaves: a table on
stdout, or with --json one object: the build info and a row per measurement (program, mode, path,
projection, attention, bypass, threads, tokens, seconds, cpu_seconds, tokens_per_s).
"""

from __future__ import annotations

import argparse
import json

from measure import Variant, alternate, note, reference_trace, table

# The measure of everything else: the network as written, the hull in every head.
BASELINE = Variant("dense, hull", projection="dense", attention="hull", bypass="none")

VARIANTS = {
    variant.name: variant
    for variant in (
        BASELINE,
        Variant("blas, hull", projection="blas", attention="hull", bypass="none"),
        Variant("sparse, hull", projection="sparse", attention="hull", bypass="none"),
        Variant("dense, kinds", projection="dense"),
        Variant("blas, kinds", projection="blas"),
        Variant("sparse, kinds", projection="sparse"),
        Variant("plan", path="plan"),
        Variant("verify: sparse, hull", "verify", projection="sparse", bypass="none"),
        Variant("verify: blas, kinds", "verify", projection="blas"),
        Variant("verify: sparse, kinds", "verify", projection="sparse"),
        Variant("verify: sparse, kinds, 2 threads", "verify", projection="sparse", threads=2),
        Variant("verify: plan", "verify", path="plan"),
        Variant("verify: plan, 2 threads", "verify", path="plan", threads=2),
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default="collatz,min_cost_matching,sudoku")
    parser.add_argument("--variants", default=";".join(VARIANTS), help="names, separated by ;")
    parser.add_argument("--model", help="a model file; default: the standard machine")
    parser.add_argument("--tokens", type=int, default=100_000, help="most tokens per program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = [name.strip() for name in given.variants.split(";")]
    if unknown := [name for name in names if name not in VARIANTS]:
        parser.error(f"unknown variant {unknown[0]!r}; there are: {'; '.join(VARIANTS)}")

    import pyvm
    from pyvm.engine.library import build_info

    build = build_info()
    if not build.get("blas"):
        names = [name for name in names if VARIANTS[name].projection != "blas"]
    chosen = [VARIANTS[name] for name in names]
    rows, lines = [], []
    with pyvm.load(given.model) as model:
        for program in given.programs.split(","):
            tokens, prompt = reference_trace(program, given.tokens)
            say = note if not given.json else lambda _: None
            results = alternate(model, chosen, tokens, prompt, given.rounds, say)
            base = results.get(BASELINE)
            for variant, samples in results.items():
                for seconds, cpu_seconds in zip(samples.seconds, samples.cpu_seconds):
                    rows.append(
                        {
                            "program": program,
                            "mode": variant.mode,
                            **variant.options(),
                            "tokens": samples.tokens,
                            "seconds": seconds,
                            "cpu_seconds": cpu_seconds,
                            "tokens_per_s": samples.tokens / seconds,
                        }
                    )
                ratio = f"{samples.rate() / base.rate():.1f} x" if base else ""
                lines.append(
                    (
                        f"{program}: {variant.name}",
                        f"{samples.tokens:,}",
                        f"{samples.rate():,.0f}",
                        f"{100 * samples.spread():.0f} %",
                        f"{samples.rate_of_cpu():,.0f}",
                        ratio,
                    )
                )
    if given.json:
        print(json.dumps({"build": build, "rows": rows}, indent=1))
        return
    header = ("program: variant", "tokens", "tokens/s", "spread", "per CPU s", "of baseline")
    print(table(header, lines))
    print(f"\nbuild: {json.dumps(build)}")


if __name__ == "__main__":
    main()
