"""The library of floats that is shipped, against the processor."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyvm import helpers
from pyvm.floats.build import compiled
from pyvm.floats.module import BINARY, float_module
from pyvm.wasm.merge import reached
from pyvm.wasm.opcodes import OPCODES

wasmtime = pytest.importorskip("wasmtime")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import fuzz_floats  # noqa: E402


@pytest.mark.skipif(helpers.zig() is None, reason="the zig wheel is not installed")
def test_it_is_what_the_command_makes() -> None:
    assert BINARY.read_bytes() == compiled()


def test_what_computes_needs_nothing_but_locals() -> None:
    module = float_module()
    assert not module.data and not module.elements
    computing = {
        item.index
        for item in module.exports
        if item.kind == "func" and not item.name.endswith(".print")
    }
    imports = len(module.imported("func"))
    bodies = [module.bodies[i - imports] for i in reached(module, computing) if i >= imports]
    used = {instr.op for body in bodies for instr in body.code}
    assert not [op for op in used if "load" in op or "store" in op or op.startswith("global")]
    assert "call_indirect" not in used


def test_it_has_every_instruction_that_is_more_than_a_move() -> None:
    exported = {item.name for item in float_module().exports}
    moved = "const load store neg abs copysign sub".split()  # a difference is a sum
    for row in OPCODES.values():
        kind, _, name = row.name.partition(".")
        types = (row.params or ()) + (row.results or ())
        if {"f32", "f64"} & set(types) and name not in moved and "reinterpret" not in name:
            assert row.name in exported


@pytest.mark.parametrize("op", fuzz_floats.operators())
def test_operands_of_all_kinds_give_the_processors_result(op: str) -> None:
    assert not fuzz_floats.differs(op, 20_000, 7)


def test_a_wrong_result_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "wrong.wasm"
    body = "(i32.add (local.get 0) (local.get 1))"
    path.write_bytes(
        wasmtime.wat2wasm(f'(module (func (export "f32.add") (param i32 i32) (result i32) {body}))')
    )
    monkeypatch.setattr(fuzz_floats, "BINARY", path)
    assert "f32.add: " in fuzz_floats.differs("f32.add", 1000, 1)
