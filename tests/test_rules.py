"""Rules of the tree, as tests: what the library exports and calls, what Python may do on import."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, get_type_hints

import numpy
import pytest

import pyvm
from pyvm.engine.library import library_path
from pyvm.trace.file import TraceFile

ROOT = Path(__file__).resolve().parents[1]
LIB = ROOT / "lib"
SOURCES = sorted(
    path
    for path in LIB.rglob("*")
    if path.suffix in (".cpp", ".hpp", ".h", ".inc") and LIB / "examples" not in path.parents
)
MARKERS = ("__init__.py", "__main__.py")  # these say what a folder or command is
PACKAGE = sorted((ROOT / "pyvm").rglob("*.py"))

# Output, and ends of the process: the library does neither.
FORBIDDEN = re.compile(
    r"\b(?:std::)?(?:printf|fprintf|puts|fputs|putchar|perror|exit|_exit|quick_exit|abort|terminate)"
    r"\s*\(|std::(?:cout|cerr|clog)\b|#\s*include\s*<(?:iostream|cassert|assert\.h)>"
)
# What lets a compiler reorder or round sums as it likes.
UNSAFE_MATH = re.compile(
    r"-Ofast|(?<![\w-])-f(?:fast-math|unsafe-math-optimizations|associative-math|"
    r"reciprocal-math|finite-math-only)|fp:fast|-ffp-contract=(?:fast|on)"
)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def test_there_is_something_to_check():
    assert len(SOURCES) > 10 and len(PACKAGE) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_library_never_prints_and_never_exits(path):
    code = COMMENT.sub("", path.read_text())
    found = FORBIDDEN.search(code)
    assert found is None, f"{found and found[0]!r}"


def test_exported_symbols_are_those_of_the_header():
    nm = shutil.which("nm")
    if nm is None or not sys.platform.startswith("linux"):
        pytest.skip("needs nm, and an ELF library")
    done = subprocess.run(
        [nm, "-D", "--defined-only", str(library_path())],
        capture_output=True,
        text=True,
        check=True,
    )
    exported = {line.split()[-1] for line in done.stdout.splitlines()}
    header = set(re.findall(r"TVM_API [^;(]*?(tvm_\w+)\(", (ROOT / "lib/tvm.h").read_text()))
    assert exported == header


def test_the_library_is_built_without_fast_math():
    """In no build file and, where libtvm is built here, in no command of the compiler."""
    files = [ROOT / "meson.options", *(ROOT / "pyvm/build").glob("*.py")]
    files += [path for path in ROOT.glob("**/meson.build") if ".venv" not in path.parts]
    assert ROOT / "tests/lib/meson.build" in files
    if (commands := ROOT / "build/compile_commands.json").exists():
        files.append(commands)
    for path in files:
        found = UNSAFE_MATH.search(path.read_text())
        assert found is None, f"{path.name}: {found and found[0]}"


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_opens_with_what_it_is(path):
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    what = said.partition("\n\n")[0]
    assert what.rstrip().endswith((".", ":")) or len(what.split()) > 3, "a module says what it is"
    if path.name not in MARKERS and "pyvm/compiler/routines" not in path.as_posix():
        assert "Enters" in said and re.search("[Ll]eaves", said), "what enters, and what leaves"


# What annotations name, and only type checkers load.
KNOWN = {
    "np": numpy,
    "TraceFile": TraceFile,
    "Executor": Executor,
    "Environment": pyvm.Environment,
    "COptions": pyvm.COptions,
}


def test_pyvm_exports_its_types():
    """What is listed is there at run time and for a type checker, and no public call takes Any."""
    assert {"Check", "Model", "Program", "Run"} <= set(pyvm.__all__) == set(pyvm._HOME)
    for name in pyvm.__all__:
        assert getattr(pyvm, name).__module__ == pyvm._HOME[name][0]
    for call in (pyvm.load, pyvm.compile, pyvm.Model.generate, pyvm.Model.verify):
        hints = get_type_hints(call, localns=KNOWN)
        assert "return" in hints and Any not in hints.values(), call


def test_numpy_is_the_only_hard_dependency():
    """Everything that runs a program imports in a Python that has numpy alone."""
    code = """
import sys
class Refuse:
    names = {"highspy", "ziglang", "wasmtime", "hypothesis", "pytest", "mesonbuild", "ninja"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(name + " is an extra")
sys.meta_path.insert(0, Refuse())
import pyvm, pyvm.cli
from pyvm.engine.executor import execute
with pyvm.load() as model:
    assert model.generate(pyvm.compile("hello")).ok
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# The rooms of pyvm from the bottom up: a module imports from its own room and from rooms before it.
# `bundled` is data; its __main__, which compiles the bundled programs anew, is a command.
ROOMS = (
    "printable notes files helpers cache isa wasm host floats bundled compiler graph schedule "
    "weights trace view engine machine export build examples commands cli"
).split()
IMPORT = re.compile(r"^\s*(?:from (pyvm(?:\.\w+)*) import ([\w, ]+)|import (pyvm(?:\.\w+)*))", re.M)


def _rooms_imported(text: str) -> set[str]:
    found = set()
    for package, names, module in IMPORT.findall(text):
        parts = (package or module).split(".")
        found |= {parts[1]} if parts[1:] else set(re.findall(r"\w+", names))
    return found & set(ROOMS)


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_down(path):
    room = path.relative_to(ROOT / "pyvm").parts[0].removesuffix(".py")
    if room == "__init__" or path.name == "__main__.py":
        return
    above = _rooms_imported(path.read_text()) & set(ROOMS[ROOMS.index(room) + 1 :])
    assert not above, f"{room} may not import {', '.join(sorted(above))}"


# The folders of lib from the bottom up. The engines stand side by side; only api/ knows the C ABI.
FOLDERS: dict[str, tuple[str, ...]] = {
    "base": (),
    "model": ("base",),
    "layers": ("base", "model"),
    "plan": ("base", "model", "kernel"),
    "kernel": ("base",),
    "executor": ("base",),
    "api": ("base", "model", "layers", "plan", "kernel", "executor", "tvm.h"),
}
INCLUDE = re.compile(r'^#include "([^"/]+)', re.M)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_includes_go_down(path):
    folder = path.relative_to(ROOT / "lib").parts[0]
    if folder == "tvm.h":
        return
    allowed = {folder, *FOLDERS[folder]}
    above = set(INCLUDE.findall(path.read_text())) - allowed
    assert not above, f"{folder} may not include {', '.join(sorted(above))}"
