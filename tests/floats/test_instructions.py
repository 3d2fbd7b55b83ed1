"""Instructions of floats as the compiler makes them, against wasmtime with canonical NaNs."""

# ruff: noqa: E501  (modules as text)

from __future__ import annotations

import random
import struct

import pytest

from compiler.oracle import module, same, tokens_of, wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.wasm.opcodes import OPCODES

BITS = {"f32": "i32", "f64": "i64", "i32": "i32", "i64": "i64"}
ROWS = {
    row.name: row
    for row in OPCODES.values()
    if {"f32", "f64"} & set((row.params or ()) + (row.results or ()))
    and row.immediate == ""
    and ".trunc_f" not in row.name
}


def numbers(kind: str, count: int) -> list[int]:
    """Bits: boundary values first, then any."""
    r = random.Random(5)
    bits = int(kind[1:])
    if kind in ("i32", "i64"):
        known = [0, 1, 2, (1 << bits) - 1, 1 << bits - 1, (1 << bits - 1) - 1, (1 << 24) + 1, 255]
        return (known + [r.getrandbits(bits) >> r.randrange(bits) for _ in range(count)])[:count]
    fraction = 23 if kind == "f32" else 52
    sign, infinity = 1 << bits - 1, (1 << bits - 1) - (1 << fraction)
    one = infinity >> 1 & infinity
    known = [0, 1, infinity, infinity + 1, one, one + 1, one + (1 << fraction), (1 << fraction) - 1]
    known += [one - (1 << fraction), infinity - 1, 1 << fraction, one + (fraction << fraction) + 3]
    known = [n | s for n in known for s in (0, sign)]
    more = [r.getrandbits(bits) for _ in range(count)]
    return (known + more)[:count] if count > len(known) else r.sample(known, count)


def applied(op: str, operands: list[str]) -> str:
    """The instruction on bits, which gives bits."""
    row = ROWS[op]
    given = [
        text if kind == BITS[kind] else f"({kind}.reinterpret_{BITS[kind]} {text})"
        for text, kind in zip(operands, row.params or ())
    ]
    (result,) = row.results or ("",)
    value = f"({op} {' '.join(given)})"
    return value if result == BITS[result] else f"({BITS[result]}.reinterpret_{result} {value})"


@pytest.mark.parametrize("op", ROWS)
def test_results(op: str) -> None:
    """One number is made of the results on all operands, or on all pairs of them."""
    row = ROWS[op]
    kinds = row.params or ()
    count = 24 if len(kinds) == 2 else 200
    given = numbers(kinds[0], count)
    data = "".join(f"\\{byte:02x}" for n in given for byte in struct.pack("<Q", n))
    loads = [
        f"({BITS[kind]}.load offset=4096 (local.get ${name}))" for kind, name in zip(kinds, "xy")
    ]
    value = applied(op, loads)
    if BITS[(row.results or ("",))[0]] == "i32":
        value = f"(i64.extend_i32_u {value})"
    step = f"(local.set $sum (i64.xor (i64.rotl (local.get $sum) (i64.const 7)) {value}))"
    body = f"""(local $x i32) (local $y i32) (local $sum i64)
      (loop $rows (local.set $y (i32.const 0))
        (loop $columns {step}
          (local.set $y (i32.add (local.get $y) (i32.const {8 if len(kinds) == 2 else 8 * count})))
          (br_if $columns (i32.lt_u (local.get $y) (i32.const {8 * count}))))
        (local.set $x (i32.add (local.get $x) (i32.const 8)))
        (br_if $rows (i32.lt_u (local.get $x) (i32.const {8 * count}))))
      (call $long (local.get $sum))"""
    assert same(module(body, f'(data (i32.const 4096) "{data}")'), limit=1 << 24).output


TRAPS = {
    "f32": ("nan", "inf", "-inf", "2147483648", "-2147483648", "-2147483904", "4294967040", "4294967296",
            "-0.9", "-1", "9223371487098961920", "9223372036854775808", "-9223372036854775808", "18446744073709551616"),
    "f64": ("nan", "-inf", "2147483647.9", "2147483648", "-2147483648.9", "-2147483649", "4294967295.9",
            "4294967296", "-0.99", "-1", "9223372036854774784", "9223372036854775808", "18446744073709549568", "1e30"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("to", ("i32", "i64"))
@pytest.mark.parametrize("sign", "su")
def test_what_is_no_integer_traps(kind: str, to: str, sign: str) -> None:
    show = "$word" if to == "i32" else "$long"
    for text in TRAPS[kind]:
        same(module(f"(call {show} ({to}.trunc_{kind}_{sign} ({kind}.const {text})))"))


def test_a_trap_is_in_the_function_that_converts() -> None:
    text = "(func $convert (result i32) (i32.trunc_f64_s (f64.const nan)))"
    trap = execute(from_wasm(module("(drop (call $convert))", text))).trap
    assert str(trap).startswith("trap: invalid conversion to integer in convert at offset 0x")


def test_only_what_is_used_is_there() -> None:
    add = from_wasm(
        module("(f32.store (i32.const 0) (f32.add (f32.const 1) (f32.load (i32.const 0))))")
    )
    nothing = from_wasm(module("(f32.store (i32.const 0) (f32.neg (f32.load (i32.const 0))))"))
    assert 100 < len(add.code) - len(nothing.code) < 900


def test_what_no_call_leads_to_may_be_there() -> None:
    unused = "(func $unused (result f64) (f64.sqrt (f64.const 2)))"
    code = [len(from_wasm(module("(nop)", text)).code) for text in ("", unused)]
    assert code[0] == code[1]


MOST = {  # tokens on random operands, with the call
    "f32.add": 550, "f64.add": 900, "f32.mul": 620, "f64.mul": 1200, "f32.div": 720, "f64.div": 2600,
    "f32.lt": 220, "f64.lt": 300, "f32.sqrt": 1200, "f64.sqrt": 1700,
}  # fmt: skip


@pytest.mark.parametrize("op", MOST)
def test_costs(op: str) -> None:
    row, r = ROWS[op], random.Random(3)
    kinds = [BITS[kind] for kind in row.params or ()]
    result = BITS[(row.results or ("",))[0]]
    body = applied(op, [f"(local.get {i})" for i in range(len(kinds))])
    data = wat(f'(module (func (export "f") (param {" ".join(kinds)}) (result {result}) {body}))')
    spent = []
    for _ in range(5):
        packed = [
            struct.unpack("<Q" if kind == "i64" else "<I", struct.pack("<d" if kind == "i64" else "<f", r.uniform(0, 100)))[0]
            for kind in kinds
        ]  # fmt: skip
        spent.append(tokens_of(data, "f", tuple(packed)))
    assert sum(spent) / len(spent) <= MOST[op]


@pytest.mark.parametrize("kind", ("f32", "f64"))
def test_moves_cost_what_integers_cost(kind: str) -> None:
    text = """(global $g (mut {k}) ({k}.const 0)) (memory 1) (func (export "f") (local $x {k})
      (local.set $x (select ({k}.load (i32.const 8)) (global.get $g) (i32.load (i32.const 0))))
      (global.set $g (local.get $x)) ({k}.store (i32.const 16) (local.tee $x (global.get $g))))"""
    floats, integers = (
        len(execute(from_wasm(wat(f"(module {text.format(k=k)})"), None, "f")).tokens)
        for k in (kind, BITS[kind])
    )
    assert floats == integers
