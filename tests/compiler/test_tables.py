"""Tables, references and element segments, against wasmtime."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, run_ours, same, tokens_of, wat
from pyvm.isa.errors import Unsupported

FUNCTIONS = """
(type $unary (func (param i32) (result i32)))
(table $t 2 10 funcref) (table $u 4 funcref) (table $x 3 externref) (table $same 2 funcref)
(elem (table $u) (i32.const 1) func $inc $triple $nothing)
(elem (table $same) (i32.const 0) func $triple $inc)
(elem $passive func $inc $triple) (elem $null funcref (ref.null func) (ref.func $triple))
(elem $outer externref (ref.null extern)) (elem declare func $other)
(elem $active (table $t) (i32.const 0) func $inc)
(global $f (mut funcref) (ref.func $inc)) (global $none externref (ref.null extern))
(func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
(func $triple (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
(func $other (param i32) (result i32) (i32.const 1000))
(func $nothing)
(func $choose (param $k i32) (param $a funcref) (param $b funcref) (result funcref)
  (local $never funcref)
  (if (result funcref) (ref.is_null (local.get $a)) (then (local.get $never))
    (else (select (result funcref) (local.get $a) (local.get $b) (local.get $k)))))
(func $t (param i32) (call $word (call_indirect $t (type $unary) (i32.const 7) (local.get 0))))
(func $u (param i32) (call $word (call_indirect $u (type $unary) (i32.const 7) (local.get 0))))
"""
T, U, S = "(call $t (i32.const {}))", "(call $u (i32.const {}))", "(i32.const {})"


def _code(text: str) -> str:
    """`t0` and `u2` call entries; a bare number is a constant."""
    out = []
    for word in text.split():
        if word[0] in "tu" and word[1:].lstrip("-").isdigit():
            out.append((T if word[0] == "t" else U).format(word[1:]))
        else:
            out.append(S.format(word) if word.lstrip("-").isdigit() else word)
    return " ".join(out)


CASES = [
    "t0 u1 u2",
    "u0",  # null
    "u3",  # another type
    "t1",
    "t2",  # beyond
    "u-1",
    "(call $word (table.size $t)) (call $word (table.size $x)) (call $word (table.grow $u (ref.null func) 0 ))",
    "(call $word (table.grow $t (global.get $f) 8 )) (call $word (table.size $t)) t0 t9 t10",
    "(call $word (table.grow $t (global.get $f) 9 )) (call $word (table.size $t))",
    "(call $word (table.grow $t (ref.null func) -1 )) (call $word (table.grow $x (ref.null extern) 5 )) (call $word (table.size $x))",
    "(table.set $t 1 (ref.func $other)) t1 (table.set $t 1 (ref.null func)) t1",
    "(table.set $t 2 (ref.func $other))",
    "(drop (table.get $t 2 ))",
    "(drop (table.get $t -1 ))",
    "(call $word (ref.is_null (table.get $u 0 ))) (call $word (ref.is_null (table.get $u 1 )))",
    "(table.fill $u 1 (ref.func $other) 3 ) u1 u2 u3 (table.fill $u 4 (ref.null func) 0 ) u3 u0",
    "(table.fill $u 2 (ref.func $other) 3 )",
    "(table.fill $u 5 (ref.null func) 0 )",
    "(table.fill $u -1 (ref.null func) 2 )",
    "(table.copy $u $u 0 1 3 ) u0 u1 u2",
    "(table.copy $u $u 1 0 3 ) u2 u3 u1",
    "(table.copy $t $u 0 1 2 ) t0 t1 (table.copy $t $u 2 4 0 )",
    "(table.copy $t $u 0 1 3 )",
    "(table.copy $t $u 0 3 2 )",
    "(table.copy $t $u 3 4 0 )",
    "(table.copy $t $u 0 -1 2 )",
    "(table.copy $t $same 0 0 2 ) t0 t1",
    "(table.init $t $passive 0 0 2 ) t0 t1 (table.init $t $null 0 1 1 ) t0 (table.init $t $null 1 0 1 ) t1",
    "(table.init $t $passive 0 1 2 )",
    "(table.init $t $passive 1 0 2 )",
    "(table.init $t $passive 2 2 0 ) (table.init $t $passive 3 2 0 )",
    "(elem.drop $passive) (table.init $t $passive 0 0 0 ) (table.init $t $passive 0 0 1 )",
    "(table.init $t $active 0 0 0 ) (table.init $t $active 0 0 1 )",
    "(table.init $x $outer 0 0 1 ) (call $word (ref.is_null (table.get $x 0 )))",
    "(elem.drop $active) (elem.drop $null) (elem.drop $null) t0 (table.init $t $null 0 0 1 )",
    "(table.set $t 0 (call $choose 0 (ref.func $other) (global.get $f))) t0",
    "(table.set $t 0 (call $choose 1 (ref.func $other) (global.get $f))) t0",
    "(table.set $t 0 (call $choose 1 (ref.null func) (global.get $f))) t0",
    "(global.set $f (ref.func $other)) (table.set $t 1 (global.get $f)) t1",
    "(call $word (ref.is_null (global.get $none)))",
]  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_what_instructions_do_to_tables(code):
    same(module(_code(code), FUNCTIONS))


def test_a_table_that_never_changes_is_the_machines():
    """Beside others that do, as long as calls go through it alone."""
    functions = """
    (table $t funcref (elem $f $g)) (table $x 2 externref)
    (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))"""
    code = """(table.set $x (i32.const 1) (ref.null extern))
    (drop (table.grow $x (ref.null extern) (i32.const 3))) (call $word (table.size $x))
    (call $word (ref.is_null (table.get $t (i32.const 0))))
    (call $word (call_indirect $t (param i32) (result i32) (i32.const 5) (i32.const 1)))"""
    same(module(code, functions))


def test_tables_beside_a_memory_that_grows():
    functions = (
        '(table $t 1 5 funcref) (data (i32.const 0) "abcd")'
        + """
    (func $f (result i32) (memory.grow (i32.const 2)))
    (elem declare func $f)"""
    )
    code = """(drop (table.grow $t (ref.func $f) (i32.const 2)))
    (call $word (call_indirect $t (result i32) (i32.const 2)))
    (call $word (memory.size)) (call $word (i32.load (i32.const 0)))
    (call $word (call_indirect $t (result i32) (i32.const 1)))
    (call $word (memory.size)) (call $word (table.size $t))
    (call $word (i32.load (i32.const 327676))) (call $word (i32.load (i32.const 327677)))"""
    same(module(code, functions))


def test_the_base_machine_says_what_it_lacks():
    with pytest.raises(Unsupported, match="table.grow in .* the base machine has no tables that"):
        run_ours(
            module("(drop (table.grow $t (ref.null func) (i32.const 1)))", "(table $t 1 funcref)"),
            machine="base",
        )


def test_what_nobody_calls_changes_no_table():
    """A table that only an export could change, which nobody calls, is the machine's own."""
    table = """(table $t funcref (elem $f))
    (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "f") (param i32) (result i32)
      (call_indirect $t (param i32) (result i32) (local.get 0) (i32.const 0)))"""
    change = '(func (export "set") (table.set $t (i32.const 0) (ref.null func)))'
    tokens = [tokens_of(wat(f"(module {table} {more})"), "f", (5,)) for more in ("", change)]
    assert tokens[0] == tokens[1] < 60


def test_what_a_reference_leads_to_is_reached():
    """Through a table, from a global, and from a function that a table leads to."""
    functions = """(table $t 2 funcref) (global $g (mut funcref) (ref.func $h))
    (elem (table $t) (i32.const 0) func $f)
    (func $f (table.set $t (i32.const 1) (global.get $g)) (call_indirect $t (i32.const 1)))
    (func $h (call $word (i32.const 7)) (table.set $t (i32.const 1) (ref.func $k))
      (return_call_indirect $t (i32.const 1)))
    (func $k (call $word (i32.const 8))) (elem declare func $k)"""
    assert same(module("(call_indirect $t (i32.const 0))", functions)).output[::4] == b"\7\10"
