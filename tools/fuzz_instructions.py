#!/usr/bin/env python3
"""Hunts for differences between the standard machine's levels: operands, programs, damaged traces.

    tools/python tools/fuzz_instructions.py [--seed N] [--pairs N] [--seconds S]

Enters: nothing.  Leaves: one line per difference, with what reproduces it; exit status 1 if any.

1. Every numeric row on `--pairs` random operands (100,000: some 300 million tokens, about two
   minutes), in programs of 2,000: the plan predicts every token of the executor's trace.
2. For `--seconds` (60): random programs of tests/random_code.py.  Plan and layer path predict the
   executor's tokens; then random tokens of the trace are replaced, and plan and layer path predict
   the same from what is there.  Of a prediction that a path calls inexact nothing is asked.  Every
   tenth program runs in a specialised machine, too.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import pyvm
from operands import BOUNDARIES, computing, numeric_rows  # noqa: E402
from pyvm.engine.errors import LimitError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.isa import arithmetic
from pyvm.isa.instructions import Instruction
from pyvm.isa.program import Program
from pyvm.isa.tokens import decode
from pyvm.weights import specialize
from random_code import random_program

PER_PROGRAM = 2000


def number(rng: random.Random, size: int) -> int:
    """Uniform, of any length, few bits set or clear, near a boundary, or of extreme bytes."""
    bits = 8 * size
    mask = (1 << bits) - 1
    choice = rng.randrange(5)
    if choice == 0:
        return rng.getrandbits(bits)
    if choice == 1:
        return rng.getrandbits(rng.randint(1, bits))
    if choice == 2:
        few = sum(1 << rng.randrange(bits) for _ in range(rng.randint(1, 3))) & mask
        return few ^ rng.choice([0, mask])
    if choice == 3:
        return rng.choice(BOUNDARIES[f"i{bits}"]) + rng.randint(-2, 2) & mask
    return int.from_bytes(rng.choices([0, 1, 0x80, 0xFF], k=size), "little")


def operands(rng: random.Random, row: Instruction, count: int) -> list[tuple[int, ...]]:
    """Operands on which the row has a result; a tenth of the pairs are equal or near."""
    found: list[tuple[int, ...]] = []
    while len(found) < count:
        numbers = [number(rng, size) for size in row.operands]
        if row.pops == 2 and rng.random() < 0.1:
            numbers[1] = numbers[0] + rng.randint(-1, 1) & (1 << 8 * row.operands[1]) - 1
        if arithmetic.fold(row.name, numbers) is not None:
            found.append(tuple(numbers))
    return found


def pairs(model: Model, seed: int, count: int) -> Iterator[str]:
    """Differences of the plan on random operands."""
    for row in numeric_rows():
        rng = random.Random(f"{seed}/{row.name}")
        for first in range(0, count, PER_PROGRAM):
            chosen = operands(rng, row, min(PER_PROGRAM, count - first))
            run = execute(computing(row, chosen))
            check = model.verify(run.tokens, first=run.prompt_length)
            if not check.ok:
                yield _where(f"{row.name} (seed {seed})", run.tokens, check.first_mismatch)
                break


def _where(name: str, tokens: np.ndarray, at: int | None) -> str:
    assert at is not None
    return f"{name}: token {at}, after {' '.join(decode(tokens[max(0, at - 30) : at]))}"


def programs(model: Model, seed: int, seconds: float) -> Iterator[str]:
    """Differences of plan, layer path and specialised machines on random programs."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        number += 1
        program = random_program(seed + number)
        run = execute(program)
        name = f"random program {seed + number}"
        for path in ("plan", "layers"):
            check = model.verify(run.tokens, first=run.prompt_length, path=path)
            if not check.ok and (path == "plan" or check.exact):
                yield _where(f"{name}, {path}", run.tokens, check.first_mismatch)
        yield from damaged(model, run.tokens, run.prompt_length, name)
        if number % 10 == 0:
            yield from specialized(program, name)
    print(f"{number:,} random programs from {seed} on", flush=True)


def damaged(model: Model, tokens: np.ndarray, prompt: int, name: str) -> Iterator[str]:
    """Differences of plan and layer path where some tokens are replaced."""
    rng = random.Random(name)
    tokens = tokens[: prompt + 600].copy()
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(rng.choice([1, prompt]), tokens.size)
        # Another token at random, or one that the trace has elsewhere.
        other = rng.choice([rng.randrange(len(model.vocabulary)), int(rng.choice(tokens))])
        tokens[at] = other
    try:
        plan, layers = (
            model.verify(tokens, first=1, predicted=True, path=path) for path in ("plan", "layers")
        )
    except (LimitError, UnsupportedError):  # numbers that no program leads to
        return
    if not (plan.exact and layers.exact):
        return
    differ = np.flatnonzero(plan.predictions != layers.predictions)
    if differ.size:
        yield _where(f"{name}, damaged", tokens, 1 + int(differ[0]))


def specialized(program: Program, name: str) -> Iterator[str]:
    """Differences of the machine that has the program in its weights."""
    expected = decode(execute(program).generated)
    with pyvm.load(specialize(program.code).to_bytes()) as model:
        for path in ("plan", "layers"):
            run = model.generate(program, limit=len(expected) + 1, path=path)
            found = decode(run.generated, model.vocabulary)
            if found != expected and (path == "plan" or run.exact):
                at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), 0)
                after = " ".join(expected[max(0, at - 20) : at])
                yield f"{name}, specialised, {path}: token {at}, after {after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=100_000, help="of each numeric instruction")
    parser.add_argument("--seconds", type=float, default=60, help="for random programs")
    given = parser.parse_args()
    failures = 0
    with pyvm.load() as model:
        for part in (
            pairs(model, given.seed, given.pairs),
            programs(model, given.seed, given.seconds),
        ):
            for difference in part:
                print(difference, flush=True)
                failures += 1
    print(f"{failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
