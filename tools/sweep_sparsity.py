#!/usr/bin/env python3
"""Where sparse projections begin to pay: synthetic models from 0 to 99 % zeros, all variants.

    python tools/sweep_sparsity.py [-V 128 -D 128 -L 8 -H 4 -F 256] [--tokens N]
                                   [--json FILE] [--tsv FILE] [--plot FILE]

Enters: sizes.  Leaves: a table of tokens/s, effective Gflop/s (what the dense network would
compute, per second) and the share of the time in projections, and the crossover; files as in
findings.py. All variants must give the same tokens. Each model runs
twice: sequential generation, and verification in batches. Seconds are those of the processor, as
everything runs on one thread: on a quiet machine the same, on a busy one still comparable.
"""

from __future__ import annotations

import argparse

import numpy as np
from findings import leave, measuring_parser, percent
from make_synthetic_model import add_size_arguments, synthetic_model
from measure import Variant, alternate, note, table
from svg import lines

from pyvm.engine.model import Model

PUBLISHED = "tools/sweep_sparsity.py --tokens 500"
SPARSITIES = "0,0.25,0.5,0.6,0.7,0.75,0.8,0.85,0.9,0.95,0.99"


def flops_per_token(given: argparse.Namespace) -> int:
    """Of the dense projections: a multiplication and an addition per weight."""
    width: int = given.width
    neurons: int = given.neurons
    layers: int = given.layers
    vocabulary: int = given.vocabulary
    per_layer = 4 * width * width + 3 * width * neurons
    return 2 * (layers * per_layer + vocabulary * width)


def crossover(rates: dict[float, dict[str, float]], mode: str, other: str) -> str:
    """The least sparsity from which on sparse beats the other projection."""
    tried = sorted(rates)
    ahead = [rates[s][f"{mode} sparse"] > rates[s][f"{mode} {other}"] for s in tried]
    first = next((i for i in range(len(ahead)) if all(ahead[i:])), None)
    if first is None:
        return f"{mode}: sparse does not beat {other}"
    return f"{mode}: sparse beats {other} from {100 * tried[first]:.0f} % zeros on"


def main() -> None:
    parser = measuring_parser(__doc__, PUBLISHED)
    add_size_arguments(parser)
    parser.set_defaults(heads=4)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sparsities", default=SPARSITIES, help="shares of zeros")
    given = parser.parse_args()

    from pyvm.engine.library import build_info

    build = build_info()
    projections = ["dense", "blas", "sparse"] if build.get("blas") else ["dense", "sparse"]
    variants = [
        Variant(f"{name} {projection}", mode, projection=projection)
        for name, mode in (("sequential", "generate"), ("batched", "verify"))
        for projection in projections
    ]
    flops = flops_per_token(given)
    rates: dict[float, dict[str, float]] = {}
    found, cells = [], {}
    for sparsity in map(float, given.sparsities.split(",")):
        data = synthetic_model(
            given.vocabulary,
            given.width,
            given.layers,
            given.heads,
            given.neurons,
            sparsity,
            given.seed,
        )
        with Model(data) as model:
            prompt = np.arange(min(16, given.vocabulary - 1), dtype=np.int32)
            tokens = model.generate(prompt, limit=given.tokens, path="layers").tokens
            results = alternate(model, variants, tokens, prompt.size, given.rounds)
        rates[sparsity] = {
            variant.name: samples.rate_of_cpu() for variant, samples in results.items()
        }
        note(
            f"{100 * sparsity:.0f} % zeros: {tokens.size - prompt.size} tokens, all variants equal"
        )
        for variant, samples in results.items():
            rate, part = samples.rate_of_cpu(), samples.in_projections()
            cells[sparsity, variant.name] = (
                f"{rate:,.0f} ({rate * flops / 1e9:.1f}, {percent(part)})"
            )
            found.append(
                {
                    "zeros": sparsity,
                    "variant": variant.name,
                    "tokens": samples.tokens,
                    "tokens_per_cpu_s": rate,
                    "effective_gflop_per_s": rate * flops / 1e9,
                    "in_projections": part,
                }
            )
    header = ("zeros", *(variant.name for variant in variants))
    rows = [
        (
            f"{100 * sparsity:.0f} %",
            *(cells[sparsity, name] for name in by_name),
        )
        for sparsity, by_name in rates.items()
    ]
    sizes = ", ".join(
        f"{letter} = {getattr(given, name)}"
        for letter, name in zip("VDLHF", ("vocabulary", "width", "layers", "heads", "neurons"))
    )
    title = f"tokens/s (effective Gflop/s, in projections), one thread; {sizes}"
    text = [title, "", table(header, rows)]
    for name in ("sequential", "batched"):
        text += [crossover(rates, name, other) for other in projections[:-1]]

    def picture() -> str:
        curves = {
            variant.name: [rate[variant.name] for rate in rates.values()] for variant in variants
        }
        zeros = [100 * sparsity for sparsity in rates]
        return lines(sizes, zeros, curves, "zeros among the weights, %", "tokens/s")

    leave(given, found, "\n".join(text), picture)


if __name__ == "__main__":
    main()
