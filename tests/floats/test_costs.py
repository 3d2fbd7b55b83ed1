"""What arithmetic of floats costs, in tokens: at most what pyvm/floats/README.md says."""

from __future__ import annotations

import random

import pytest

from compiler.oracle import tokens_of, wat
from pyvm.wasm.floats import argument

CALL = 12  # of the function that is measured
MOST = {
    "f32.add": 330,
    "f32.sub": 455,
    "f32.mul": 350,
    "f64.add": 445,
    "f64.sub": 600,
    "f64.mul": 460,
    "f32.lt": 65,
    "f32.eq": 70,
    "f64.lt": 90,
    "f64.eq": 105,
}


def operands(kind: str) -> list[tuple[int, int]]:
    """Pairs of numbers of both signs that differ by up to a thousand times."""
    rng = random.Random(1)
    pairs = []
    for _ in range(20):
        pair = [rng.choice((-1, 1)) * rng.random() * 2.0 ** rng.randint(-5, 5) for _ in range(2)]
        a, b = (argument(kind, number) or 0 for number in pair)
        pairs.append((a, b))
    return pairs


@pytest.mark.parametrize("op", MOST)
def test_an_operation_takes_so_many_tokens(op):
    kind = op[:3]
    result = "i32" if op.endswith(("eq", "lt")) else kind
    data = wat(
        f'(module (func (export "f") (param {kind} {kind}) (result {result}) '
        f"({op} (local.get 0) (local.get 1))))"
    )
    pairs = operands(kind)
    mean = sum(tokens_of(data, "f", pair) - CALL for pair in pairs) / len(pairs)
    assert mean <= MOST[op]
