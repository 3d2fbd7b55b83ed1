"""Random modules: our executor against wasmtime. tools/fuzz_programs.py does the same for hours."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.oracle import HEAD, module, same, wat
from compiler.random_wasm import BINARY, COMPARE, DIVISION, random_module


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("wide", [0.0, 0.5])
def test_random_module(seed, wide):
    same(wat(random_module(seed, HEAD, wide, 30)), limit=3_000_000)


def _numbers(bits: int):
    """Numbers around which something changes: small ones, powers of two and their neighbours."""
    return st.one_of(
        st.integers(0, (1 << bits) - 1),
        st.integers(-300, 300),
        st.tuples(st.integers(0, bits - 1), st.integers(-1, 1)).map(lambda t: (1 << t[0]) + t[1]),
    ).map(lambda n: n & (1 << bits) - 1)


WORDS, LONGS = _numbers(32), _numbers(64)
UNARY = {
    "i32": "clz ctz popcnt eqz extend8_s extend16_s".split(),
    "i64": "clz ctz popcnt extend8_s extend16_s extend32_s".split(),
}


def _leaves(kind: str):
    numbers = WORDS if kind == "i32" else LONGS
    return st.one_of(
        numbers.map(lambda n: f"({kind}.const {n})"),
        st.integers(0, 1).map(lambda i: f"(local.get {i + 2 * (kind == 'i64')})"),
        st.integers(0, 63).map(lambda a: f"({kind}.load8_s (i32.const {a}))"),
        st.integers(0, 60).map(lambda a: f"({kind}.load16_u offset=3 (i32.const {a}))"),
    )


def _expressions(kind: str, depth: int):
    """Expressions of both types in each other."""
    if depth == 0:
        return _leaves(kind)
    inner = _expressions(kind, depth - 1)
    word, long = (_expressions(k, depth - 1) for k in ("i32", "i64"))
    choices = [
        inner,
        st.tuples(st.sampled_from(BINARY + DIVISION), inner, inner).map(
            lambda t: f"({kind}.{t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(st.sampled_from(UNARY[kind]), inner).map(lambda t: f"({kind}.{t[0]} {t[1]})"),
        st.tuples(inner, inner, word).map(lambda t: f"(select {t[0]} {t[1]} {t[2]})"),
        st.tuples(st.integers(2 * (kind == "i64"), 2 * (kind == "i64") + 1), inner).map(
            lambda t: f"(local.tee {t[0]} {t[1]})"
        ),
        st.tuples(word, inner, inner).map(
            lambda t: f"(if (result {kind}) {t[0]} (then {t[1]}) (else {t[2]}))"
        ),
    ]
    if kind == "i32":
        comparisons = st.sampled_from(COMPARE)
        choices += [
            st.tuples(comparisons, word, word).map(lambda t: f"(i32.{t[0]} {t[1]} {t[2]})"),
            st.tuples(comparisons, long, long).map(lambda t: f"(i64.{t[0]} {t[1]} {t[2]})"),
            long.map(lambda t: f"(i32.wrap_i64 {t})"),
            long.map(lambda t: f"(i64.eqz {t})"),
        ]
    else:
        choices += [word.map(lambda t, s=s: f"(i64.extend_i32_{s} {t})") for s in "su"]
    return st.one_of(*choices)


_SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def _same(kind: str, expression: str, words: list[int], longs: list[int]) -> None:
    arguments = [f"(i32.const {n})" for n in words] + [f"(i64.const {n})" for n in longs]
    show = "$word" if kind == "i32" else "$long"
    function = f"""(data (i32.const 0) "\\01\\ff\\80 abc\\00\\7f")
      (func $f (param i32 i32 i64 i64) (result {kind}) {expression})"""
    same(module(f"(call {show} (call $f {' '.join(arguments)}))", function))


@_SETTINGS
@given(_expressions("i32", 4), *[st.lists(n, min_size=2, max_size=2) for n in (WORDS, LONGS)])
def test_random_i32_expression(expression, words, longs):
    _same("i32", expression, words, longs)


@_SETTINGS
@given(_expressions("i64", 3), *[st.lists(n, min_size=2, max_size=2) for n in (WORDS, LONGS)])
def test_random_i64_expression(expression, words, longs):
    _same("i64", expression, words, longs)
