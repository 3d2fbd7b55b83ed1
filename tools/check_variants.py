#!/usr/bin/env python3
"""Every variant of the engine on full traces: all must give the tokens of the native executor.

    python tools/check_variants.py [--programs sudoku,...] [--tokens N] [--sequential] [--json]

Enters: bundled names or files of programs (NAME:INPUT for another input); default: every bundled
program with its first input, to its end.  Leaves: a row per program and variant (dense, BLAS,
sparse x none, passthrough, gather, all; verified in batches, and with --sequential generated too;
the plan), whether the tokens are equal and whether the run says that they had to be (exact).
Exit code 1 when any token differs. Scans cost O(n) per query: they join in for traces of up to
--scan tokens.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

import numpy as np
from measure import Variant, note, reference_trace, table

from pyvm.engine.model import Model


def variants(blas: bool, sequential: bool, scan: bool, threads: int) -> list[Variant]:
    projections = ("dense", "blas", "sparse") if blas else ("dense", "sparse")
    chosen = [Variant("plan", "verify", path="plan")]
    if sequential:
        chosen.append(Variant("plan", "generate", path="plan"))
    for mode in ("verify", "generate") if sequential else ("verify",):
        for projection in projections:
            for attention in ("hull", "scan") if scan else ("hull",):
                for bypass in ("none", "passthrough", "gather", "all"):
                    name = f"{projection}, {attention}, {bypass}"
                    options = (projection, attention, bypass, threads if mode == "verify" else 1)
                    chosen.append(Variant(name, mode, "layers", *options))
    return chosen


def run(model: Model, variant: Variant, tokens: np.ndarray, prompt: int) -> dict[str, Any]:
    """One row."""
    if variant.mode == "generate":
        done = model.generate(tokens[:prompt], limit=tokens.size - prompt, **variant.options())
        found, seconds, exact = done.generated, done.timings.seconds, done.exact
    else:
        check = model.verify(tokens, prompt, predicted=True, **variant.options())
        if check.predictions is None:
            raise AssertionError("predictions were asked for")
        found, seconds, exact = check.predictions, check.timings.seconds, check.exact
    same = found.size == tokens.size - prompt
    different = np.flatnonzero(found != tokens[prompt:]) if same else np.array([0])
    return {
        "mode": variant.mode,
        **variant.options(),
        "tokens": found.size,
        "first_difference": int(prompt + different[0]) if different.size else None,
        "exact": exact,
        "seconds": seconds,
        "tokens_per_s": found.size / seconds,
    }


def main() -> None:
    from pyvm.bundled import PROGRAMS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--model", help="a model file; default: the standard machine")
    parser.add_argument("--tokens", type=int, default=0, help="most tokens (default: to the end)")
    parser.add_argument("--sequential", action="store_true", help="generate too, not only verify")
    parser.add_argument(
        "--only",
        default="",
        help="variants by a regular expression, such as 'generate.*(none|all)'",
    )
    parser.add_argument("--scan", type=int, default=5000, help="longest trace for scans")
    parser.add_argument("--threads", type=int, default=2, help="of verification")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    import pyvm
    from pyvm.engine.library import build_info

    build = build_info()
    rows = []
    with pyvm.load(given.model) as model:
        for program in given.programs.split(","):
            tokens, prompt = reference_trace(program, given.tokens)
            scan = tokens.size <= given.scan
            chosen = variants(bool(build["blas"]), given.sequential, scan, given.threads)
            for variant in chosen:
                if not re.search(given.only, f"{variant.mode} {variant.name}"):
                    continue
                row = {"program": program, **run(model, variant, tokens, prompt)}
                rows.append(row)
                outcome = "equal" if row["first_difference"] is None else "DIFFERENT"
                note(f"{program}: {row['mode']} {variant.name}: {row['tokens']:,} tokens {outcome}")
    if given.json:
        print(json.dumps({"build": build, "rows": rows}, indent=1))
    else:
        header = ("program: variant", "tokens", "different from", "exact", "tokens/s")
        lines = [
            (
                f"{row['program']}: {row['mode']} "
                + ("plan" if row["path"] == "plan" else f"{row['projection']}, {row['bypass']}")
                + (", scan" if row["attention"] == "scan" else ""),
                f"{row['tokens']:,}",
                "-" if row["first_difference"] is None else f"{row['first_difference']:,}",
                "yes" if row["exact"] else "no",
                f"{row['tokens_per_s']:,.0f}",
            )
            for row in rows
        ]
        print(table(header, lines))
        print(f"\nbuild: {json.dumps(build)}")
    sys.exit(any(row["first_difference"] is not None for row in rows))


if __name__ == "__main__":
    main()
