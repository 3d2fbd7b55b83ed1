"""What is known of the bits of locals: through branches, loops and results, against wasmtime; and that
it is used.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same
from pyvm.compiler.compile import from_wasm

# Each body sets local 1 to what is small on some path and large on another, then shows rewrites that
# would be wrong for the large value.
SHOW = """(call $word (i32.or (local.get 1) (i32.const 0x100)))
  (call $word (i32.xor (local.get 1) (i32.const 1))) (call $word (i32.eq (local.get 1) (i32.const 1)))
  (call $word (i32.and (local.get 1) (i32.const 255))) (call $word (i32.shr_s (local.get 1) (i32.const 4)))
  (call $word (i32.or (i32.eqz (local.get 0)) (local.get 1))) (call $word (i32.div_s (local.get 1) (i32.const 3)))"""
BODIES = {
    "never set": "",
    "parameter": "(local.set 1 (local.get 0))",
    "one arm": "(if (local.get 0) (then (local.set 1 (local.get 0))))",
    "small in one arm only": "(local.set 1 (i32.const -5)) (if (local.get 0) (then (local.set 1 (i32.const 1))))",
    "large before else": """(local.set 1 (i32.const -1)) (if (local.get 0) (then (local.set 1 (i32.const 1)))
        (else (call $word (i32.or (local.get 1) (i32.const 0x100)))))""",
    "other arm": "(if (local.get 0) (then) (else (local.set 1 (i32.const -7))))",
    "both arms": "(if (local.get 0) (then (local.set 1 (i32.const 1))) (else (local.set 1 (i32.const 0x1ff))))",
    "branch out": "(local.set 1 (i32.const -1)) (block (br_if 0 (local.get 0)) (local.set 1 (i32.const 1)))",
    "branch two out": "(block (block (local.set 1 (i32.const -1)) (br_if 1 (local.get 0)) (local.set 1 (i32.const 0))) (local.set 1 (i32.const 1)))",
    "branch with dropped operands": """(drop (block (result i32) (i32.const 1) (i32.const 2) (local.set 1 (i32.const 0x300))
        (br_if 0 (local.get 0)) (local.set 1 (i32.const 1)) (drop)))""",
    "table": """(block (block (block (local.set 1 (i32.const 0x101)) (br_table 0 1 2 (local.get 0)))
        (local.set 1 (i32.const 1)) (br 1)) (local.set 1 (i32.const -2)))""",
    "loop": "(loop (local.set 1 (i32.add (local.get 1) (i32.const 0x90))) (br_if 0 (i32.lt_u (local.get 1) (i32.const 0x300))))",
    "loop that reads first": """(loop (call $word (i32.or (local.get 1) (i32.const 0x100))) (call $word (i32.eq (local.get 1) (i32.const 1)))
        (local.set 1 (i32.const 0x7ff)) (br_if 0 (local.tee 2 (i32.eqz (local.get 2)))))""",
    "loop two deep": """(loop (loop (call $word (i32.xor (local.get 1) (i32.const 0x40))) (local.set 1 (i32.add (local.get 1) (local.get 3)))
        (local.set 3 (i32.const 0x777)) (br_if 0 (local.tee 2 (i32.eqz (local.get 2)))))
        (br_if 0 (i32.lt_u (local.get 1) (i32.const 0x2000))))""",
    "loop left from inside": """(block (loop (br_if 1 (i32.gt_u (local.get 1) (i32.const 0x500)))
        (local.set 1 (i32.add (i32.shl (local.get 1) (i32.const 1)) (i32.const 0x11))) (br 0)))""",
    "block result": "(local.set 1 (block (result i32) (br_if 0 (i32.const -9) (local.get 0)) (drop) (i32.const 1)))",
    "if result": "(local.set 1 (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 0x80000001))))",
    "loop result": "(local.set 1 (loop (result i32) (i32.and (local.get 0) (i32.const 1))))",
    "loop parameter": """(i32.const 0) (loop (param i32) (result i32) (i32.add (i32.const 0x203)) (local.tee 1)
        (br_if 0 (i32.lt_u (local.get 1) (i32.const 0x700)))) (local.set 1)""",
    "tee": "(drop (i32.add (local.tee 1 (i32.const 1)) (local.tee 1 (i32.const 0x123))))",
    "pending read": "(local.get 1) (local.set 1 (i32.const -1)) (call $word (i32.or (i32.const 0x100)))",
    "dead code": "(block (br 0) (local.set 1 (i32.const -1)))",
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_bits_of_locals(body):
    function = f"(func $f (param i32) (local i32 i32 i32) {BODIES[body]} {SHOW})"
    calls = "".join(f"(call $f (i32.const {n}))" for n in (0, 1, 2, 255, 0x180, -1))
    same(module(calls, function))


def test_truth_values_in_locals_are_combined_without_a_routine():
    function = """(func $f (param i32 i32) (result i32) (local i32 i32)
      (loop (local.set 2 (i32.lt_s (local.get 0) (local.get 1)))
        (if (local.get 2) (then (local.set 3 (i32.eqz (local.get 0)))) (else (local.set 3 (i32.const 1))))
        (br_if 0 (i32.gt_s (local.tee 1 (i32.sub (local.get 1) (i32.const 5))) (i32.const 0))))
      (i32.or (local.get 2) (i32.xor (local.get 3) (i32.and (local.get 2) (local.get 3)))))"""
    data = module("(call $word (call $f (i32.const 3) (i32.const 17)))", function)
    same(data)
    assert not {"i32.or", "i32.and", "i32.xor"} & {name for _, name in from_wasm(data).debug.units}
