"""What compilers use by default beyond WebAssembly 1.0: bulk memory, kinds of segments, select with a
type, several results; against wasmtime.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import HEAD, module, same, wat

DATA = '(data (i32.const 16) "abcdefghijklmnopqrstuvwxyz0123456789")'
SHOW = "".join(f"(call $word (i32.load (i32.const {a})))" for a in range(0, 64, 4))


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 8, 15])
@pytest.mark.parametrize("to, source", [(16, 16), (17, 16), (16, 17), (20, 16), (16, 20), (40, 16), (3, 30)])  # fmt: skip
def test_copy(to, source, length):
    copy = f"(memory.copy (i32.const {to}) (i32.const {source}) (i32.const {length}))"
    same(module(copy + SHOW, DATA))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 7, 8, 13])
def test_fill(length):
    fill = f"(memory.fill (i32.const 21) (i32.const 0x1ab) (i32.const {length}))"
    same(module(fill + SHOW, DATA))


@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize(
    "to, source, length",
    [(65536, 0, 0), (0, 65536, 0), (65537, 0, 0), (0, 65537, 0), (65533, 0, 4), (65532, 0, 4), (0, 65533, 4),
     (0, 0, -1), (-1, 0, 1), (0, -1, 2), (-4, 0, 8), (0, 0, 65537), (0x80000000, 0x80000000, 0x80000000)],
)  # fmt: skip
@pytest.mark.parametrize("op", ["copy", "fill"])
def test_bounds(op, to, source, length, grows):
    grow = "(drop (memory.grow (i32.const 0)))" if grows else ""
    function = (
        f"(func $f (param i32 i32 i32) (memory.{op} (local.get 0) (local.get 1) (local.get 2)))"
    )
    call = f"(call $f (i32.const {to}) (i32.const {source}) (i32.const {length}))"
    same(module(f"{grow} (call $out (i32.const 65)) {call} (call $out (i32.const 66))", function))


def test_operands_of_a_copy_are_evaluated_once_and_in_order():
    function = "(func $say (param i32) (result i32) (call $out (local.get 0)) (local.get 0))"
    body = "(i32.const 5) (memory.copy (call $say (i32.const 50)) (call $say (i32.const 17)) (call $say (i32.const 9)))"
    same(module(f"{body} (call $word) {SHOW}", function + DATA))


@pytest.mark.parametrize(
    "segment",
    ["(elem (table 0) (i32.const 1) func $a $b)", "(elem (i32.const 1) funcref (ref.func $a) (ref.null func))",
     "(elem declare func $a) (elem (i32.const 2) $b)", "(elem func $b) (elem (i32.const 0) $a)",
     "(elem funcref (ref.func $b)) (elem (table 0) (i32.const 0) funcref (ref.func $a))"],
)  # fmt: skip
@pytest.mark.parametrize("index", range(4))
def test_kinds_of_element_segments(segment, index):
    functions = f"""(type $t (func (result i32))) (table 3 funcref) {segment}
      (func $a (result i32) (i32.const 1)) (func $b (result i32) (i32.const 2))"""
    same(module(f"(call $word (call_indirect (type $t) (i32.const {index})))", functions))


def test_kinds_of_data_segments():
    same(module(SHOW, '(data "passive") (data (memory 0) (i32.const 4) "active")'))


def test_select_with_a_type():
    function = "(func $f (param i64 i64 i32) (result i64) (select (result i64) (local.get 0) (local.get 1) (local.get 2)))"
    calls = "".join(
        f"(call $long (call $f (i64.const 7) (i64.const -9) (i32.const {c})))" for c in (0, 1)
    )
    same(module(calls, function))


def test_several_results():
    same(
        wat(
            f"""(module {HEAD} (type $pair (func (param i32 i64) (result i64 i32)))
            (func $swap (type $pair) (local.get 1) (local.get 0))
            (func $loop (param i32) (result i32)
              (i32.const 1) (local.get 0)
              (loop $l (param i32 i32) (result i32)
                (local.set 0) (i32.mul (local.get 0))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (if (param i32) (result i32 i32) (i32.eqz (local.get 0))
                  (then (i32.const 0)) (else (local.get 0) (br $l)))
                (drop)))
            (table 1 funcref) (elem (i32.const 0) $swap)
            (func (export "compute")
              (call $swap (i32.const 5) (i64.const -6)) (call $word) (call $long)
              (call_indirect (type $pair) (i32.const 7) (i64.const 8) (i32.const 0)) (call $word) (call $long)
              (call $word (call $loop (i32.const 6)))
              (block (result i32 i32) (i32.const 77) (i32.const 1) (i32.const 2) (br_if 0 (i32.const 1)) (drop) (drop) (i32.const 3))
              (call $word) (call $word) ))"""
        )
    )
