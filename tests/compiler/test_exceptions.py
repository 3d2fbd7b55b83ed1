"""Exceptions: random programs in both forms and cases of their own, against wasmtime, which has the
newer form only.
"""

# ruff: noqa: E501  (modules as text)

from random import Random

import pytest

import pyvm
from compiler.oracle import HEAD, module, run_oracle, run_ours, same, tokens_of, wat
from compiler.random_exceptions import module as random_module
from compiler.random_exceptions import program
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap

FUNCTIONS = """
(tag $e (export "number") (param i32))
(tag $two (param i64 i32 f64))
(tag $none)
(type $one (func (param i32) (result i32)))
(table funcref (elem $leaf $safe))
(table $kept 3 exnref)
(func $leaf (type $one)
  (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
  (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $e (i32.const 99))))
  (if (i32.eq (local.get 0) (i32.const 2))
    (then (throw $two (i64.const 0x123456789a) (i32.const 5) (f64.const 1.5))))
  (if (i32.eq (local.get 0) (i32.const 3)) (then (throw_ref (ref.null exn))))
  (if (i32.eq (local.get 0) (i32.const 5)) (then (unreachable)))
  (throw $none))
(func $safe (type $one) (i32.const 3))
(func $middle (param i32) (result i32)
  (i32.add (i32.const 1000)
    (i32.mul (local.get 0) (i32.add (i32.const 1) (call $leaf (local.get 0))))))
(func $indirect (param i32 i32) (result i32)
  (i32.add (i32.const 500) (call_indirect (type $one) (local.get 0) (local.get 1))))
(func $caught (param i32) (result i32)
  (i32.const 50000)
  (block $all (result i32)
    (block $b (result i64 i32 f64)
      (block $a (result i32)
        (try_table (result i32) (catch $e $a) (catch $two $b) (call $middle (local.get 0)))
        (br $all))
      (br $all (i32.add (i32.const 1))))
    (i32.trunc_f64_s) (i32.add) (local.set 0) (i32.wrap_i64) (i32.add (local.get 0)) (br $all))
   (i32.add))
(func $again (param i32) (result i32) (local exnref exnref)
  (block $second (result i64 i32 f64 exnref)
    (block $first (result exnref)
      (try_table (result i32) (catch_all_ref $first) (call $middle (local.get 0)))
      (return))
    (local.set 1)
    (drop (call $caught (i32.const 1)))
    (table.set $kept (i32.const 2) (local.get 1))
    (try_table (catch_ref $two $second) (throw_ref (table.get $kept (i32.const 2))))
    (unreachable))
  (local.set 2) (drop) (drop) (drop)
  (call $word (ref.is_null (local.get 2)))
  (throw_ref (local.get 2)))
(func $many (param i32) (result i32 i64)
  (block $h (result i32 i64)
    (try_table (result i32 i64) (call $caught (local.get 0)) (i64.const 8)
      (br_if $h (call $middle (local.get 0))))))
"""
CASES = [
    "(call $word (call $caught (i32.const 0))) (call $word (call $caught (i32.const 1))) (call $word (call $caught (i32.const 2)))",
    "(call $word (call $caught (i32.const 4)))",
    "(call $word (call $indirect (i32.const 0) (i32.const 0))) (call $word (call $indirect (i32.const 9) (i32.const 1))) (call $word (call $indirect (i32.const 1) (i32.const 0)))",
    "(call $word (call $again (i32.const 0))) (call $word (call $again (i32.const 2)))",
    "(call $word (call $again (i32.const 1)))",
    "(block (try_table (catch_all 0) (drop (call $again (i32.const 2))))) (call $word (i32.const 3))",
    "(drop (call $leaf (i32.const 3)))",  # a null reference
    "(block (try_table (catch_all 0) (drop (call $leaf (i32.const 5)))))",  # traps are not caught
    "(call $many (i32.const 0)) (call $long) (call $word)",
]  # fmt: skip


@pytest.mark.parametrize("body", CASES)
def test_cases(body):
    same(module(body, FUNCTIONS))


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_in_both_forms(seed):
    functions = program(Random(seed))
    newer = random_module(functions, older=False)
    expected = run_oracle(newer)
    assert run_ours(newer) == expected
    assert run_ours(random_module(functions, older=True)) == expected


@pytest.mark.parametrize("older", [False, True])
def test_through_the_weights(older):
    model = pyvm.load()
    for seed in (0, 3):
        data = random_module(program(Random(seed)), older)
        expected = run_ours(data)
        ran = model.generate(from_wasm(data))
        assert ran.output == expected.output
        assert model.verify(ran.tokens).ok


def test_the_end_of_what_nobody_catches():
    """It is a trap, of the tag's name, where it was thrown."""
    for body, why in [
        ("(drop (call $middle (i32.const 1)))", "uncaught exception of number in function 4"),
        ("(drop (call $middle (i32.const 4)))", "uncaught exception of none in function 4"),
        ("(drop (call $again (i32.const 2)))", "uncaught exception of two in function 4"),
        ("(throw_ref (ref.null exn))", "null reference in compute"),
    ]:
        run = execute(from_wasm(module(body, FUNCTIONS)), 1 << 20)
        assert run.trap.kind is (Trap.NULL_REFERENCE if "null" in why else Trap.UNCAUGHT_EXCEPTION)
        text = str(run.trap).replace("leaf", "function 4")
        assert text.startswith(f"trap: {why} at offset 0x"), text


def test_from_the_start_function_and_an_entry():
    thrown = "(tag $t (param i64)) (func $f (param i64) (result i64) (throw $t (local.get 0)))"
    start = wat(
        f'(module {thrown} (start $s) (func $s (drop (call $f (i64.const 1)))) (func (export "compute")))'
    )
    assert "uncaught exception of t in f" in str(execute(from_wasm(start), 1 << 20).trap)
    caught = f"""(module {thrown} (func (export "go") (param i64) (result i64 i32)
      (block (result i64) (try_table (catch $t 0) (drop (call $f (local.get 0)))) (i64.const 0)) (i32.const 4)))"""
    run = execute(from_wasm(wat(caught), None, "go", (1 << 40,), True), 1 << 20)
    assert run.output.split() == [b"1099511627776", b"4"] and run.trap is None


def test_many_locals():
    """A function with more locals than a call depth has calls through others."""
    sums = "".join(
        f"(local.set {i} (i32.add (local.get 0) (i32.const {i})))" for i in range(1, 200)
    )
    total = "".join(f"(call $word (local.get {i}))" for i in (1, 60, 130, 199))
    functions = f"""(tag $t) (func $f (param i32) (if (local.get 0) (then (throw $t))))
    (func $g (param i32) (local {"i32 " * 199}) {sums}
      (call $f (i32.const 0)) (block (try_table (catch_all 0) (call $f (local.get 1)) (call $word (i32.const 7))))
      {total})"""
    same(module("(call $g (i32.const 3)) (call $g (i32.const -1))", functions))


def test_a_call_that_may_throw_costs_nothing_more():
    text = """(module (tag $t) (func $f (param i32) (result i32) {guard} (i32.add (local.get 0) (i32.const 1)))
      (func $g (param i32) (result i32) (i32.mul (call $f (local.get 0)) (i32.const 3)))
      (func (export "h") (param i32) (result i32)
        {before} (call $g (local.get 0)) {behind}))"""
    guard = "(if (i32.eqz (local.get 0)) (then ({})))"
    plain = wat(text.format(guard=guard.format("unreachable"), before="", behind=""))
    text = text.replace("(func (export", "(func $h (export")
    throws = text.format(
        guard=guard.format("throw $t"),
        before="(block (try_table (catch_all 0)",
        behind="(return))) (i32.const 0)",
    )
    assert tokens_of(wat(throws), "h", (5,)) == tokens_of(plain, "h", (5,))


def test_imported_tags():
    """Nobody else throws them; two of one name are the same."""
    text = """(module (import "a" "t" (tag $t (param i32))) (import "a" "t" (tag $u (param i32))) (import "a" "v" (tag $v (param i32)))
      (func (export "go") (param i32) (result i32)
      (block (result i32) (block (result i32) (try_table (catch $v 0) (catch $u 1) (throw $t (local.get 0))) (i32.const 1)) (drop) (i32.const 2))))"""
    run = execute(from_wasm(wat(text), None, "go", (77,), True), 1 << 20)
    assert run.output == b"77\n"


def test_the_base_machine_has_none():
    data = wat(f'(module {HEAD} (tag $t) (func (export "compute") (throw $t)))')
    with pytest.raises(
        Unsupported, match="throw in compute at offset 0x.*: the base machine has no exceptions"
    ):
        from_wasm(data, machine="base")


def test_references_take_places_that_end(monkeypatch):
    """One for each exception that a reference is made of, however often that is thrown again."""
    monkeypatch.setattr("pyvm.wasm.limits.TABLE_ELEMENTS", 1 + 8 * 2)  # of two words
    text = """(module (tag $t (param i32))
      (func (export "fresh") (param i32) (loop (block (result i32 exnref)
        (try_table (catch_ref $t 0) (throw $t (local.get 0))) (unreachable)) (drop) (drop)
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "again") (param i32) (local $e exnref)
        (block (result i32 exnref) (try_table (catch_ref $t 0) (throw $t (local.get 0))) (unreachable))
        (local.set $e) (drop)
        (loop (block (result exnref) (try_table (catch_all_ref 0) (throw_ref (local.get $e))) (unreachable))
          (local.set $e) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    for entry, count, kind in [
        ("fresh", 8, None),
        ("fresh", 9, Trap.TABLE_OUT_OF_BOUNDS),
        ("again", 99, None),
    ]:
        trap = execute(from_wasm(wat(text), None, entry, (count,), True), 1 << 20).trap
        assert (trap and trap.kind) == kind
        assert trap is None or "in fresh" in str(trap)
