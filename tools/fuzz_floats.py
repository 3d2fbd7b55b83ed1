#!/usr/bin/env python3
"""The library of floats against the processor: random and boundary operands for each operator.

Enters: the number of operands for each, a seed.  Leaves: a line for each operator that differs, and
status 1 then.

The shipped module (pyvm/floats/floats.wasm) is run by wasmtime, beside the instruction itself with
canonical NaNs, in one loop: a million operands take a second or so.  That the transformer runs the
same module is what tests/floats shows.  A trap is a result, too: of all others the loop is left.
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import wasmtime

from pyvm.floats.module import BINARY, float_module
from pyvm.wasm.opcodes import OPCODES

_BITS = {"f32": "i32", "f64": "i64", "i32": "i32", "i64": "i64"}
# What the library imports, for a machine that does not have it.
_MACHINE = """(module
  (func (export "i64.sticky") (param i64 i64) (result i64)
    (i64.extend_i32_u (i64.ne (i64.const 0) (i64.and (local.get 0)
      (i64.sub (i64.shl (i64.const 1) (local.get 1)) (i64.const 1))))))
  (func (export "i64.div_word_u") (param i64 i32) (result i64)
    (i64.div_u (local.get 0) (i64.extend_i32_u (local.get 1))))
  (func (export "i64.mul_high_u") (param $a i64) (param $b i64) (result i64)
    (local $low i64) (local $middle i64) (local $other i64)
    (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff))
                             (i64.and (local.get $b) (i64.const 0xffffffff))))
    (local.set $middle (i64.add (i64.shr_u (local.get $low) (i64.const 32))
      (i64.mul (i64.shr_u (local.get $a) (i64.const 32))
               (i64.and (local.get $b) (i64.const 0xffffffff)))))
    (local.set $other (i64.add (i64.and (local.get $middle) (i64.const 0xffffffff))
      (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff))
               (i64.shr_u (local.get $b) (i64.const 32)))))
    (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32))
                      (i64.shr_u (local.get $b) (i64.const 32)))
      (i64.add (i64.shr_u (local.get $middle) (i64.const 32))
               (i64.shr_u (local.get $other) (i64.const 32)))))
  (func (export "i64.join") (param i32 i32) (result i64)
    (i64.or (i64.extend_i32_u (local.get 0))
            (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))))
  (func (export "i64.lower") (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func (export "i64.upper") (param i64) (result i32)
    (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))
  (func (export "output") (param i32))
  (func (export "trap.overflow") unreachable)
  (func (export "trap.conversion") unreachable))"""
# $differs: how many of so many operands; the last ones that differ are globals.  An operand is a
# number of the table, one close to such, one whose exponent is close to the other's, or any bits.
_LOOP = """(module
  (import "floats" "{op}" (func $ours (param {params}) (result {result})))
  (memory 1) (data (i32.const 0) "{table}")
  (global $state (mut i64) (i64.const {seed}))
  (global $a (export "a") (mut i64) (i64.const 0))
  (global $b (export "b") (mut i64) (i64.const 0))
  (func $random (result i64) (local $x i64)
    (local.set $x (global.get $state))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
    (global.set $state (local.get $x))
    (i64.mul (local.get $x) (i64.const 0x2545F4914F6CDD1D)))
  (func $operand (param $other i64) (result i64) (local $kind i64) (local $x i64)
    (local.set $kind (i64.and (i64.shr_u (call $random) (i64.const 40)) (i64.const 7)))
    (local.set $x (i64.load (i32.shl (i32.rem_u
      (i32.wrap_i64 (i64.shr_u (call $random) (i64.const 33))) (i32.const {count})) (i32.const 3))))
    (if (i64.eqz (local.get $kind)) (then (return (local.get $x))))
    (if (i64.eq (local.get $kind) (i64.const 1)) (then (return (i64.add (local.get $x)
      (i64.shr_s (call $random) (i64.const 60))))))
    (if (i64.eq (local.get $kind) (i64.const 2)) (then (return (i64.shr_u (call $random)
      (i64.and (call $random) (i64.const 63))))))
    (if (i64.le_u (local.get $kind) (i64.const 4)) (then (return (i64.add (i64.xor
      (i64.and (call $random) (i64.const {fraction})) (i64.and (local.get $other)
        (i64.const -{above})))
      (i64.mul (i64.const {above}) (i64.shr_s (call $random) (i64.const 57)))))))
    (call $random))
  (func (export "differs") (param $count i32) (result i32)
    (local $bad i32) (local $x i64) (local $y i64)
    (loop $next
      (local.set $x (call $operand (local.get $x)))
      (local.set $y (call $operand (local.get $x)))
      (if ({bits}.ne (call $ours {ours}) {native}) (then
        (local.set $bad (i32.add (local.get $bad) (i32.const 1)))
        (global.set $a (local.get $x)) (global.set $b (local.get $y))))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $bad)))"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="operands for each operator")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    wrong = 0
    for op in operators():
        text = differs(op, given.count, given.seed)
        wrong += bool(text)
        if text:
            print(text, flush=True)
    print(f"{len(operators())} operators, {given.count} operands each: {wrong} differ")
    return int(bool(wrong))


def operators() -> list[str]:
    """Those that never trap; trapping conversions share their code with the saturating ones."""
    names = [item.name for item in float_module().exports if item.kind == "func"]
    known = {row.name for row in OPCODES.values()}
    return sorted(name for name in names if name in known and ".trunc_f" not in name)


def differs(op: str, count: int, seed: int) -> str:
    """What is wrong with an operator, or nothing."""
    config = wasmtime.Config()
    config.cranelift_nan_canonicalization = True
    engine = wasmtime.Engine(config)
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    machine = wasmtime.Module(engine, bytes(wasmtime.wat2wasm(_MACHINE)))
    linker.define_instance(store, "pyvm", linker.instantiate(store, machine))
    library = wasmtime.Module(engine, BINARY.read_bytes())
    linker.define_instance(store, "floats", linker.instantiate(store, library))
    loop = wasmtime.Module(engine, bytes(wasmtime.wat2wasm(_loop(op, seed))))
    exports = linker.instantiate(store, loop).exports(store)
    bad = exports["differs"](store, count)  # type: ignore[operator]
    if not bad:
        return ""
    a, b = (exports[name].value(store) & (1 << 64) - 1 for name in "ab")  # type: ignore[union-attr]
    return f"{op}: {bad} of {count} differ; the last at {a:#x} and {b:#x}"


def _loop(op: str, seed: int) -> str:
    (row,) = (row for row in OPCODES.values() if row.name == op)
    params, (result,) = row.params or (), row.results or ("",)
    operands = [f"(local.get ${name})" for name in "xy"[: len(params)]]
    ours = [
        text if _BITS[kind] == "i64" else f"(i32.wrap_i64 {text})"
        for text, kind in zip(operands, params)
    ]
    native = [
        text if kind == _BITS[kind] else f"({kind}.reinterpret_{_BITS[kind]} {text})"
        for text, kind in zip(ours, params)
    ]
    value = f"({op} {' '.join(native)})"
    if result != _BITS[result]:
        value = f"({_BITS[result]}.reinterpret_{result} {value})"
    numbers = table(params[0])
    fraction = 23 if params[0] == "f32" else 52
    return _LOOP.format(
        op=op,
        params=" ".join(_BITS[kind] for kind in params),
        result=_BITS[result],
        bits=_BITS[result],
        table="".join(f"\\{byte:02x}" for n in numbers for byte in struct.pack("<Q", n)),
        count=len(numbers),
        seed=(seed * 0x9E3779B97F4A7C15 + len(op)) % (1 << 64) or 1,
        fraction=(1 << fraction) - 1,
        above=1 << fraction,
        ours=" ".join(ours),
        native=value,
    )


def table(kind: str) -> list[int]:
    """Boundary values: zeros, subnormals, powers of two and what is beside them, NaNs."""
    if kind in ("i32", "i64"):
        bits = int(kind[1:])
        found = {(1 << n) + d for n in range(bits) for d in (-1, 0, 1)}
        return sorted(n % (1 << bits) for n in found | {-n for n in found})
    fraction, exponents = (23, 255) if kind == "f32" else (52, 2047)
    bias, sign = exponents >> 1, exponents + 1 << fraction
    near = [-fraction - 2, -fraction - 1, -2, -1, 0, 1, 2, fraction - 1, fraction, fraction + 1]
    near += [30, 31, 32, 62, 63, 64, -126, -149, -150, 127, 128]
    steps = {0, 1, 2, exponents - 1, exponents, *(bias + n for n in near if 0 < bias + n)}
    full = (1 << fraction) - 1
    fractions = (0, 1, 2, full >> 1, (full >> 1) + 1, (full >> 1) + 2, full - 1, full)
    magnitudes = [n << fraction | f for n in sorted(steps) if n <= exponents for f in fractions]
    return [s | m for s in (0, sign) for m in magnitudes]


if __name__ == "__main__":
    sys.exit(main())
