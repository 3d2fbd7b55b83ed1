"""Control flow, calls, variables and memory: the traps that known compilers of this kind fall
into.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import HEAD, module, same, wat


def whole(text: str, **options):
    return same(wat(f"(module {HEAD} {text})"), **options)


def test_br_drops_operands_below_its_result():
    same(
        module(
            """
            (i32.const 1000)
            (block (result i32)
              (i32.const 7) (call $word (i32.const 1))
              (i32.const 8) (i32.const 9)
              (br 0))
            (call $word (i32.add))
            (i32.const 5)
            (block (result i32)
              (i32.const 1)
              (block (result i32)
                (i32.const 2) (call $word (i32.const 2)) (i32.const 3)
                (block (i32.const 4) (call $word (i32.const 3)) (i32.const 77) (br 2))
                (br 0))
              (drop) (drop) (i32.const 6))
            (call $word (i32.add))
            """
        )
    )


@pytest.mark.parametrize("taken", [0, 1])
def test_br_if_drops_operands_only_when_taken(taken):
    same(
        module(
            f"""
            (i32.const 100)
            (block (result i32)
              (i32.const 1) (call $word (i32.const 0))
              (i32.const 2) (i32.const 3)
              (br_if 0 (call $id (i32.const {taken})))
              (drop) (drop))
            (call $word (i32.add))
            """,
            "(func $id (param i32) (result i32) (local.get 0))",
        )
    )


def test_return_drops_operands():
    functions = """
      (func $f (param i32) (result i32)
        (i32.const 11) (call $word (i32.const 1)) (i32.const 12)
        (block (i32.const 13) (i32.const 14)
          (if (local.get 0) (then (i32.const 15) (i32.const 16) (return)))
          (drop) (drop))
        (drop))
      (func $g (param i64) (result i64)
        (i64.const 1) (i32.const 2) (i64.const 3) (local.get 0) (call $word (i32.const 4)) (return))"""
    body = """(i32.const 50) (call $f (i32.const 1)) (call $f (i32.const 0)) (call $word (i32.sub)) (call $word)
      (call $long (call $g (i64.const 0x100000002)))"""
    same(module(body, functions))


def test_branch_to_the_label_of_the_function():
    functions = """
      (func $f (param i32) (result i32)
        (block (loop (br_if 2 (i32.const 42) (local.get 0)) (drop)))
        (block (br_table 0 1 1 (i32.const 7) (local.get 0))) (unreachable))
      (func $g (param i32) (br_if 0 (local.get 0)) (call $word (i32.const 3)))
      (func $h (param i32) (result i32) (br_table 0 0 (i32.const 5) (local.get 0)))"""
    body = """(call $word (call $f (i32.const 1))) (call $g (i32.const 0)) (call $g (i32.const 1))
      (call $word (call $h (i32.const 0))) (call $word (call $h (i32.const 9)))"""
    same(
        module(
            body,
            functions.replace(
                "(block (br_table 0 1 1 (i32.const 7) (local.get 0))) (unreachable)",
                "(i32.const 8)",
            ),
        )
    )


def test_branch_inside_then_with_else():
    functions = """
      (func $f (param i32) (result i32)
        (block (result i32)
          (if (result i32) (local.get 0)
            (then (br_if 1 (i32.const 10) (i32.eq (local.get 0) (i32.const 2))))
            (else (i32.const 20)))
          (i32.const 1) (i32.add)))
      (func $g (param i32) (local i32)
        (if (local.get 0)
          (then (block (br 1)) (local.set 1 (i32.const 5)))
          (else (local.set 1 (i32.const 6))))
        (call $word (local.get 1)))"""
    body = "".join(
        f"(call $word (call $f (i32.const {a}))) (call $g (i32.const {a}))" for a in range(4)
    )
    same(module(body, functions))


def test_conditions():
    functions = ""
    conditions = [
        "(local.get 0)", "(i32.eqz (local.get 0))", "(i32.eqz (i32.eqz (local.get 0)))",
        "(i32.lt_s (local.get 0) (i32.const 3))", "(i32.ne (local.get 0) (i32.const 0))",
        "(i32.eqz (i32.gt_u (local.get 0) (i32.const 1)))", "(i64.eqz (i64.extend_i32_s (local.get 0)))",
    ]  # fmt: skip
    calls = ""
    for i, condition in enumerate(conditions):
        functions += f"""(func $f{i} (param i32)
          (if {condition} (then (call $word (i32.const 1))) (else (call $word (i32.const 2))))
          (if {condition} (then (call $word (i32.const 3))))
          (block (br_if 0 {condition}) (call $word (i32.const 4)))
          (call $word (select (i32.const 5) (i32.const 6) {condition})))"""
        calls += "".join(f"(call $f{i} (i32.const {a}))" for a in (0, 1, 2, 3, -1))
    same(module(calls, functions))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20])
def test_br_table(count):
    blocks = "(block " * (count + 1)
    depths = " ".join(str((i * 5) % count) for i in range(count))
    ends = "".join(f") (call $word (i32.const {i}))" for i in range(count + 1))
    function = f"(func $f (param i32) {blocks} (br_table {depths} {count} (local.get 0)) {ends})"
    calls = "".join(f"(call $f (i32.const {a}))" for a in [*range(count + 2), -1, 0x80000000])
    same(module(calls, function))


def test_br_table_with_values_and_other_heights():
    function = """(func $f (param i32) (result i32)
      (i32.const 1)
      (block (result i32)
        (i32.const 2) (call $word (i32.const 9))
        (block (result i32)
          (i32.const 3) (i32.const 4)
          (br_table 0 1 0 2 (local.get 0)))
        (i32.add))
      (i32.add))"""
    same(module("".join(f"(call $word (call $f (i32.const {a})))" for a in range(6)), function))


def test_loops_with_values_and_nested_exits():
    functions = """
      (func $sum (param i32) (result i32) (local i32)
        (block (loop
          (br_if 1 (i32.eqz (local.get 0)))
          (local.set 1 (i32.add (local.get 1) (local.get 0)))
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (br 0)))
        (local.get 1))
      (func $first (param i32) (result i32) (local i32)
        (block (result i32)
          (loop (result i32)
            (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if 0 (i32.lt_u (local.get 1) (i32.const 50)))
            (br_if 1 (i32.const 99) (i32.gt_u (local.get 1) (i32.const 60)))
            (drop) (local.get 1))))"""
    calls = "".join(
        f"(call $word (call $sum (i32.const {a}))) (call $word (call $first (i32.const {b})))"
        for a, b in [(0, 1), (1, 7), (10, 31), (30, 70)]
    )
    same(module(calls, functions))


def test_locals_are_zero_at_every_call():
    functions = """
      (func $f (param i32) (result i32) (local i32 i64)
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (local.set 2 (i64.add (local.get 2) (i64.extend_i32_u (local.get 1))))
        (i32.wrap_i64 (local.get 2)))
      (func $maybe (param i32) (result i32) (local i32)
        (if (local.get 0) (then (local.set 1 (i32.const 9))))
        (local.get 1))"""
    calls = "".join(f"(call $word (call $f (i32.const {a})))" for a in (5, 6, 7))
    calls += "".join(f"(call $word (call $maybe (i32.const {a})))" for a in (1, 0, 1, 0))
    same(module(calls, functions))


def test_recursion():
    functions = """
      (func $fib (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
          (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                         (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
      (func $even (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
          (else (call $odd (i32.sub (local.get 0) (i32.const 1))))))
      (func $odd (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (call $even (i32.sub (local.get 0) (i32.const 1))))))
      (func $deep (param i32) (result i32) (local i32)
        (local.set 1 (i32.add (local.get 0) (i32.const 3)))
        (if (local.get 0) (then (drop (call $deep (i32.sub (local.get 0) (i32.const 1))))))
        (i32.sub (local.get 1) (i32.const 1)))"""
    body = """(call $word (call $fib (i32.const 10))) (call $word (call $even (i32.const 301)))
      (call $word (call $deep (i32.const 1000)))"""
    same(module(body, functions))


@pytest.mark.parametrize("count", [40, 64, 65, 130])
def test_many_locals_and_recursion(count):
    sets = "".join(
        f"(local.set {i} (i32.add (local.get {i}) (i32.add (local.get 0) (i32.const {i}))))"
        for i in range(1, count)
    )
    total = "(i32.const 0)" + "".join(f"(i32.add (local.get {i}))" for i in range(count))
    function = f"""(func $f (param i32) (result i32) (local {"i32 " * (count - 1)}) (local i64 i64)
      {sets}
      (local.set {count} (i64.extend_i32_s (local.get {count - 1})))
      (local.set {count + 1} (i64.add (local.tee {count} (i64.mul (local.get {count}) (i64.const
      -3))) (i64.const 5))) (if (local.get 0) (then (call $word (call $f (i32.sub (local.get 0)
      (i32.const 1)))))) (call $long (local.get {count + 1}))
      {total})"""
    same(module("(call $word (call $f (i32.const 3)))", function))


def test_calls_from_a_function_with_many_locals_leave_them_alone():
    """Its locals lie in the slots of call depths below it, too: everything is called from deeper."""
    count = 200
    sets = "".join(f"(local.set {i} (i32.const {i * 3}))" for i in range(2, count))
    total = "(i32.const 0)" + "".join(f"(i32.add (local.get {i}))" for i in range(2, count))
    functions = f"""(type $t (func (param i32 i64) (result i32))) (table 2 funcref) (elem (i32.const 1) $f)
      (func $f (type $t) (local {"i32 " * count})
        {sets}
        (if (local.get 0) (then
          (call $word (call $f (i32.sub (local.get 0) (i32.const 1)) (i64.const 5)))
          (call $word (call_indirect (type $t) (i32.const 0) (i64.const 6) (i32.const 1)))
          (call $long (i64.div_s (i64.mul (local.get 1) (i64.const -77777777777)) (local.get 1)))))
        {total})"""
    same(module("(call $word (call $f (i32.const 3) (i64.const 9)))", functions))


def test_many_globals():
    globals_ = "".join(f"(global $g{i} (mut i32) (i32.const {i * 77}))" for i in range(300))
    globals_ += "".join(
        f"(global $h{i} (mut i64) (i64.const {i * 0x123456789}))" for i in range(20)
    )
    body = "".join(
        f"(global.set $g{i} (i32.add (global.get $g{i}) (global.get $g{(i + 1) % 300})))"
        for i in range(0, 300, 7)
    )
    body += "".join(f"(call $word (global.get $g{i}))" for i in range(0, 300, 11))
    body += "".join(
        f"(global.set $h{i} (i64.sub (global.get $h{i}) (i64.const 1)))" for i in range(20)
    )
    body += "".join(f"(call $long (global.get $h{i}))" for i in range(20))
    whole(f'{globals_} (func (export "compute") {body})')


def test_start_function_and_data_segments():
    whole(
        """(global $g (mut i32) (i32.const 1))
        (data (i32.const 16) "abcdefg") (data (i32.const 18) "\\00\\00X") (data (i32.const 65535)
        "z") (func $init (global.set $g (i32.const 1234)) (i32.store8 (i32.const 17) (i32.const 7)))
        (start $init) (func (export "compute") (call $word (global.get $g)) (call $word (i32.load
        (i32.const 16)))
          (call $word (i32.load (i32.const 20))) (call $word (i32.load8_u (i32.const 65535))))"""
    )


INDIRECT = """
  (type $unary (func (param i32) (result i32)))
  (type $same (func (param i32) (result i32)))
  (type $none (func))
  (table 8 funcref)
  (elem (i32.const 1) $inc $dec $hello $twice $out)
  (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $dec (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
  (func $twice (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
  (func $hello (call $word (i32.const 1819043176)))
  (func $through (param i32 i32) (result i32) (call_indirect (type $same) (local.get 1) (local.get
  0)))
"""


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 7, 8, 100, -1])
def test_call_indirect(index):
    whole(
        f"""{INDIRECT} (func (export "compute") (call $out (i32.const 33))
          (call $word (call $through (i32.const {index}) (i32.const 20))))"""
    )


@pytest.mark.parametrize("index", [1, 3, 5])
def test_call_indirect_of_other_types(index):
    whole(
        f"""{INDIRECT} (func (export "compute") (call_indirect (type $none) (i32.const {index})))"""
    )
    whole(
        f"""{INDIRECT} (func (export "compute")
          (call_indirect (param i32) (i32.const 65) (i32.const {index})))"""
    )


def test_memory_size_and_grow():
    text = """(func (export "compute")
      (call $word (memory.size)) (call $word (memory.grow (i32.const 0)))
      (call $word (memory.grow (i32.const 3))) (call $word (memory.size))
      (i32.store (i32.const 200000) (i32.const 7)) (call $word (i32.load (i32.const 200000)))
      (call $word (memory.grow (i32.const -1))) (call $word (memory.grow (i32.const 2)))
      (call $word (memory.grow (i32.const 1))) (call $word (memory.size)))"""
    head = HEAD.replace('(memory (export "memory") 1)', '(memory (export "memory") 1 5)')
    same(wat(f"(module {head} {text})"))
    whole('(func (export "compute") (call $word (memory.size)))')


@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize(
    "access",
    ["(call $word (i32.load (i32.const {})))", "(call $word (i32.load8_u (i32.const {})))",
     "(call $word (i32.load16_s offset=1 (i32.const {})))", "(call $long (i64.load (i32.const {})))",
     "(i32.store (i32.const {}) (i32.const 1))", "(i64.store32 (i32.const {}) (i64.const 1))",
     "(i32.store8 offset=3 (i32.const {}) (call $effect))", "(i64.store (i32.const {}) (i64.const 5))",
     "(call $word (i32.load offset=0xffffffff (i32.const {})))",
     "(call $long (i64.load offset=0xfffffffe (i32.const {})))",
     "(call $word (i32.load offset=70000 (i32.const {})))"],
)  # fmt: skip
@pytest.mark.parametrize(
    "address", [0, 65527, 65528, 65529, 65531, 65532, 65533, 65535, 65536, -1, -4, 0x80000000]
)
def test_bounds(access, address, grows):
    functions = "(func $effect (result i32) (call $out (i32.const 69)) (i32.const 1))"
    grow = "(drop (memory.grow (i32.const 0)))" if grows else ""
    variable = access.replace("(i32.const {})", f"(call $id (i32.const {address}))", 1)
    functions += "(func $id (param i32) (result i32) (local.get 0))"
    same(
        module(
            f"{grow} (call $out (i32.const 65)) {variable} (call $out (i32.const 66))", functions
        )
    )
    result = same(
        module(
            f"{grow} (call $out (i32.const 65)) {access.format(address)} (call $out (i32.const 66))",
            functions,
        )
    )
    assert result.output[:1] == b"A"


def test_bounds_follow_growth():
    body = """(drop (memory.grow (i32.const 1))) (call $word (i32.load offset=70000 (i32.const 4)))
      (i32.store (i32.const 131068) (i32.const 3)) (call $word (i32.load (i32.const 131068)))
      (i32.store (i32.const 131069) (i32.const 3))"""
    same(module(body))


def test_high_addresses_and_overlapping_accesses():
    head = HEAD.replace('(memory (export "memory") 1)', '(memory (export "memory") 3000)')
    body = ""
    for base in (100_000_000, 150_000_001, 196_000_003):
        body += f"""(i32.store (i32.const {base}) (i32.const 0x01020304))
          (i32.store16 offset=2 (i32.const {base}) (i32.const 0xfffe))
          (i32.store8 (i32.const {base + 1}) (i32.const 0x99))
          (i32.store offset={base} (i32.const 3) (i32.const 0x0a0b0c0d))
          (call $word (i32.load (i32.const {base}))) (call $word (i32.load offset=1 (i32.const
          {base}))) (call $word (i32.load16_s (i32.const {base + 2}))) (call $word (i32.load
          (i32.const {base + 4})))
          (call $word (i32.load (i32.const {base - 2})))"""
    same(wat(f'(module {head} (func (export "compute") {body}))'))


def test_unreachable_keeps_the_output():
    result = same(module("(call $out (i32.const 72)) (unreachable)"))
    assert (result.output, result.trap) == (b"H", 1)


def test_dead_code_is_skipped():
    same(
        module(
            """(block (result i32) (br 0 (i32.const 3)) (i32.add) (if (then) (else (br 1 (i32.const
            4)))) (drop)) (call $word) (block (block (br 1) (loop (br 0))) (call $word (i32.const
            5))) (if (i32.const 1) (then (block (br 0) (drop (f32.const 1)))) (else (unreachable)))
            (call $word (i32.const 6))"""
        )
    )


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 14, 40, 70])
@pytest.mark.parametrize("branch", ["br 0", "br_if 0 (i32.const 1)", "br_table 0 0 (i32.const 0)"])
def test_a_branch_sets_aside_what_it_carries(count, branch):
    """Of operands below them, some are on the stack and one is still to be evaluated."""
    carried = " ".join(f"(i32.const {i})" for i in range(count))
    results = f"(result {'i32 ' * count})" if count else ""
    drops = "(call $word) " * count
    code = f"""(local i32)
      (block {results} (i32.const 5) (i32.const 6) (local.set 0 (i32.const 9)) (local.get 0) (i32.add)
        {carried} ({branch}) unreachable) {drops} (call $word (i32.const 77))"""
    same(module(code))
    code = code.replace(
        f"({branch})",
        "(local.set 0 (i32.const 3)) (i32.const 4) (i32.add) " * bool(count) + f"({branch})",
    )
    same(module(code))
