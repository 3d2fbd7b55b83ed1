"""Constant expressions: sums, products, and globals before, as wasmtime computes them."""

# ruff: noqa: E501  (modules as text)

from __future__ import annotations

import pytest

from compiler.oracle import wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import WasmError

INITS = (
    "(i32.add (i32.const 2147483647) (i32.const 1))",
    "(i32.sub (i32.const 3) (i32.mul (i32.const 70000) (i32.const 70000)))",
    "(i32.mul (global.get $a) (i32.add (global.get $a) (i32.const 1)))",
    "(global.get $a)",
    "(i32.const -5)",
)
WIDE = (
    "(i64.mul (i64.const 0x123456789abcdef) (i64.const 0xfedcba987654321))",
    "(i64.sub (i64.const 0) (i64.const -9223372036854775808))",
)


def shown(data: bytes, kind: str) -> int:
    output = execute(from_wasm(data, None, "f", print_results=True)).output
    return int(output) & (1 << int(kind[1:])) - 1


@pytest.mark.parametrize("kind, init", [("i32", i) for i in INITS] + [("i64", i) for i in WIDE])
def test_globals(kind, init):
    wasmtime = pytest.importorskip("wasmtime")
    text = f"(global $a i32 (i32.const 77)) (global $b (mut {kind}) {init})"
    data = wat(f'(module {text} (func (export "f") (result {kind}) (global.get $b)))')
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, data), [])
    expected = instance.exports(store)["f"](store)
    assert shown(data, kind) == expected & (1 << int(kind[1:])) - 1


def test_segments_and_a_long_chain_of_globals():
    """Each global is the one before and 1: no recursion."""
    chain = "(global $g0 i32 (i32.const 0))" + "".join(
        f"(global $g{i} i32 (i32.add (global.get $g{i - 1}) (i32.const 1)))" for i in range(1, 3000)
    )
    segments = '(data (i32.add (global.get $g9) (i32.const 1)) "A") (elem (i32.sub (global.get $g2) (global.get $g1)) func $h)'
    body = "(i32.add (i32.load8_u (i32.const 10)) (call_indirect (result i32) (i32.const 1)))"
    data = wat(
        f"(module (memory 1) (table 3 funcref) {chain} {segments} (func $h (result i32) (global.get $g2999))"
        f'(func (export "f") (result i32) {body}))'
    )
    assert shown(data, "i32") == ord("A") + 2999


@pytest.mark.parametrize(
    "globals_",
    [
        "(global $a (mut i32) (i32.const 1)) (global i32 (i32.add (global.get $a) (i32.const 1)))",
        "(global i32 (i32.add (i32.const 1) (i64.const 1)))",
        "(global i32 (i32.and (i32.const 1) (i32.const 1)))",
        "(global i32 (i32.add (i32.const 1)))",
        "(global i32 (global.get 0))",
    ],
)
def test_invalid_ones(globals_):
    wasmtime = pytest.importorskip("wasmtime")
    data = wat_unchecked(globals_)
    with pytest.raises(wasmtime.WasmtimeError):
        wasmtime.Module.validate(wasmtime.Engine(), data)
    with pytest.raises(WasmError):
        from_wasm(data, None, "f")


def wat_unchecked(globals_: str) -> bytes:
    return wat(f'(module {globals_} (func (export "f")))')
