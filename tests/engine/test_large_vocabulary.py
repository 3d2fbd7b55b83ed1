"""A vocabulary of more tokens than 16 bits number: the layer path, with tokens of 32 bits."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from pyvm.engine import abi
from pyvm.engine.abi import Tokens16
from pyvm.engine.errors import ArgumentError, UnsupportedError
from pyvm.engine.library import check, library
from pyvm.engine.model import Model
from pyvm.engine.sequence import Sequence
from pyvm.machine import Machine, Token

COUNT = 70_000  # t0, t1, ... and the stop token, behind `begin`
NO_PLAN = "the vocabulary has more tokens than 16 bits number"


@pytest.fixture(scope="module")
def model() -> Model:
    """Each token is followed by the next, t5 by t6."""
    tokens = [
        Token(f"t{i}", (i // 1000, i % 1000), thousands=i // 1000, rest=i % 1000)
        for i in range(COUNT)
    ]
    m = Machine([*tokens, Token("end", (COUNT // 1000, 0))], stop="end")
    carry = m.step("carry", m["rest"] - 998 * m.one)
    m.next(m["thousands"] + carry, m["rest"] + m.one - 1000 * carry)
    return m.build()


@pytest.mark.parametrize("first", [0, 65_533, 69_990])
@pytest.mark.parametrize("options", [{}, {"projection": "sparse"}, {"projection": "dense"}])
def test_it_runs_by_layers(model, first, options):
    run = model.generate(np.array([0, first + 1]), limit=20, **options)
    expected = np.arange(first + 2, min(first + 22, COUNT + 2))
    np.testing.assert_array_equal(run.generated, expected)
    assert run.ids.itemsize == 4 and run.stopped == ("limit" if first < 69_990 else "halt")
    checked = model.verify(run.tokens, 2, predicted=True, **options)
    assert checked.ok and checked.predictions.tolist() == expected.tolist()
    wrong = run.tokens.copy()
    wrong[10] -= 1 << 16 if wrong[10] > 1 << 16 else -(1 << 16)  # equal in their lower 16 bits
    checked = model.verify(wrong, 2, **options)
    assert (checked.first_mismatch, checked.predicted) == (10, run.tokens[10])


def test_ids_of_16_bits_are_taken_in_32(model):
    """Whoever has them in 16 bits need not know the size of the vocabulary."""
    narrow = np.array([0, 65_534, 65_535], dtype=np.uint16)
    assert model.generate(narrow, limit=2).generated.tolist() == [65_536, 65_537]
    assert model.verify(narrow, 2).ok


def test_what_needs_a_plan_says_why_there_is_none(model):
    assert model.why_no_plan == NO_PLAN
    for ask in (
        lambda: model.generate(np.array([0, 1]), limit=1, path="plan"),
        lambda: model.verify(np.array([0, 1, 2]), 1, path="kernel"),
        lambda: model.explain(),
        lambda: Sequence(model, np.array([0, 1])),
    ):
        with pytest.raises(UnsupportedError, match=NO_PLAN):
            ask()


def test_c_refuses_tokens_of_16_bits(model):
    tokens = (ctypes.c_uint16 * 3)(0, 1, 2)
    result, checked = abi.RunResult(), abi.VerifyResult()
    said = ": 16 bits do not number the 70002 tokens of this model; pass tokens of 32 bits$"
    with model._use() as handle:
        given = handle, ctypes.cast(tokens, Tokens16), 3
        run = library().tvm_generate16(*given, 1, abi.Callback(0), None, None, ctypes.byref(result))
        with pytest.raises(ArgumentError, match=f"^prompt{said}"):
            check(run)
        run = library().tvm_verify16(*given, 1, 3, None, None, ctypes.byref(checked))
        with pytest.raises(ArgumentError, match=f"^tokens{said}"):
            check(run)
