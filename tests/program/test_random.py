"""Random modules: our executor against wasmtime. tools/fuzz_programs.py does the same for hours."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from program.oracle import HEAD, module, same, wat
from program.random_wasm import BINARY, COMPARE, DIVISION, random_module


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("wide", [0.0, 0.5])
def test_random_module(seed, wide):
    same(wat(random_module(seed, HEAD, wide, 30)), limit=3_000_000)


NUMBERS = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 300),
    st.integers(-300, -1),
    st.integers(0, 31).map(lambda n: 1 << n),
).map(lambda n: n & 0xFFFFFFFF)


def _expressions():
    leaves = st.one_of(
        NUMBERS.map(lambda n: f"(i32.const {n})"),
        st.integers(0, 3).map(lambda i: f"(local.get {i})"),
        st.integers(0, 63).map(lambda a: f"(i32.load8_u (i32.const {a}))"),
    )
    operations = st.sampled_from(BINARY + COMPARE + DIVISION)

    def extend(inner):
        return st.one_of(
            st.tuples(operations, inner, inner).map(lambda t: f"(i32.{t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, inner, inner).map(lambda t: f"(select {t[0]} {t[1]} {t[2]})"),
        )

    return st.recursive(leaves, extend, max_leaves=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_expressions(), st.lists(NUMBERS, min_size=4, max_size=4))
def test_random_expression(expression, arguments):
    calls = f"(call $word (call $f {' '.join(f'(i32.const {n})' for n in arguments)}))"
    function = f"""(data (i32.const 0) "\\01\\ff\\80 abc\\00\\7f")
      (func $f (param i32 i32 i32 i32) (result i32) {expression})"""
    same(module(calls, function))
