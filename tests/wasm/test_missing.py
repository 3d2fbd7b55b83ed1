"""A function that needs what pyvm does not have is refused where a run can come to it."""

from __future__ import annotations

import pytest

from compiler.oracle import wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import Unsupported

SIMD = "needs SIMD (a part of WebAssembly 2.0), which pyvm does not have"
REFERENCES = "needs the function references proposal, which pyvm does not have"
CASES = [
    ("(func $u (drop (i32x4.splat (i32.const 1))))", "(call $u)", SIMD),
    ("(func $u (local v128))", "(call $u)", SIMD),
    ("(func $u (param v128)) (func $v (call $u (v128.const i64x2 1 2)))", "(call $v)", SIMD),
    ("(func $u (result v128) (unreachable)) (func $v (drop (call $u)))", "(call $v)", SIMD),
    (
        "(type $t (func (result v128))) (func $v (drop (block (type $t) (unreachable))))",
        "(call $v)",
        SIMD,
    ),
    (
        "(memory 1) (func $u (drop (i32.atomic.load (i32.const 0))))",
        "(call $u)",
        "needs the threads proposal",
    ),
    (
        "(func $u (param (ref func)) (result i32) (i32.const 1))",
        "(drop (call $u (ref.func $f)))",
        REFERENCES,
    ),
    ("(func $u (drop (ref.as_non_null (ref.null func))))", "(call $u)", REFERENCES),
    ("(type $t (func)) (func $u (param (ref null $t) i32))", "(call $w)", ""),
]


def module(functions: str, call: str) -> bytes:
    more = "(elem declare func $f) (func $w)"
    return wat(
        f'(module {functions} {more} (func $f (export "f") (result i32) {call} (i32.const 7)))'
    )


@pytest.mark.parametrize("functions, call, needed", CASES)
def test_only_what_is_called_is_refused(functions, call, needed):
    program = from_wasm(module(functions, ""), None, "f", (), True)
    assert execute(program).output == b"7\n"
    if needed:
        with pytest.raises(Unsupported) as caught:
            from_wasm(module(functions, call), None, "f", (), True)
        assert needed in str(caught.value)


def test_what_a_table_leads_to_ends_the_run_where_it_comes_there(model):
    """Such a function is often there for others than its callers."""
    data = wat("""(module (table funcref (elem $yes $no))
      (func $yes (result i32) (i32.const 5))
      (func $no (result i32) (i32x4.extract_lane 0 (v128.const i32x4 1 2 3 4)))
      (func (export "f") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))""")
    assert execute(from_wasm(data, None, "f", (0,), True)).output == b"5\n"
    run = model.generate(from_wasm(data, None, "f", (1,), True))
    assert run.output == b"" and run.trap is not None and not run.trap.kind.of_wasm
    assert str(run.trap).startswith("stopped: instruction 0xfd 0x0c at offset 0x")
    assert SIMD in str(run.trap)


def test_an_entry_that_takes_what_is_missing():
    data = wat('(module (func (export "f") (param v128)))')
    with pytest.raises(Unsupported, match="v128 at offset 0xd needs SIMD"):
        from_wasm(data, None, "f", (1,), True)
