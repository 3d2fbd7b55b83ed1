"""The cache of compiled programs: gives the same program, never a damaged one or a stranger's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compiler.oracle import wat
from pyvm.compiler import compile as compiling
from pyvm.compiler import kept
from pyvm.compiler.compile import compile_file
from pyvm.engine.executor import execute

ECHO = """(module (import "env" "output_byte" (func $o (param i32))) (memory 1) HEAP
  (func (export "compute") (param i32)
    loop local.get 0 i32.load8_u if
      local.get 0 i32.load8_u call $o local.get 0 i32.const 1 i32.add local.set 0 br 1 end end))"""
HEAP = '(global (export "__heap_base") i32 (i32.const 65000))'
DATA = """(module (import "env" "output_byte" (func $o (param i32))) (memory 1)
  (table 1 funcref) (elem (i32.const 0) $f) (type $t (func (param i32)))
  (data (i32.const 8) "h") (data (i32.const 900) "i")
  (func $f (param i32) local.get 0 i32.load8_u call $o)
  (func (export "compute") i32.const 8 i32.const 0 call_indirect (type $t)
    i32.const 900 i32.const 0 call_indirect (type $t) unreachable))"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / kept.FOLDER


@pytest.fixture
def compiled(monkeypatch) -> list[bytes]:
    """The modules that are compiled, and not taken from the cache."""
    done: list[bytes] = []
    real = compiling.from_wasm

    def from_wasm(data, *rest, **named):
        done.append(data)
        return real(data, *rest, **named)

    monkeypatch.setattr(compiling, "from_wasm", from_wasm)
    return done


def module(folder: Path, text: str, name: str = "m.wasm") -> Path:
    path = folder / name
    path.write_bytes(wat(text))
    return path


def test_a_kept_program_is_the_same(tmp_path, folder, compiled):
    """Code, data, places, what is known of the source, and what it does."""
    path = module(tmp_path, DATA)
    first, second = compile_file(path), compile_file(path)
    assert len(compiled) == 1
    assert first == second and second.name == "m"
    assert list(first.tokens()) == list(second.tokens()) and first.text() == second.text()
    assert (first.room, first.settled) == (second.room, second.settled)
    assert first.debug.units == second.debug.units and first.debug.lines == second.debug.lines
    assert list(first.debug.runs) == list(second.debug.runs)
    one, two = execute(first), execute(second)
    assert two.output == b"hi" and str(one.trap) == str(two.trap)


def test_a_kept_program_knows_lines(tmp_path, folder, compiled):
    path = tmp_path / "m.c"
    path.write_text("void compute(void) {\n  putchar(65);\n  abort();\n}\n")
    one, two = execute(compile_file(path)), execute(compile_file(path))
    assert len(compiled) == 1 and ".c:" in str(two.trap) and str(one.trap) == str(two.trap)


def test_another_input_takes_the_same_code(tmp_path, folder, compiled):
    path = module(tmp_path, ECHO.replace("HEAP", HEAP))
    for text in ("one", "", "a longer one"):
        program = compile_file(path, input=text)
        assert execute(program).output == text.encode()
        assert program == compiling.from_wasm(path.read_bytes(), text, name="m")
    assert len(compiled) == 1 + 3  # three of them are those to compare with


def test_an_input_without_room_is_compiled_with_more(tmp_path, folder, compiled):
    """The memory grows for it; the next short one has the small memory again."""
    path = module(tmp_path, ECHO.replace("HEAP", HEAP))
    long = "x" * 70_000
    for text in ("one", long, "two", long):
        program = compile_file(path, input=text)
        assert program.input == text.encode()
        assert program.code == compiling.from_wasm(path.read_bytes(), text).code
    assert len(compiled) == 2 + 4


def test_where_the_address_depends_on_the_length(tmp_path, folder, compiled):
    path = module(tmp_path, ECHO.replace("HEAP", ""))
    for text in ("one", "two", "longer than a row of sixteen"):
        program = compile_file(path, input=text)
        assert program.code == compiling.from_wasm(path.read_bytes(), text).code
    assert len(compiled) == 2 + 3


def test_what_is_asked_is_told_apart(tmp_path, folder, compiled):
    text = '(module (func (export "f") (param i32) (result i32) local.get 0))'
    path = module(tmp_path, text)
    assert execute(compile_file(path, entry="f", args=(3,))).output == b"3\n"
    assert execute(compile_file(path, entry="f", args=(4,))).output == b"4\n"
    assert execute(compile_file(path, entry="f", args=(4,), machine="base")).output == b"4\n"
    assert len(compiled) == 3


@pytest.mark.parametrize("damage", ["cut", "bit", "longer", "empty", "text", "other key"])
def test_a_damaged_file_is_not_believed(tmp_path, folder, compiled, damage):
    path = module(tmp_path, DATA)
    good = compile_file(path)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    data = bytearray(whole)
    data[len(data) // 2] ^= 1
    if damage == "other key":
        compile_file(module(tmp_path, ECHO.replace("HEAP", HEAP)))
        data = next(p for p in folder.iterdir() if p != file).read_bytes()
        path = module(tmp_path, DATA)
    rows = {"cut": whole[:-1], "longer": whole + b"\0", "empty": b"", "text": b"{ }\n" * 99}
    file.write_bytes(rows.get(damage, bytes(data)))
    before = len(compiled)
    assert compile_file(path) == good
    assert len(compiled) == before + 1 and file.read_bytes() == whole  # and it does not stay


@pytest.mark.skipif(os.name == "nt", reason="owners and modes of POSIX")
def test_what_others_can_write_is_not_believed(tmp_path, folder, compiled):
    path = module(tmp_path, DATA)
    compile_file(path)
    (file,) = folder.iterdir()
    file.chmod(0o666)
    compile_file(path)
    assert len(compiled) == 2 and not file.stat().st_mode & 0o022


def test_the_folder_has_a_bound(tmp_path, folder, compiled, monkeypatch):
    """The longest unused goes first."""
    paths = [
        module(tmp_path, f'(module (func (export "compute") (drop (i32.const {i}))))', f"{i}.wasm")
        for i in range(4)
    ]
    monkeypatch.setattr(kept, "MOST_FILES", 3)
    for i, path in enumerate(paths[:3]):
        compile_file(path)
        for file in folder.iterdir():
            status = file.stat()
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9 * (3 - i)))
    compile_file(paths[0])  # it was used
    compile_file(paths[3])
    assert len(list(folder.iterdir())) == 3
    before = len(compiled)
    compile_file(paths[0])
    assert len(compiled) == before
    compile_file(paths[1])
    assert len(compiled) == before + 1
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    compile_file(paths[2])
    assert not list(folder.iterdir())


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path / "cache"))
    assert execute(compile_file(module(tmp_path, DATA))).output == b"hi"


def test_a_kept_program_needs_no_compiler(folder):
    """Its start loads neither the compiler nor the decoder of modules."""
    compile_file("hello")
    code = (
        "import sys, pyvm; pyvm.compile('hello'); "
        "print(*sorted(m for m in sys.modules if m.startswith(('pyvm.compiler.', 'pyvm.wasm'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    names = [f"pyvm.compiler.{name}" for name in ("c_names", "compile", "kept")]
    assert done.stdout.split() == names, done.stderr
