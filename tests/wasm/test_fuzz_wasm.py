"""A share of tools/fuzz_wasm.py: mutated modules, the verdict against wasmtime's, no crash."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")
sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import fuzz_wasm  # noqa: E402

COUNT = 1000


def test_mutants_are_programs_or_errors_of_ours():
    outcomes = set()
    for number, _, outcome, wrong in fuzz_wasm.search(0, COUNT, 10):
        assert not wrong, f"tools/fuzz_wasm.py --first {number} --count 1: {wrong}"
        outcomes.add(outcome)
    assert outcomes >= {"invalid", "valid, compiles", "needs more: valid"}


@pytest.mark.parametrize(
    "name, broken, message",
    [
        ("validate", lambda module: None, "found valid"),
        ("decode", lambda data: 1 // 0, "ZeroDivisionError"),
        ("code_of", lambda data: (("halt", len(data)),), "debug data changes the program"),
    ],
)
def test_it_finds_what_is_wrong(monkeypatch, name, broken, message):
    found = fuzz_wasm.seeds()
    monkeypatch.setattr(fuzz_wasm, "seeds", lambda: found)
    monkeypatch.setattr(fuzz_wasm, name, broken)
    assert any(message in wrong for *_, wrong in fuzz_wasm.search(0, 200, 10))
