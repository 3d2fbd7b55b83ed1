"""Floats that are only moved: every way that a value takes, against wasmtime."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap

KINDS = {"f32": ("i32", "$word", 0xFF812345), "f64": ("i64", "$long", 0xFFF0000123456789)}
WAYS = {
    "constant": "({f}.const -0x1.8p3)",
    "negative zero": "({f}.const -0)",
    "signalling nan": "({f}.reinterpret_{i} ({i}.const {bits}))",
    "local": "(local.set $x ({f}.const 2.5)) (local.get $x)",
    "local that was never set": "(local.get $x)",
    "tee": "(local.tee $x ({f}.const 1e10))",
    "global": "(global.set $g ({f}.neg (global.get $g))) (global.get $g)",
    "memory": "({f}.store offset=3 (i32.const 8) ({f}.const 0.1)) ({f}.load offset=1 (i32.const 10))",
    "select": "(select ({f}.const 1) ({f}.const 2) (call $zero))",
    "block": "(block (result {f}) (drop (br_if 0 ({f}.const 3) (call $zero))) ({f}.const 4))",
    "if": "(if (result {f}) (call $zero) (then ({f}.const 5)) (else ({f}.const 6)))",
    "call": "(call $second ({f}.const 7) ({f}.const 8))",
    "indirect call": "(call_indirect (type $t) ({f}.const 9) ({f}.const 10) (i32.const 0))",
    "abs": "({f}.abs ({f}.reinterpret_{i} ({i}.const {bits})))",
    "neg": "({f}.neg ({f}.reinterpret_{i} ({i}.const {bits})))",
}
FUNCTIONS = """
  (type $t (func (param {f} {f}) (result {f}))) (type $u (func (param {i} {i}) (result {i})))
  (global $g (mut {f}) ({f}.const 0.3))
  (table 1 funcref) (elem (i32.const 0) $second)
  (func $zero (result i32) (i32.load (i32.const 0)))
  (func $second (type $t) (local.get 1))"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_moved(kind, way):
    integer, show, bits = KINDS[kind]
    names = {"f": kind, "i": integer, "bits": bits}
    function = f"""{FUNCTIONS.format(**names)}
      (func $f (result {kind}) (local $x {kind}) {WAYS[way].format(**names)})"""
    same(module(f"(call {show} ({integer}.reinterpret_{kind} (call $f)))", function))


@pytest.mark.parametrize("kind", KINDS)
def test_a_float_is_no_integer_to_an_indirect_call(kind):
    integer = KINDS[kind][0]
    body = f"""(call $out (i32.const 65))
      (drop (call_indirect (type $u) ({integer}.const 1) ({integer}.const 2) (i32.const 0)))"""
    assert same(module(body, FUNCTIONS.format(f=kind, i=integer))).trap == 7


@pytest.mark.parametrize(
    "text, refused",
    [
        ("(f32.add (f32.const 1) (f32.const 2))", "f32.add"),
        ("(f32.convert_i32_s (i32.const 2))", "f32.convert_i32_s"),
    ],
)
def test_the_base_machine_has_no_arithmetic(text, refused):
    with pytest.raises(
        Unsupported, match=rf"{refused} in compute at offset 0x[0-9a-f]+: the base machine has no"
    ):
        from_wasm(module(f"(drop {text})"), machine="base")


def test_the_base_machine_stops_where_a_table_leads_to_arithmetic():
    body = "(call $out (i32.const 66)) (drop (call_indirect (type $t) (i32.const 0)))"
    functions = """(type $t (func (result f32))) (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (type $t) (f32.mul (f32.const 1.5) (f32.const 2)))"""
    run = execute(from_wasm(module(body, functions), machine="base"))
    assert run.output == b"B" and run.trap.kind is Trap.UNSUPPORTED
    assert str(run.trap).startswith("stopped: f32.mul in f at offset 0x")
    assert "the base machine has no floats" in str(run.trap)
