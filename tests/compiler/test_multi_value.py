"""Several results: of functions, blocks, loops and ifs, with parameters, and printed by --entry."""

import pytest

from compiler.oracle import run_oracle, wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute

MODULE = wat("""(module
(type $pair (func (param i32 i64) (result i64 i32)))
(func $swap (export "swap") (type $pair) (local.get 1) (local.get 0))
(func (export "four") (param i32 i64) (result i32 i64 i32 i64)
  (local.get 0) (local.get 1) (i32.const -3) (i64.const 9000000000))
(func (export "nested") (param i32 i64) (result i64 i32 i64 i32)
  (call $swap (local.get 0) (local.get 1))
  (block (param i64 i32) (result i32 i64)
    (i64.extend_i32_s) (i64.add) (i32.const 77) (i64.const 5) (br 0))
  (block (param i32 i64) (result i64 i32) (call $swap))
  (call $swap (i32.const 1) (i64.const 2)))
(func (export "arms") (param i32 i64) (result i64 i32)
  (i64.const 4) (i32.const 5) (local.get 0)
  (if (param i64 i32) (result i64 i32)
    (then (i32.add (local.get 0)))
    (else (drop) (drop) (local.get 1) (i32.const -1))))
(func (export "loop") (param i32 i64) (result i32 i64)
  (local.get 0) (local.get 1)
  (loop $again (param i32 i64) (result i32 i64)
    (local.set 1) (local.set 0)
    (i32.sub (local.get 0) (i32.const 1)) (i64.mul (local.get 1) (i64.const 3))
    (br_if $again (i32.gt_s (local.get 0) (i32.const 2)))))
(func (export "table") (param i32 i64) (result i64 i32)
  (block $a (result i64 i32)
    (block $b (result i64 i32)
      (local.get 1) (i32.const 10) (br_table $a $b (local.get 0)))
    (i32.add (i32.const 100))))
)""")


@pytest.mark.parametrize("entry", ["swap", "four", "nested", "arms", "loop", "table"])
@pytest.mark.parametrize("args", [(0, 0), (1, -5), (6, 1 << 40), (-1, -1)])
def test_all_results_are_printed(entry, args):
    expected = run_oracle(MODULE, entry=entry, args=args).values
    run = execute(from_wasm(MODULE, None, entry, args, True), 1 << 20)
    assert [int(line) for line in run.output.split()] == list(expected)


def test_results_of_the_base_machine():
    code = "(i32.const 1) (i32.const 2) (i32.const -3)"
    data = wat(f'(module (func (export "f") (result i32 i32 i32) {code}))')
    run = execute(from_wasm(data, None, "f", (), True, machine="base"), 1 << 20)
    assert run.output == b"1\n2\n-3\n"
