"""Runs a module in wasmtime (the independent oracle) and in our executor; both give the same kind
of result.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import Unsupported
from pyvm.isa.executor import Executor
from pyvm.isa.traps import Trap
from pyvm.wasm.module import Module

wasmtime = pytest.importorskip("wasmtime")

# wasmtime's words for the traps, as they appear in its messages
TRAPS = (
    "unreachable",
    "integer divide by zero",
    "integer overflow",
    "out of bounds memory access",
    "undefined element",
    "uninitialized element",
    "indirect call type mismatch",
    "out of bounds table access",
    "invalid conversion to integer",
    "thrown Wasm exception",
    "null reference",
)
OUR_TRAPS = (1, 2, 3, 4, 5, 6, 7, 5, 13, 16, 15)


@dataclass(frozen=True)
class Result:
    output: bytes
    trap: int | None
    values: tuple[int, ...] = ()


def wat(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


# Proposals that pyvm does not have, as wasmtime's settings call them
LATER = (
    "custom_page_sizes function_references gc memory64 multi_memory relaxed_simd "
    "threads wide_arithmetic"
).split()


def engine_without_later() -> wasmtime.Engine:
    config = wasmtime.Config()
    for name in LATER:
        setattr(config, f"wasm_{name}", False)
    return wasmtime.Engine(config)


def is_valid(engine: wasmtime.Engine, data: bytes) -> bool:
    try:
        wasmtime.Module.validate(engine, data)
    except wasmtime.WasmtimeError:
        return False
    return True


def has_older_exceptions(module: Module) -> bool:
    """Whether a module catches exceptions as compilers did at first, which wasmtime does not do."""
    older = ("try", "catch", "catch_all", "delegate", "rethrow")
    return any(instr.op in older for body in module.bodies for instr in body.code)


_ENGINE = None


def _engine():
    global _ENGINE
    if _ENGINE is None:
        config = wasmtime.Config()
        config.consume_fuel = True
        config.cranelift_nan_canonicalization = True
        config.wasm_exceptions = True
        _ENGINE = wasmtime.Engine(config)
    return _ENGINE


def run_oracle(
    data: bytes,
    text: bytes | None = None,
    entry: str = "compute",
    args=(),
    fuel: int = 1 << 40,
    fuel_used: bool = False,
) -> Result | int | None:
    """Output and trap in wasmtime; results as unsigned numbers. None when the fuel ran out.

    With `fuel_used`, the instructions that wasmtime counted.
    """
    store = wasmtime.Store(_engine())
    store.set_fuel(fuel)
    module = wasmtime.Module(_engine(), data)
    output = bytearray()
    imports = [
        wasmtime.Func(store, item.type, lambda byte: output.append(byte & 0xFF))
        for item in module.imports
    ]
    instance = wasmtime.Instance(store, module, imports)
    exports = instance.exports(store)
    function = exports[entry]
    if text is not None:
        base = exports["__heap_base"].value(store)
        exports["memory"].write(store, text + b"\0", base)
        args = (base,)
    try:
        values = function(store, *args)
    except wasmtime.Trap as trap:
        message = str(trap)
        if "fuel" in message:
            return None
        return Result(
            bytes(output), OUR_TRAPS[next(i for i, t in enumerate(TRAPS) if t in message)]
        )
    if fuel_used:
        return fuel - store.get_fuel()
    values = () if values is None else tuple(values) if isinstance(values, list) else (values,)
    return Result(bytes(output), None, values)


def run_ours(
    data: bytes, text: bytes | None = None, limit: int = 1 << 25, machine: str = "standard"
) -> Result:
    """Output and trap in our executor."""
    return run_program(from_wasm(data, text, machine=machine), limit)


def run_program(program, limit: int = 1 << 25) -> Result:
    """Output and trap in the native executor."""
    run = execute(program, limit)
    assert run.stopped == "halt", "the program does not end"
    kind = run.trap.kind if run.trap else None
    # wasmtime has one message for both.
    return Result(run.output, Trap.UNDEFINED_ELEMENT if kind is Trap.TABLE_OUT_OF_BOUNDS else kind)


def same(data: bytes, text: bytes | None = None, limit: int = 1 << 25) -> Result:
    """Asserts that wasmtime and the standard machine agree, and the base machine, too, where the
    module asks for nothing that this lacks; the common result.
    """
    expected = run_oracle(data, text)
    actual = run_ours(data, text, limit)
    assert (actual.output, actual.trap) == (expected.output, expected.trap)
    if expected.trap != Trap.OUT_OF_BOUNDS:
        try:
            actual = run_ours(data, text, limit, "base")
        except Unsupported as refusal:
            assert "the base machine has no" in str(refusal)
        else:
            assert (actual.output, actual.trap) == (expected.output, expected.trap)
    return actual


def tokens_of(data: bytes, entry: str, args: tuple[int, ...] = ()) -> int:
    """How many tokens a call of an exported function takes, with its `call` and `return`."""
    program = from_wasm(data, None, entry, args)
    executor = Executor(program.code, program.given())
    begin = next(i for i, (op, _) in enumerate(program.code) if op == "call")  # of the start code
    count = 0
    while program.code[executor.cursor][0] != "halt":
        inside = bool(executor.calls) or executor.cursor == begin
        tokens = len(executor._step(*program.code[executor.cursor]))
        count += tokens if inside else 0
    return count


# Parts of modules in the text format.
HEAD = """
(import "env" "output_byte" (func $out (param i32)))
(memory (export "memory") 1)
(func $word (param i32)
  (i32.store (i32.const 0xfff0) (local.get 0))
  (call $out (i32.load8_u (i32.const 0xfff0)))
  (call $out (i32.load8_u (i32.const 0xfff1)))
  (call $out (i32.load8_u (i32.const 0xfff2)))
  (call $out (i32.load8_u (i32.const 0xfff3))))
(func $long (param i64)
  (i64.store (i32.const 0xffe0) (local.get 0))
  (call $word (i32.load (i32.const 0xffe0)))
  (call $word (i32.load (i32.const 0xffe4))))
"""


def module(body: str, functions: str = "") -> bytes:
    """A module whose `compute` has the given body; $word and $long print values."""
    return wat(f'(module {HEAD} {functions} (func (export "compute") {body}))')
