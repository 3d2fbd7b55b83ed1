"""What the standard machine's code costs, in tokens: each instruction, calls, branches, tables,
division; and what the rewrites save.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import run_oracle, tokens_of, wat
from pyvm.bundled import PROGRAMS
from pyvm.compiler.compile import compile_file, from_wasm
from pyvm.engine.executor import execute

CALL = 12  # a call and its return
WORD, LONG = 5, 9
LIKE_ADD = "add sub and or xor shl shr_s shr_u rotl rotr".split()
COMPARISONS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
OPERATIONS = {
    **{("i32", name): WORD for name in (*LIKE_ADD, *COMPARISONS)},
    **{("i64", name): LONG for name in LIKE_ADD},
    **{("i64", name): WORD for name in COMPARISONS},
    ("i32", "mul"): 9, ("i64", "mul"): 17,
    ("i32", "div_s"): 9, ("i32", "div_u"): 9, ("i32", "rem_s"): 13, ("i32", "rem_u"): 13,
}  # fmt: skip


def function(params: str, result: str, body: str, more: str = "") -> bytes:
    results = f"(result {result})" if result else ""
    return wat(f'(module (memory 1) {more} (func (export "f") (param {params}) {results} {body}))')


@pytest.mark.parametrize("kind, name", OPERATIONS)
def test_operations_on_arguments_need_no_locals(kind, name):
    result = "i32" if name in COMPARISONS else kind
    data = function(f"{kind} {kind}", result, f"({kind}.{name} (local.get 0) (local.get 1))")
    assert tokens_of(data, "f", (1 << 31, 77)) == CALL + OPERATIONS[kind, name]


@pytest.mark.parametrize(
    "params, result, body, tokens",
    [
        ("i32", "i32", "(i32.clz (local.get 0))", 5),
        ("i32", "i32", "(i32.extend8_s (local.get 0))", 5),
        ("i64", "i64", "(i64.popcnt (local.get 0))", 9),
        ("i64", "i32", "(i64.eqz (local.get 0))", 5),
        ("i64", "i32", "(i32.wrap_i64 (local.get 0))", 5),
        ("i32", "i64", "(i64.extend_i32_s (local.get 0))", 9),
        ("i32", "i32", "(i32.const 7)", 5 + 1),  # the argument is dropped
        ("i32", "i64", "(i64.const 7)", 9 + 1),
        ("i32", "i32", "(i32.load8_u (local.get 0))", 5),
        ("i32", "i64", "(i64.load16_s (local.get 0))", 9),
        ("i32 i32", "", "(i32.store8 (local.get 0) (local.get 1))", 2),
        ("i32 i64", "", "(i64.store (local.get 0) (local.get 1))", 9),
        ("i32 i64", "", "(i64.store32 (local.get 0) (local.get 1))", 5),
        ("i32 i32 i32", "i32", "(select (local.get 0) (local.get 1) (local.get 2))", 5),
        ("i32", "i32", "memory.size", 5 + 1),
        # the halves of a number in a local are words of their own
        ("i64", "i64", "(i64.mul (i64.extend_i32_u (i32.wrap_i64 (local.get 0))) (i64.shr_u (local.get 0) (i64.const 32)))",
         9 + 5 + 9 + 5 + 9 + 17),
    ],
)  # fmt: skip
def test_other_operations(params, result, body, tokens):
    arguments = tuple(3 for _ in params.split())
    assert tokens_of(function(params, result, body), "f", arguments) == CALL + tokens


@pytest.mark.parametrize(
    "body, same_as",
    [
        ("(i32.mul (local.get 0) (i32.const 16))", "(i32.shl (local.get 0) (i32.const 4))"),
        ("(i32.eq (local.get 0) (i32.const 0))", "(i32.eqz (local.get 0))"),
        ("(i32.eqz (i32.lt_s (local.get 0) (i32.const 5)))", "(i32.ge_s (local.get 0) (i32.const 5))"),
        ("(i32.shr_s (i32.shl (local.get 0) (i32.const 24)) (i32.const 24))", "(i32.extend8_s (local.get 0))"),
        ("(i32.add (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))", "(local.get 0)"),
        ("(i32.load (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.const 8)))", "(i32.load offset=8 (i32.and (local.get 0) (i32.const 255)))"),
        ("(local.set 1 (i32.const 3)) (local.get 0)", "(local.get 0)"),
        ("(local.set 1 (i32.clz (local.get 0))) (i32.popcnt (local.get 1))", "(i32.popcnt (i32.clz (local.get 0)))"),
        ("(drop (i32.mul (local.get 0) (local.get 0))) (local.get 0)", "(local.get 0)"),
        ("(i32.add (i32.mul (i32.const 3) (i32.const 5)) (local.get 0))", "(i32.add (local.get 0) (i32.const 15))"),
    ],
)  # fmt: skip
def test_rewrites(body, same_as):
    assert tokens_of(function("i32", "i32", f"(local i32) {body}"), "f", (9,)) == tokens_of(
        function("i32", "i32", f"(local i32) {same_as}"), "f", (9,)
    )


def test_an_address_that_may_wrap_keeps_its_sum():
    """2^32 - 4 + 8 wraps around to 4, which the offset would not."""
    data = function("i32", "i32", "(i32.load (i32.add (local.get 0) (i32.const 8)))")
    program = from_wasm(data, None, "f", ((1 << 32) - 4,), print_results=True)
    assert execute(program).output == b"0\n"


@pytest.mark.parametrize("count", [2, 30, 300])
def test_tables_take_a_constant_number_of_tokens(count):
    blocks = "(block " * (count + 1)
    depths = " ".join(str(i) for i in range(count))
    data = function(
        "i32",
        "",
        f"{blocks} (br_table {depths} {count} (local.get 0)) {') (return) ' * (count + 1)}",
    )
    assert tokens_of(data, "f", (1,)) == CALL + 6 + 6
    functions = "".join(f"(func $g{i} (type $t) (i32.const {i}))" for i in range(count))
    table = f"(type $t (func (result i32))) (table {count} funcref) (elem (i32.const 0) {' '.join(f'$g{i}' for i in range(count))})"
    data = function("i32", "i32", "(call_indirect (type $t) (local.get 0))", table + functions)
    assert tokens_of(data, "f", (1,)) == CALL + 5 + 6 + (5 + 6)  # the callee and its return


def test_a_local_is_zeroed_only_where_it_may_be_read_before_it_is_written():
    body = "(local i32 i64) (if (local.get 0) (then (local.set 1 (i32.const 3)))) (local.set 2 (i64.const 1)) (i32.add (local.get 1) (i32.wrap_i64 (local.get 2)))"
    rows = [op for op, _ in from_wasm(function("i32", "i32", body), None, "f", (0,)).code]
    assert rows.count("local.set") == 2 and "i64.local.set" not in rows


DIVISIONS = [
    ("div_u", 10, 22), ("div_u", 0xFFFFFFFF, 22), ("div_u", 10**18, 44), ("div_s", 10, 22), ("div_s", -3, 48),
    ("rem_u", 10, 26), ("rem_u", 10**18, 97), ("rem_s", 10, 26), ("rem_s", -7, 26), ("rem_s", -(10**18), 97),
]  # fmt: skip


@pytest.mark.parametrize("op, divisor, tokens", DIVISIONS)
def test_division_of_eight_bytes_by_a_constant(op, divisor, tokens):
    data = function("i64", "i64", f"(i64.{op} (local.get 0) (i64.const {divisor}))")
    for value in (0, 12345678901234567, (1 << 64) - 5, 1 << 63):
        assert tokens_of(data, "f", (value,)) == CALL + tokens


# By any word; the most by other divisors.
@pytest.mark.parametrize(
    "op, word, most",
    [("div_u", 37, 272), ("rem_u", 41, 290), ("div_s", 37, 393), ("rem_s", 41, 434)],
)
def test_division_of_eight_bytes(op, word, most):
    data = function("i64 i64", "i64", f"(i64.{op} (local.get 0) (local.get 1))")
    top = (1 << 64) - 1
    numbers = [
        1,
        3,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) - 1,
        1 << 32,
        (1 << 33) - 1,
        (1 << 40) + 12345,
    ]
    numbers += [
        1 << 62,
        (1 << 63) - 1,
        1 << 63,
        *(top - n for n in (1, 2, 1 << 32, 1 << 40, 1 << 62)),
    ]
    for a in (0, *numbers):
        for b in numbers:
            tokens = tokens_of(data, "f", (a, b)) - CALL
            assert tokens == word if b < 1 << 32 else tokens <= most, (hex(a), hex(b))


def test_a_divisor_that_is_known_to_be_a_word_is_not_asked():
    for op, tokens in (("div_u", 17), ("rem_u", 21), ("div_s", 17), ("rem_s", 21)):
        data = function(
            "i64 i32", "i64", f"(i64.{op} (local.get 0) (i64.extend_i32_u (local.get 1)))"
        )
        assert tokens_of(data, "f", (1 << 63, 77)) == CALL + tokens


@pytest.mark.parametrize("name", PROGRAMS)
def test_bundled_programs_take_at_most_five_tokens_per_wasm_instruction(name):
    item = PROGRAMS[name]
    text = None if item.input is None else item.input.encode()
    fuel = run_oracle(item.wasm(), text, fuel_used=True)
    assert execute(compile_file(name)).generated.size <= 5 * fuel


@pytest.mark.parametrize("name, most", [("collatz", 34_633), ("fibonacci", 48_415)])
def test_the_standard_machine_takes_at_most_half_the_tokens_of_the_base_machine(name, most):
    """The base machine has the original's instructions, and its tokens for each of them."""
    standard, base = (
        len(execute(compile_file(name, machine=machine)).generated)
        for machine in ("standard", "base")
    )
    assert standard <= most
    assert 2 * standard < base
