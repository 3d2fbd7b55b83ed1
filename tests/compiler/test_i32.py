"""Every i32 instruction at the boundary values: variables, constants on either side, and traps."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same

EDGES = (0, 1, 2, 3, 7, 8, 31, 32, 33, 255, 256, 257, 65535, 65536, 0x01020304, 0x7FFFFFFF, 0x80000000,
         0x80000001, 0xAAAAAAAA, 0x55555555, 0xFFFFFF00, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
UNARY = "eqz clz ctz popcnt extend8_s extend16_s".split()
BINARY = ("add sub mul and or xor shl shr_s shr_u rotl rotr "
          "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u").split()  # fmt: skip
COMPARISONS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
DIVISIONS = "div_s div_u rem_s rem_u".split()


def _fits(op: str, a: int, b: int) -> bool:
    """No trap."""
    if op in DIVISIONS and b == 0:
        return False
    return not (op == "div_s" and a == 0x80000000 and b == 0xFFFFFFFF)


@pytest.mark.parametrize("op", UNARY)
def test_unary(op):
    calls = "".join(f"(call $word (call $f (i32.const {a})))" for a in EDGES)
    same(module(calls, f"(func $f (param i32) (result i32) (i32.{op} (local.get 0)))"))


@pytest.mark.parametrize("op", BINARY + DIVISIONS)
def test_two_variables(op):
    calls = "".join(
        f"(call $word (call $f (i32.const {a}) (i32.const {b})))"
        for a in EDGES
        for b in EDGES
        if _fits(op, a, b)
    )
    same(
        module(
            calls, f"(func $f (param i32 i32) (result i32) (i32.{op} (local.get 0) (local.get 1)))"
        )
    )


@pytest.mark.parametrize("op", BINARY + DIVISIONS)
def test_constant_operand(op):
    functions, calls = "", ""
    for i, k in enumerate(EDGES):
        for side, form in (
            ("r", f"(local.get 0) (i32.const {k})"),
            ("l", f"(i32.const {k}) (local.get 0)"),
        ):
            functions += f"(func ${side}{i} (param i32) (result i32) (i32.{op} {form}))\n"
            for a in EDGES:
                if _fits(op, *((a, k) if side == "r" else (k, a))):
                    calls += f"(call $word (call ${side}{i} (i32.const {a})))"
    same(module(calls, functions))


@pytest.mark.parametrize("op", BINARY + DIVISIONS)
def test_constants_fold(op):
    pairs = [(a, b) for a in EDGES[::2] for b in EDGES if _fits(op, a, b)]
    same(
        module(
            "".join(f"(call $word (i32.{op} (i32.const {a}) (i32.const {b})))" for a, b in pairs)
        )
    )


@pytest.mark.parametrize("op", BINARY + DIVISIONS)
def test_operand_that_waits_on_the_stack(op):
    """The left operand was evaluated before a statement: it cannot be prepared for."""
    functions = calls = ""
    for i, k in enumerate((None, *EDGES)):
        right = "(local.get 1)" if k is None else f"(i32.const {k})"
        functions += (
            f"(func $f{i} (param i32 i32) (result i32) (local i32) "
            f"(local.get 0) (local.set 2 (i32.const 5)) {right} (i32.{op}) )\n"
        )
        for a in EDGES:
            b = 3 if k is None else k
            if _fits(op, a, b):
                calls += f"(call $word (call $f{i} (i32.const {a}) (i32.const 3)))"
    same(module(calls, functions))


@pytest.mark.parametrize("op", DIVISIONS)
@pytest.mark.parametrize("a, b", [(7, 0), (0, 0), (0x80000000, 0xFFFFFFFF), (0x80000000, 1)])
@pytest.mark.parametrize("form", ["variables", "constant"])
def test_division_traps(op, a, b, form):
    right = "(local.get 1)" if form == "variables" else f"(i32.const {b})"
    function = f"(func $f (param i32 i32) (result i32) (i32.{op} (local.get 0) {right}))"
    body = f"(call $out (i32.const 65)) (call $word (call $f (i32.const {a}) (i32.const {b})))"
    result = same(module(body, function))
    assert result.output[:1] == b"A"
