"""Every i64 instruction at the boundary values: variables, constants on the right, and traps."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same

EDGES = (0, 1, 2, 31, 32, 33, 63, 64, 65, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000,
         0x123456789ABCDEF0, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0x8000000000000001,
         0xFFFFFFFF00000000, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF)  # fmt: skip
TO_I64 = "clz ctz popcnt extend8_s extend16_s extend32_s".split()
BINARY = "add sub mul and or xor shl shr_s shr_u rotl rotr".split()
DIVISIONS = "div_s div_u rem_s rem_u".split()
COMPARISONS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()


def _fits(op: str, a: int, b: int) -> bool:
    if op in DIVISIONS and b == 0:
        return False
    return not (op == "div_s" and a == 1 << 63 and b == (1 << 64) - 1)


def _result(op: str) -> tuple[str, str]:
    return ("i32", "$word") if op in COMPARISONS or op == "eqz" else ("i64", "$long")


@pytest.mark.parametrize("op", ["eqz", *TO_I64])
def test_unary(op):
    kind, show = _result(op)
    calls = "".join(f"(call {show} (call $f (i64.const {a})))" for a in EDGES)
    same(module(calls, f"(func $f (param i64) (result {kind}) (i64.{op} (local.get 0)))"))


@pytest.mark.parametrize("op", BINARY + DIVISIONS + COMPARISONS)
def test_two_variables(op):
    kind, show = _result(op)
    edges = EDGES[::2] if op in DIVISIONS else EDGES
    calls = "".join(
        f"(call {show} (call $f (i64.const {a}) (i64.const {b})))"
        for a in EDGES
        for b in edges
        if _fits(op, a, b)
    )
    form = f"(func $f (param i64 i64) (result {kind}) (i64.{op} (local.get 0) (local.get 1)))"
    same(module(calls, form))


@pytest.mark.parametrize("op", BINARY + DIVISIONS + COMPARISONS)
def test_constant_operand(op):
    kind, show = _result(op)
    functions = calls = ""
    for i, k in enumerate(EDGES):
        form = f"(i64.{op} (local.get 0) (i64.const {k}))"
        functions += f"(func $f{i} (param i64) (result {kind}) {form})\n"
        for a in EDGES[i % 3 :: 3]:
            if _fits(op, a, k):
                calls += f"(call {show} (call $f{i} (i64.const {a})))"
    same(module(calls, functions))


@pytest.mark.parametrize("op", BINARY + DIVISIONS + COMPARISONS)
def test_operand_that_waits_on_the_stack(op):
    """The left operand was evaluated before a statement: it cannot be prepared for."""
    kind, show = _result(op)
    functions = calls = ""
    for i, k in enumerate((None, *EDGES)):
        right = "(local.get 1)" if k is None else f"(i64.const {k})"
        functions += (
            f"(func $f{i} (param i64 i64) (result {kind}) (local i32) "
            f"(local.get 0) (local.set 2 (i32.const 5)) {right} (i64.{op}) )\n"
        )
        for a in EDGES[i % 3 :: 3]:
            b = 3 if k is None else k
            if _fits(op, a, b):
                calls += f"(call {show} (call $f{i} (i64.const {a}) (i64.const 3)))"
    same(module(calls, functions))


@pytest.mark.parametrize("op", DIVISIONS)
@pytest.mark.parametrize(
    "a, b", [(7, 0), (1 << 63, (1 << 64) - 1), (1 << 63, 1), (1 << 63, 1 << 63)]
)
@pytest.mark.parametrize("form", ["(local.get 1)", "(i64.const {})"])
def test_division_traps(op, a, b, form):
    function = f"(func $f (param i64 i64) (result i64) (i64.{op} (local.get 0) {form.format(b)}))"
    same(module(f"(call $long (call $f (i64.const {a}) (i64.const {b})))", function))


def test_conversions():
    calls = "".join(
        f"(call $word (call $wrap (i64.const {a}))) (call $long (call $s (i32.const {a & 0xFFFFFFFF})))"
        f"(call $long (call $u (i32.const {a & 0xFFFFFFFF}))) (call $word (call $high (i64.const {a})))"
        for a in EDGES
    )
    same(
        module(
            calls,
            "(func $wrap (param i64) (result i32) (i32.wrap_i64 (local.get 0)))"
            "(func $s (param i32) (result i64) (i64.extend_i32_s (local.get 0)))"
            "(func $u (param i32) (result i64) (i64.extend_i32_u (local.get 0)))"
            "(func $high (param i64) (result i32) "
            "  (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))",
        )
    )


@pytest.mark.parametrize("op", "load load8_s load8_u load16_s load16_u load32_s load32_u".split())
def test_loads(op):
    content = "".join(
        f"\\{b:02x}" for b in (1, 0x80, 0xFF, 0x7F, 0, 0x90, 2, 0xFE, 0x81, 3, 0xAA, 0x55)
    )
    calls = "".join(f"(call $long (i64.{op} offset={k % 3} (i32.const {k})))" for k in range(12))
    same(module(calls, f'(data (i32.const 0) "{content}")'))


@pytest.mark.parametrize("op", "store store8 store16 store32".split())
def test_stores(op):
    body = f"""
      (i64.{op} (i32.const 3) (i64.const 0x1122334455667788))
      (i64.{op} offset=5 (call $id (i32.const 11)) (i64.load (i32.const 3)))
      (i64.{op} (i32.const 40) (i64.add (i64.load (i32.const 3)) (i64.const -1)))"""
    body += "".join(f"(call $word (i32.load (i32.const {k})))" for k in range(0, 60, 4))
    same(module(body, "(func $id (param i32) (result i32) (local.get 0))"))


def test_copy_onto_itself_shifted():
    body = """(i64.store (i32.const 0) (i64.const 0x1122334455667788))
      (i64.store (i32.const 4) (i64.load (i32.const 0)))
      (call $long (i64.load (i32.const 0))) (call $long (i64.load (i32.const 8)))"""
    same(module(body))


def test_locals_globals_select_and_blocks():
    functions = """
      (global $g (mut i64) (i64.const 0x0102030405060708))
      (func $f (param i64 i32 i64) (result i64) (local i64)
        (local.set 3 (i64.add (local.get 3) (local.get 0)))
        (global.set $g (i64.add (global.get $g) (local.tee 2 (local.get 2))))
        (block (result i64)
          (i64.const 99)
          (br_if 0 (select (local.get 0) (local.get 2) (local.get 1)) (local.get 1))
          (drop) (drop) (global.get $g)))
      (func $two (param i64 i64) (result i64) (i64.sub (local.get 0) (local.get 1)))"""
    calls = "".join(
        f"(call $long (call $f (i64.const {a}) (i32.const {c}) (i64.const {b})))"
        f"(call $long (call $two (i64.const {a}) (i64.const {b})))"
        for a, b, c in [(1, 2, 0), (1 << 40, 3, 1), (-1, -5, 7)]
    )
    same(module(calls, functions))
