"""Operands of which some bits are known to be zero: every rewrite that relies on it, with constants
on the right, and as conditions of branches.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same
from compiler.test_i32 import BINARY, COMPARISONS, DIVISIONS

OPERANDS = {
    "and 1": "(i32.and (local.get 0) (i32.const 1))",
    "and 2": "(i32.and (local.get 0) (i32.const 2))",
    "and 3": "(i32.and (local.get 0) (i32.const 3))",
    "and 255": "(i32.and (local.get 0) (i32.const 255))",
    "and 0xff00": "(i32.and (local.get 0) (i32.const 0xff00))",
    "sign bit": "(i32.and (local.get 0) (i32.const 0x80000000))",
    "positive": "(i32.and (local.get 0) (i32.const 0x7fffffff))",
    "truth value": "(i32.lt_s (local.get 0) (i32.const 5))",
    "negation": "(i32.eqz (local.get 0))",
    "shifted left": "(i32.shl (local.get 0) (i32.const 12))",
    "shifted right": "(i32.shr_u (local.get 0) (i32.const 25))",
    "sum": "(i32.add (i32.and (local.get 0) (i32.const 15)) (i32.eqz (local.get 0)))",
    "product": "(i32.mul (local.get 0) (i32.const 24))",
    "bits": "(i32.popcnt (local.get 0))",
    "byte": "(i32.load8_u (i32.and (local.get 0) (i32.const 7)))",
    "choice": "(select (i32.const 4) (i32.const 1) (local.get 0))",
    "remainder": "(i32.rem_u (local.get 0) (i32.const 10))",
}
CONSTANTS = (0, 1, 2, 3, 4, 8, 24, 31, 32, 255, 256, 0xFF00, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
VALUES = (0, 1, 2, 6, 255, 0x1234, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF)
DATA = '(data (i32.const 0) "\\00\\01\\7f\\80\\ff\\03\\10\\fe")'


def _module(forms: list[str]) -> bytes:
    functions = "".join(
        f"(func $f{i} (param i32) (result i32) {form})" for i, form in enumerate(forms)
    )
    calls = "".join(
        f"(call $word (call $f{i} (i32.const {value})))"
        for i in range(len(forms))
        for value in VALUES
    )
    return module(calls, DATA + functions)


@pytest.mark.parametrize("operand", OPERANDS)
def test_with_a_constant(operand):
    forms = []
    for op in BINARY + DIVISIONS:
        for k in CONSTANTS:
            # a constant divisor costs a routine of its own: few are enough
            if op not in DIVISIONS or k in (1, 2, 24, 0x80000000):
                forms.append(f"(i32.{op} {OPERANDS[operand]} (i32.const {k}))")
    same(_module(forms))


@pytest.mark.parametrize("operand", OPERANDS)
def test_as_a_condition(operand):
    forms = []
    for op in COMPARISONS:
        for k in (0, 1, 2, 0xFFFFFFFF):
            condition = f"(i32.{op} {OPERANDS[operand]} (i32.const {k}))"
            for wrapped in (
                condition,
                f"(i32.eqz {condition})",
                f"(i32.and {condition} (i32.const 1))",
                f"(i32.ne {condition} (i32.const 1))",
            ):
                forms += [
                    f"(if (result i32) {wrapped} (then (i32.const 7)) (else (i32.const 9)))",
                    f"(block (br_if 0 {wrapped}) (return (i32.const 3))) (i32.const 4)",
                ]
    same(_module(forms))


@pytest.mark.parametrize("operand", ["and 1", "and 255", "truth value", "shifted right", "byte"])
@pytest.mark.parametrize("extend", ["extend_i32_u", "extend_i32_s"])
def test_as_i64(operand, extend):
    item = f"(i64.{extend} {OPERANDS[operand]})"
    forms = [
        f"(i32.wrap_i64 (i64.{op} {item} (i64.const {k})))"
        for op in "add sub mul and or xor shl shr_s shr_u rotl rotr".split()
        for k in (0, 1, 31, 32, 33, 63, -1, 0xFFFFFFFF, 0x100000000)
    ]
    forms += [
        f"(i64.{op} {item} (i64.const {k}))" for op in COMPARISONS for k in (0, 1, 255, -1, 1 << 32)
    ]
    same(_module(forms))
