#!/usr/bin/env python3
"""Differential testing of the engine: random models, every way to run them against each other.

    tools/fuzz_models.py --count 100000              a few minutes
    tools/fuzz_models.py --first 5000000 --seconds 3600
    tools/fuzz_models.py --model FILE --tokens 0,1,2 one model again

Own small models (random_models.py), the same with a few weights changed, and now and then a
changed standard, specialised or synthetic model. Each reads random tokens on the plan and on the
layers, dense, sparse and by BLAS, by scan, hull and kinds; it generates too; and the dense network
says what is right, where it can (model_truth.py). Runs may refuse, or say exact = 0; those that
say exact = 1 must predict the same tokens, and the right ones.

A model with a difference is written to the --failures directory, with the command that runs it
again.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from make_synthetic_model import synthetic_model  # noqa: E402
from model_truth import truth  # noqa: E402
from random_models import changed, machine, tangle  # noqa: E402

from pyvm.engine.errors import LimitError, ModelError, UnsupportedError  # noqa: E402
from pyvm.engine.library import build_info  # noqa: E402
from pyvm.engine.model import Model  # noqa: E402
from pyvm.isa.program import Program  # noqa: E402
from pyvm.weights import machine_model, specialize  # noqa: E402
from pyvm.weights.model_file import ModelFile  # noqa: E402

LARGE = 500  # one model in so many is a changed standard, specialised or large synthetic one
BYPASSES = ("none", "passthrough", "gather", "all")
AS_WRITTEN = {"path": "layers", "projection": "dense", "attention": "scan", "bypass": "none"}

_COUNTDOWN = (
    ("i32.const", 3), ("local.set", 0), ("local.get", 0), ("i32.const", 1), ("i32.sub", 0),
    ("local.tee", 0), ("br_if", 2**32 - 5), ("i32.const", 65), ("output", 0), ("i32.const", 300),
    ("i32.const", 7), ("i32.store", 0), ("i32.const", 300), ("i32.load", 0), ("output", 0),
    ("halt", 0),
)  # fmt: skip


def projections() -> list[str]:
    return ["dense", "sparse"] + (["blas"] if build_info()["blas"] else [])


@lru_cache(maxsize=1)
def layer_variants() -> list[dict[str, Any]]:
    return [
        {"path": "layers", "projection": p, "attention": a, "bypass": b}
        for p, a, b in itertools.product(projections(), ("scan", "hull"), BYPASSES)
    ][1:]


@lru_cache(maxsize=1)
def bases() -> list[tuple[ModelFile, np.ndarray, np.ndarray]]:
    """Large models, each with a prompt and the start of its trace."""
    found = []
    program = Program(code=_COUNTDOWN)
    for base in (machine_model(), specialize(program.code)):
        with Model(base.to_bytes()) as model:
            run = model.generate(program, limit=300)
        found.append((base, run.tokens[: run.prompt_length], run.generated))
    return found


def model_of(seed: int) -> tuple[ModelFile, np.ndarray]:
    """The model and the tokens of a seed."""
    r = random.Random(seed)
    if seed % LARGE == LARGE - 1:
        if r.random() < 0.8:
            base, prompt, trace = r.choice(bases())
            return changed(base, r), np.concatenate((prompt, trace[: r.randint(20, 300)]))
        data = synthetic_model(40, 20, 2, None, 24, r.choice((0.5, 0.9)), seed)
        model = ModelFile.from_bytes(data)
    elif r.random() < 0.1:
        sizes = (r.randint(2, 8), 2 * r.randint(2, 6), r.randint(1, 2), None, r.randint(0, 8))
        model = ModelFile.from_bytes(synthetic_model(*sizes, r.choice((0.0, 0.5, 0.8)), seed))
    else:
        model = (machine if r.random() < 0.7 else tangle)(r)
    if r.random() < 0.4:
        model = changed(model, r)
    count, length = len(model.vocabulary), r.choice((4, 9, 9, 16, 16, 30, 80))
    if r.random() < 0.2:
        length = 9
        return model, np.repeat(np.int32(r.randrange(count)), length)
    return model, np.array([r.randrange(count) for _ in range(length)], np.int32)


class Difference(Exception):
    """What two runs say that cannot both be right."""


class Checker:
    """Runs models in every way; counts what happens."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def check(self, file: ModelFile, tokens: np.ndarray, r: random.Random | None) -> None:
        """Raises Difference. Without `r` every variant is tried, with it some."""
        try:
            model = Model(file.to_bytes())
        except ModelError:
            self.counts["not opened"] += 1
            return
        with model:
            variants = layer_variants() if r is None else r.sample(layer_variants(), 4)
            self._check(model, file, tokens, [{"path": "plan"}, AS_WRITTEN, {}, *variants])

    def _check(
        self, model: Model, file: ModelFile, tokens: np.ndarray, variants: list[dict[str, Any]]
    ) -> None:
        expected: tuple[dict[str, Any], np.ndarray] | None = None
        planned = False
        for how in variants:
            found = self._read(model, tokens, how)
            if found is None:
                continue
            if how.get("path") == "plan":
                planned = True
                self.counts["planned"] += 1
            if expected is None:
                expected = how, found
            elif not np.array_equal(found, expected[1]):
                at = int(np.flatnonzero(found != expected[1])[0])
                raise Difference(
                    f"after position {at} {how} predicts {found[at]}, "
                    f"{expected[0]} predicts {expected[1][at]}"
                )
        if expected is None:
            return
        self._generate(model, tokens, expected[1], variants[:1] + variants[-2:])
        known = truth(file, tokens)
        if known is None or not (planned or known.fits_float64):
            return
        self.counts["known"] += 1
        for at, (right, found) in enumerate(zip(known.predictions, expected[1])):
            if right is not None and right != found:
                raise Difference(f"after position {at} {expected[0]} predicts {found}, not {right}")

    def _read(self, model: Model, tokens: np.ndarray, how: dict[str, Any]) -> np.ndarray | None:
        """The predictions, None when the run does not promise them."""
        try:
            run = model.verify(tokens, 1, predicted=True, threads=1, **how)
        except (LimitError, UnsupportedError):
            self.counts["refused"] += 1
            return None
        self.counts["runs"] += 1
        found = run.predictions
        assert found is not None
        wrong = np.flatnonzero(found != tokens[1:])
        first = int(wrong[0]) + 1 if wrong.size else None
        if (
            run.checked != len(tokens) - 1
            or run.ok != (first is None)
            or run.first_mismatch != first
        ):
            raise Difference(f"{how}: the check contradicts its own predictions: {run}")
        if not run.exact:
            self.counts["not exact"] += 1
            return None
        return found

    def _generate(
        self, model: Model, tokens: np.ndarray, expected: np.ndarray, variants: list[dict[str, Any]]
    ) -> None:
        """What is generated from the first half must be what is predicted."""
        half = (len(tokens) + 1) // 2
        first: tuple[dict[str, Any], np.ndarray] | None = None
        for how in variants:
            try:
                run = model.generate(tokens[:half], limit=8, threads=1, **how)
            except (LimitError, UnsupportedError):
                continue
            if not run.exact:
                continue
            if run.tokens[half] != expected[half - 1]:
                raise Difference(f"{how} generates {run.tokens[half]}, not {expected[half - 1]}")
            if first is None:
                first = how, run.tokens
            elif not np.array_equal(run.tokens, first[1]):
                raise Difference(f"{how} generates {run.tokens}, {first[0]} {first[1]}")


def report(folder: Path, name: str, file: ModelFile, tokens: np.ndarray, error: Difference) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.bin"
    path.write_bytes(file.to_bytes())
    listed = ",".join(map(str, tokens))
    print(f"{name}: {error}\n    tools/fuzz_models.py --model {path} --tokens {listed}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="random models, every way to run them against each other"
    )
    parser.add_argument("--count", type=int, default=1000, help="models")
    parser.add_argument("--first", type=int, default=0, help="seed of the first model")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-models"))
    parser.add_argument("--model", type=Path, help="check this file alone, with --tokens")
    parser.add_argument("--tokens", help="ids, with commas")
    given = parser.parse_args()
    checker = Checker()
    if given.model is not None:
        tokens = np.array([int(t) for t in given.tokens.split(",")], np.int32)
        try:
            checker.check(ModelFile.from_bytes(given.model.read_bytes()), tokens, None)
        except Difference as error:
            sys.exit(f"{given.model}: {error}")
        print("no difference")
        return
    start, done, failed = time.monotonic(), 0, 0
    for seed in range(given.first, given.first + given.count):
        if given.seconds is not None and time.monotonic() - start > given.seconds:
            break
        file, tokens = model_of(seed)
        try:
            checker.check(file, tokens, random.Random(~seed))
        except Difference as error:
            failed += 1
            report(given.failures, f"model-{seed}", file, tokens, error)
        done += 1
    seconds = time.monotonic() - start
    counted = ", ".join(f"{count:,} {what}" for what, count in sorted(checker.counts.items()))
    print(f"{done:,} models in {seconds:.0f} s: {failed} with a difference ({counted})")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
