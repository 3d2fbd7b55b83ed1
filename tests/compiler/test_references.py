"""References that an entry function takes, and that it gives."""

from __future__ import annotations

import pytest

from command import pyvm
from compiler.oracle import wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import ProgramError

MODULE = """(module
  (table $t 3 externref) (func $f) (elem declare func $f)
  (func (export "same") (param externref i32 funcref) (result i32 externref funcref)
    (local.get 1) (local.get 0) (local.get 2))
  (func (export "kept") (param externref) (result externref externref i32)
    (table.set $t (i32.const 2) (local.get 0))
    (table.get $t (i32.const 2)) (table.get $t (i32.const 0)) (ref.is_null (local.get 0)))
  (func (export "function") (result funcref) (ref.func $f)))"""


@pytest.mark.parametrize(
    "entry, args, printed",
    [
        ("same", (7, -1, None), b"-1\nref.extern 7\nref.null\n"),
        ("same", (None, 0, None), b"0\nref.null\nref.null\n"),
        ("kept", (0,), b"ref.extern 0\nref.null\n0\n"),
        ("kept", (4294967294,), b"ref.extern 4294967294\nref.null\n0\n"),
        ("kept", (None,), b"ref.null\nref.null\n1\n"),
        ("function", (), b"ref.func\n"),
    ],
)
def test_values_through_the_weights(model, entry, args, printed):
    program = from_wasm(wat(MODULE), None, entry, args, True)
    run = model.generate(program)
    assert run.ok and run.output == printed == execute(program).output


@pytest.mark.parametrize(
    "entry, args, said",
    [
        ("kept", (-1,), "-1 is no externref"),
        ("kept", (4294967295,), "4294967295 is no externref"),
        ("kept", (1.5,), "1.5 is no externref"),
        ("same", (1, None, None), "ref.null is no i32"),
        ("same", (1, 1, 1), "1 is no funcref"),
    ],
)
def test_what_is_no_reference(entry, args, said):
    with pytest.raises(ProgramError, match=said):
        from_wasm(wat(MODULE), None, entry, args, True)


def test_the_command_line(tmp_path):
    path = tmp_path / "references.wasm"
    path.write_bytes(wat(MODULE))
    done = pyvm("run", path, "--entry", "same", "5", "6", "ref.null")
    assert done.stdout == b"6\nref.extern 5\nref.null\n" and done.returncode == 0
