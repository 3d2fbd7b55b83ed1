"""The runner of WebAssembly's test scripts (tools/run_wast.py), on a script of our own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")
TOOLS = Path(__file__).parents[2] / "tools"
SCRIPT = Path(__file__).parent / "scripts" / "actions.wast"


@pytest.fixture
def run_wast(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return __import__("run_wast")


def outcome(run_wast, monkeypatch, capsys, path: Path) -> tuple[int, list[int], str]:
    monkeypatch.setattr(sys, "argv", ["run_wast.py", str(path)])
    status = run_wast.main()
    said = capsys.readouterr()
    row = said.out.splitlines()[2]
    return status, [int(cell) for cell in row.split("|")[2:-1]], said.err


def test_all_assertions_hold(run_wast, monkeypatch, capsys):
    assert outcome(run_wast, monkeypatch, capsys, SCRIPT) == (0, [14, 0, 0, 2], "")


def test_traps_have_the_kinds_that_the_specification_tells_apart(run_wast, monkeypatch, capsys):
    script = SCRIPT.with_name("traps.wast")
    assert outcome(run_wast, monkeypatch, capsys, script) == (0, [18, 0, 0, 0], "")


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("(i32.const -2147483648)", "(i32.const 2147483647)"),
        ("(get \"g\") (i32.const 6)", "(get \"g\") (i32.const 5)"),
        ("(f32.const nan:canonical)", "(f32.const inf)"),
        ("(f32.const 0x1.000002p+0))", "(f32.const 0x1.000004p+0))"),
        ("(i32.const 0)) \"integer divide by zero\"", "(i32.const 1)) \"integer divide by zero\""),
        ("\"integer overflow\"", "\"unreachable\""),
    ],
)  # fmt: skip
def test_a_wrong_assertion_fails(run_wast, monkeypatch, capsys, tmp_path, right, wrong):
    text = SCRIPT.read_text()
    at = text.rindex(right)
    path = tmp_path / "wrong.wast"
    path.write_text(text[:at] + wrong + text[at + len(right) :])
    status, counts, said = outcome(run_wast, monkeypatch, capsys, path)
    assert (status, counts) == (1, [13, 1, 0, 2])
    assert said.startswith(f"wrong.wast:{text.count(chr(10), 0, at) + 1}: ")
