"""The runner of WebAssembly's test scripts (tools/run_wast.py), on scripts of our own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")
TOOLS = Path(__file__).parents[2] / "tools"
SCRIPTS = Path(__file__).parent / "scripts"
ACTIONS = SCRIPTS / "actions.wast"
ALL_HOLD = {  # passed, failed, refused, skipped, and of invalid modules how many are refused
    "actions": ["14", "0", "0", "0", "1 of 1"],
    "calls": ["19", "0", "0", "0", "0 of 0"],
    "elements": ["7", "0", "0", "0", "3 of 3"],
    "exceptions": ["5", "0", "0", "0", "0 of 0"],
    "modules": ["9", "0", "0", "0", "0 of 0"],
    "spectest": ["12", "0", "0", "0", "0 of 0"],
    "traps": ["18", "0", "0", "0", "0 of 0"],
}


@pytest.fixture
def run_wast(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return __import__("run_wast")


def outcome(run_wast, monkeypatch, capsys, *words: object) -> tuple[int, list[str], str]:
    """Exit status, the first row of the table, and what was said on stderr."""
    monkeypatch.setattr(sys, "argv", ["run_wast.py", *map(str, words)])
    status = run_wast.main()
    said = capsys.readouterr()
    row = said.out.splitlines()[2]
    return status, [cell.strip() for cell in row.split("|")[2:-1]], said.err


@pytest.mark.parametrize("name", ALL_HOLD)
def test_all_assertions_hold_through_the_weights(run_wast, monkeypatch, capsys, name):
    found = outcome(run_wast, monkeypatch, capsys, SCRIPTS / f"{name}.wast")
    assert found == (0, ALL_HOLD[name], "")


def test_every_script_here_is_run():
    assert {path.stem for path in SCRIPTS.glob("*.wast")} == set(ALL_HOLD)


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("(i32.const -2147483648)", "(i32.const 2147483647)"),
        ("(get \"g\") (i32.const 6)", "(get \"g\") (i32.const 5)"),
        ("(f32.const nan:canonical)", "(f32.const inf)"),
        ("(f32.const 0x1.000002p+0))", "(f32.const 0x1.000004p+0))"),
        ("(i32.const 0)) \"integer divide by zero\"", "(i32.const 1)) \"integer divide by zero\""),
        ("\"integer overflow\"", "\"unreachable\""),
        ("assert_exhaustion (invoke \"deep\")", "assert_exhaustion (invoke \"inc\")"),
        ("(data (i32.const 65536) \"a\")", "(data (i32.const 65535) \"a\")"),
        ("(i32.const 8)) (i32.const 99)", "(i32.const 8)) (either (i32.const 98) (i32.const 100))"),
    ],
)  # fmt: skip
def test_a_wrong_assertion_fails(run_wast, monkeypatch, capsys, tmp_path, right, wrong):
    text = ACTIONS.read_text()
    at = text.rindex(right)
    path = tmp_path / "wrong.wast"
    path.write_text(text[:at] + wrong + text[at + len(right) :])
    found = outcome(run_wast, monkeypatch, capsys, "--engine", "executor", path)
    assert found[:2] == (1, ["13", "1", "0", "0", "1 of 1"])
    assert found[2].startswith(f"{path}:{text.count(chr(10), 0, at) + 1}: failed: ")


SOME_DO_NOT = """
(module $a (global (export "g") (mut i32) (i32.const 1))
  (func (export "f") (result i32) (i32.const 1)) (func (export "v") (param v128)))
(register "a")
(assert_return (invoke "v" (v128.const i32x4 0 0 0 0)))
(assert_return (get $a "g") (i32.const 1))
(module (import "a" "g" (global (mut i32))) (func (export "h") (global.set 0 (i32.const 2))))
(assert_return (invoke $a "f") (i32.const 1))
(assert_return (invoke "h"))
(assert_return (get $a "g") (i32.const 2))
(assert_unlinkable (module (import "a" "nothing" (func))) "unknown import")
"""


def test_what_is_not_run_has_a_reason(run_wast, monkeypatch, capsys, tmp_path):
    path = tmp_path / "some.wast"
    path.write_text(SOME_DO_NOT.replace("(param v128)", "(param i32)"))
    monkeypatch.setattr(sys, "argv", ["run_wast.py", "--engine", "executor", str(tmp_path)])
    assert run_wast.main() == 0
    said = capsys.readouterr().out
    assert "| some.wast |      2 |      0 |       0 |       4 |" in said
    reasons = (
        "SIMD", "needs a second module with a state", "a second module shares the state",
        "modules that must not link (assert_unlinkable)",
    )  # fmt: skip
    for reason in reasons:
        assert f"skipped: 1 {reason}" in said.splitlines()


def test_results_follow_what_was_done_before(run_wast, monkeypatch, capsys, tmp_path):
    """Also behind an action that fails: what traps where it should not is left out."""
    path = tmp_path / "state.wast"
    path.write_text("""
    (module (memory 1) (global $g (mut i64) (i64.const 0))
      (func (export "next") (result i64)
        (global.set $g (i64.add (global.get $g) (i64.const 1))) (global.get $g))
      (func (export "stop") (unreachable)) (func (export "store") (param i32)
        (i32.store (local.get 0) (i32.const 7)))
      (func (export "load") (result i32) (i32.load (i32.const 0))))
    (assert_return (invoke "next") (i64.const 1))
    (invoke "store" (i32.const 0))
    (assert_return (invoke "stop"))
    (assert_trap (invoke "store" (i32.const 65534)) "out of bounds memory access")
    (assert_return (invoke "next") (i64.const 2))
    (assert_return (invoke "load") (i32.const 7))""")
    found = outcome(run_wast, monkeypatch, capsys, "--engine", "executor", path)
    assert found[:2] == (1, ["4", "1", "0", "0", "0 of 0"])
    assert ": failed: trap: unreachable executed" in found[2]


def test_what_is_no_script_is_said(run_wast, monkeypatch, capsys, tmp_path):
    for i, text in enumerate(('(module "', "(module", ")", "(; (module)")):
        path = tmp_path / f"{i}.wast"
        path.write_text(text)
        monkeypatch.setattr(sys, "argv", ["run_wast.py", "--engine", "executor", str(path)])
        assert run_wast.main() == 2
        assert f"{path}: line 1: " in capsys.readouterr().err


def test_a_fault_of_the_compiler_is_a_failure(run_wast, monkeypatch, capsys):
    def faulty(*_: object) -> None:
        raise KeyError("x")

    import wast.judge

    monkeypatch.setattr(wast.judge, "with_actions", faulty)
    status, counts, said = outcome(run_wast, monkeypatch, capsys, SCRIPTS / "actions.wast")
    assert (status, counts) == (1, ["0", "14", "0", "0", "1 of 1"])
    assert "13 assertions have no verdict: KeyError: 'x'" in said


def test_what_pyvm_does_not_have_is_named(run_wast, monkeypatch, capsys, tmp_path):
    path = tmp_path / "later.wast"
    path.write_text("""
    (module (func (export "f") (result i32) (i32x4.extract_lane 0 (v128.const i32x4 1 2 3 4))))
    (assert_return (invoke "f") (i32.const 1))
    (module (memory i64 1) (func (export "f")))
    (assert_return (invoke "f"))
    (module (func (export "f") (param f32)))
    (assert_return (invoke "f" (f32.const what)))""")
    monkeypatch.setattr(sys, "argv", ["run_wast.py", "--engine", "executor", str(path)])
    assert run_wast.main() == 0
    said = capsys.readouterr().out.splitlines()
    assert "skipped: 1 needs SIMD (a part of WebAssembly 2.0)" in said
    assert "skipped: 1 needs the memory64 proposal" in said
    assert "skipped: 1 a value that wasmtime's assembler does not know" in said
