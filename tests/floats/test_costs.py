"""What arithmetic of floats costs, in tokens: at most what pyvm/floats/README.md says."""

from __future__ import annotations

import random

import pytest

from compiler.oracle import tokens_of, wat

CALL = 12  # of the function that is measured
MOST = {
    "f32.add": 370,
    "f32.sub": 410,
    "f32.mul": 350,
    "f32.div": 320,
    "f32.sqrt": 520,
    "f32.lt": 150,
    "f32.eq": 70,
    "f64.add": 480,
    "f64.sub": 545,
    "f64.mul": 460,
    "f64.div": 800,
    "f64.sqrt": 840,
    "f64.lt": 210,
    "f64.eq": 110,
}


def numbers() -> list[tuple[float, float]]:
    """Pairs of numbers of both signs that differ by up to a thousand times."""
    rng = random.Random(1)

    def one() -> float:
        return rng.choice((-1, 1)) * rng.random() * 2.0 ** rng.randint(-5, 5)

    return [(one(), one()) for _ in range(20)]


@pytest.mark.parametrize("op", MOST)
def test_an_operation_takes_so_many_tokens(op):
    kind = op[:3]
    result = "i32" if op.endswith(("eq", "lt")) else kind
    operands = "(local.get 0) (local.get 1)"
    if op.endswith("sqrt"):
        operands = f"({kind}.abs (local.get 1))"
    data = wat(
        f'(module (func (export "f") (param {kind} {kind}) (result {result}) ({op} {operands})))'
    )
    pairs = numbers()
    mean = sum(tokens_of(data, "f", pair) - CALL for pair in pairs) / len(pairs)
    assert mean <= MOST[op]
