"""Tail calls, against wasmtime, and in constant depth."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, run_ours, same, wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import Unsupported
from pyvm.isa.executor import Executor

FUNCTIONS = """
(type $step (func (param i32 i64) (result i64)))
(table $t funcref (elem $down $twice $other $void $out))
(table $u 2 3 funcref)
(func $void)
(func $other (param i32 i64) (result i64) (local i32)
  (i64.add (i64.extend_i32_s (local.get 2)) (local.get 1)))
(func $down (type $step)
  (if (i32.eqz (local.get 0)) (then (return_call $other (local.get 0) (local.get 1))))
  (return_call $down (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2))))
(func $even (param i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 44))
    (else (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
(func $odd (param i32) (result i32) (local i64 i32)
  (if (i32.eqz (local.get 0)) (then (return (i32.const 99))))
  (local.set 2 (i32.add (local.get 0) (i32.wrap_i64 (local.get 1))))
  (local.set 1 (i64.const 5))
  (i64.const 1) (i32.const 2)
  (return_call $even (i32.sub (local.get 2) (i32.const 1))))
(func $twice (type $step)
  (i32.const 77)
  (if (i32.gt_u (local.get 0) (i32.const 9)) (then
    (return_call_indirect $t (type $step) (i32.sub (local.get 0) (i32.const 10))
      (i64.mul (local.get 1) (i64.const 3)) (i32.const 1))))
  (drop)
  (return_call_indirect $t (type $step) (local.get 0) (local.get 1)
    (i32.rem_u (local.get 0) (i32.const 5))))
(func $print (param i32) (return_call $word (local.get 0)))
(func $put (param i32) (return_call $out (local.get 0)))
(func $put_by_table (param i32) (return_call_indirect $t (param i32) (local.get 0) (i32.const 4)))
(func $two (param i32) (result i32 i64) (return_call $swap (i64.const 3) (local.get 0)))
(func $swap (param i64 i32) (result i32 i64)
  (i32.add (local.get 1) (i32.const 1)) (i64.mul (local.get 0) (i64.const 7)))
(func $branch (param i32) (result i32)
  (block (block (block (br_table 0 1 2 (local.get 0)))
    (return_call $even (i32.const 3))) (return_call $odd (i32.const 3)))
  (i32.const 5))
"""
CASES = [
    "(call $word (call $even (i32.const 7))) (call $word (call $odd (i32.const 1000)))",
    "(call $long (call $down (i32.const 200) (i64.const 1)))",
    "(call $long (call $twice (i32.const 50) (i64.const 1)))",
    "(call $long (call $twice (i32.const 37) (i64.const 1)))",
    "(call $long (call $twice (i32.const 43) (i64.const 1)))",  # another type
    "(call $long (call $twice (i32.const 4) (i64.const 1)))",
    "(call $print (i32.const 65)) (call $put (i32.const 66)) (call $put_by_table (i32.const 67))",
    "(call $two (i32.const 8)) (call $long) (call $word)",
    "(call $word (call $branch (i32.const 0))) (call $word (call $branch (i32.const 1)))",
    "(call $word (call $branch (i32.const 2)))",
    "(call $long (call_indirect $t (type $step) (i32.const 5) (i64.const 2) (i32.const 0)))",
    "(call $long (call_indirect $t (type $step) (i32.const 50) (i64.const 2) (i32.const 1)))",
]


@pytest.mark.parametrize("code", CASES)
def test_they_compute_what_calls_do(code):
    same(module(code, FUNCTIONS))


@pytest.mark.parametrize("changed", ["", "(table.set $u (i32.const 0) (ref.func $down))"])
@pytest.mark.parametrize("code", CASES)
def test_tables_that_change(code, changed):
    calls = "(call_indirect $u (type $step) (i32.const 3) (i64.const 4) (i32.const 0))"
    same(module(f"(table.fill $u (i32.const 0) (ref.func $twice) (i32.const 2)) {changed} {code}"
                f"(call $long {calls})", FUNCTIONS))  # fmt: skip


@pytest.mark.parametrize("entry, args, value", [("even", (301,), 99), ("count", (300,), 307)])
def test_the_depth_does_not_grow(entry, args, value):
    data = wat("""(module (table funcref (elem $count $done)) (type $t (func (param i32 i32) (result i32)))
    (func $even (export "even") (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 44))))
      (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 99))))
      (return_call $even (i32.sub (local.get 0) (i32.const 1))))
    (func $done (type $t) (i32.add (local.get 1) (i32.const 7)))
    (func $count (type $t) (return_call_indirect (type $t)
      (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 1))
      (i32.le_s (local.get 0) (i32.const 1))))
    (func (export "count") (param i32) (result i32) (call $count (local.get 0) (i32.const 0))))""")
    program = from_wasm(data, None, entry, args, True)
    executor, deepest = Executor(program.code, program.given()), 0
    while program.code[executor.cursor][0] != "halt":
        executor._step(*program.code[executor.cursor])
        deepest = max(deepest, len(executor.calls))
    run = execute(program, 1 << 20)
    assert run.trap is None and int(run.output) == value
    assert deepest <= 4


def test_the_base_machine_says_what_it_lacks():
    with pytest.raises(Unsupported, match="return_call in .* the base machine has no tail calls"):
        run_ours(module("(call $f)", "(func $f (return_call $g)) (func $g)"), machine="base")
