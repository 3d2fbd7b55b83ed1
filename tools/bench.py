#!/usr/bin/env python3
"""Times programs by variants of the engine, in turn, and checks every token meanwhile.

    python tools/bench.py [--programs hello,collatz,sudoku] [--variants plan,sparse,...]
                          [--tokens N] [--rounds 3] [--json FILE] [--tsv FILE] [--plot FILE]

Enters: bundled names or files of programs, NAME:INPUT for another input.  Leaves: a table, and
files (findings.py) with a row per measurement: program, mode, path, projection, attention, bypass,
threads, tokens, seconds, cpu_seconds, tokens_per_s, in_projections (share of the time).
"""

from __future__ import annotations

from findings import leave, measuring_parser, percent, share
from measure import Variant, alternate, note, reference_trace, table
from svg import bars

PUBLISHED = "tools/bench.py --programs sudoku --tokens 300000 --rounds 1"
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
        Variant("kernel", path="kernel"),
        Variant("verify: sparse, hull", "verify", projection="sparse", bypass="none"),
        Variant("verify: blas, kinds", "verify", projection="blas"),
        Variant("verify: sparse, kinds", "verify", projection="sparse"),
        Variant("verify: sparse, kinds, 2 threads", "verify", projection="sparse", threads=2),
        Variant("verify: plan", "verify", path="plan"),
        Variant("verify: plan, 2 threads", "verify", path="plan", threads=2),
        Variant("verify: kernel", "verify", path="kernel"),
    )
}


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("--programs", default="collatz,min_cost_matching,sudoku")
    parser.add_argument("--variants", default=";".join(VARIANTS), help="names, separated by ;")
    parser.add_argument("--model", help="a model file; default: the standard machine")
    parser.add_argument("--tokens", type=int, default=100_000, help="most tokens per program")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    names = [name.strip() for name in given.variants.split(";")]
    if unknown := [name for name in names if name not in VARIANTS]:
        parser.error(f"unknown variant {unknown[0]!r}; there are: {'; '.join(VARIANTS)}")

    import pyvm
    from pyvm.engine.library import build_info

    build = build_info()
    if not build.get("blas"):
        names = [name for name in names if VARIANTS[name].projection != "blas"]
    rows, lines, drawn = [], [], []
    with pyvm.load(given.model) as model:
        if model.kernel is None:
            names = [name for name in names if VARIANTS[name].path != "kernel"]
        chosen = [VARIANTS[name] for name in names]
        for program in given.programs.split(","):
            tokens, prompt = reference_trace(program, given.tokens)
            results = alternate(model, chosen, tokens, prompt, given.rounds, note)
            base = results.get(BASELINE)
            for variant, samples in results.items():
                phases = zip(samples.seconds, samples.cpu_seconds, samples.projection)
                for seconds, cpu_seconds, projection in phases:
                    rows.append(
                        {
                            "program": program,
                            "mode": variant.mode,
                            **variant.options(),
                            "tokens": samples.tokens,
                            "seconds": seconds,
                            "cpu_seconds": cpu_seconds,
                            "tokens_per_s": samples.tokens / seconds,
                            "in_projections": share(projection, seconds),
                        }
                    )
                ratio = f"{samples.rate() / base.rate():.1f} x" if base else ""
                name, rate = f"{program}: {variant.name}", samples.rate()
                drawn.append((name, rate, f"{rate:,.0f} {ratio}"))
                lines.append(
                    (
                        name,
                        f"{samples.tokens:,}",
                        f"{rate:,.0f}",
                        percent(samples.in_projections()),
                        f"{100 * samples.spread():.0f} %",
                        f"{samples.rate_of_cpu():,.0f}",
                        ratio,
                    )
                )
    names_of_columns = ("tokens", "tokens/s", "in projections", "spread", "per CPU s")
    text = table(("program: variant", *names_of_columns, "of baseline"), lines)
    leave(given, rows, text, lambda: bars("Tokens per second by variant", drawn))


if __name__ == "__main__":
    main()
