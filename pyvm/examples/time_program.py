"""How fast does a program run, and how fast is its trace verified, on each path?

Enters: a program.  Leaves: medians of several rounds, the paths in turn within each: what else the
machine does then meets all of them alike.  Run it:

    python -m pyvm.examples.time_program
"""

from __future__ import annotations

from statistics import median

import pyvm

PATHS = ("plan", "layers")
ROUNDS = 5


def rates(program: pyvm.Program, model: pyvm.Model, limit: int) -> dict[str, tuple[float, float]]:
    """Tokens per second, generating and verifying, per path."""
    seen: dict[str, list[tuple[float, float]]] = {path: [] for path in PATHS}
    for _ in range(ROUNDS):
        for path in PATHS:
            run = model.generate(program, limit, path=path)
            check = model.verify(run.tokens, path=path, threads=1)
            assert check.ok
            seen[path].append((run.tokens_per_second, check.tokens_per_second))
    return {
        path: (median(rate[0] for rate in found), median(rate[1] for rate in found))
        for path, found in seen.items()
    }


def main(limit: int = 20_000) -> None:
    with pyvm.load() as model:
        for path, (generated, verified) in rates(pyvm.compile("sudoku"), model, limit).items():
            print(f"{path:8} {generated:14,.0f} tokens/s generated {verified:14,.0f} verified")


if __name__ == "__main__":
    main()
