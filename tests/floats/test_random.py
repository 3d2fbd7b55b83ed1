"""Random expressions of all types, with floats in locals, memory, calls and blocks, against
wasmtime with canonical NaNs.
"""

from __future__ import annotations

import struct
from random import Random

import pytest

from compiler.oracle import module, same
from pyvm.compiler.compile import from_wasm
from pyvm.wasm.opcodes import OPCODES

KINDS = ("i32", "i64", "f32", "f64")
# Neither memory nor constants, and what traps seldom or never.
PLAIN = [
    row
    for row in OPCODES.values()
    if row.params and row.results and row.immediate == "" and ".trunc_f" not in row.name
    if row.name.partition(".")[2] not in ("div_s", "div_u", "rem_s", "rem_u")
]
HELPERS = "".join(
    f"(func $same_{k} (param {k} i32 {k}) (result {k}) (select (local.get 0) (local.get 2) "
    f"(local.get 1)))"
    for k in KINDS
)


def constant(r: Random, kind: str) -> str:
    if kind in ("i32", "i64"):
        return f"({kind}.const {r.getrandbits(int(kind[1:])) >> r.randrange(int(kind[1:]))})"
    if r.random() < 0.3:
        special = ("0", "-0", "inf", "-inf", "1", "-1", "0.5", "2.5", "4294967296", "1e-40", "1e38")
        return f"({kind}.const {r.choice(special)})"
    if r.random() < 0.5:
        return f"({kind}.const {r.uniform(-1000, 1000)!r})"
    integer = "i32" if kind == "f32" else "i64"
    return f"({kind}.reinterpret_{integer} ({integer}.const {r.getrandbits(int(kind[1:]))}))"


def expression(r: Random, kind: str, depth: int) -> str:
    if not depth:
        return r.choice((constant(r, kind), f"(local.get ${kind})"))

    def inner(of: str) -> str:
        return expression(r, of, depth - 1)

    way = r.randrange(12)
    if way == 0:
        return f"(local.tee ${kind} {inner(kind)})"
    if way == 1:
        return f"(block (result {kind}) ({kind}.store (i32.const 64) {inner(kind)}) ({kind}.load (i32.const 64)))"  # noqa: E501
    if way == 2:
        return f"(call $same_{kind} {inner(kind)} {inner('i32')} {inner(kind)})"
    if way == 3:
        return f"(if (result {kind}) {inner('i32')} (then {inner(kind)}) (else {inner(kind)}))"
    row = r.choice([row for row in PLAIN if row.results == (kind,)])
    return f"({row.name} {' '.join(map(inner, row.params or ()))})"


def random_module(seed: int) -> bytes:
    r = Random(seed)
    body = " ".join(f"(local ${kind} {kind})" for kind in KINDS)
    for _ in range(12):
        kind = r.choice(("f32", "f64"))
        show, integer = ("$word", "i32") if kind == "f32" else ("$long", "i64")
        body += f"(call {show} ({integer}.reinterpret_{kind} {expression(r, kind, 4)}))"
    return module(body, HELPERS)


@pytest.mark.parametrize("seed", range(25))
def test_expressions(seed: int) -> None:
    assert same(random_module(seed)).output


def test_the_transformer_computes_them(model) -> None:
    data = random_module(100)
    run = model.generate(from_wasm(data))
    assert run.output == same(data).output


def test_bits_of_the_processor_in_the_transformer(model) -> None:
    text = """(call $long (i64.reinterpret_f64 (f64.div (f64.sqrt (f64.const 2)) (f64.const 3))))
      (call $word (i32.reinterpret_f32 (f32.mul (f32.const 0.1) (f32.const 0.1))))"""
    run = model.generate(from_wasm(module(text)))
    single = struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert run.output == struct.pack("<df", 2**0.5 / 3, single * single)
