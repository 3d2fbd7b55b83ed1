"""pyvm.engine.library and abi: finding libtvm, and declarations that match tvm.h."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pyvm import helpers
from pyvm.engine import abi, library
from pyvm.engine.errors import BY_STATUS, LibraryError, OutOfMemory

ROOT = Path(__file__).resolve().parents[2]
HEADER = (ROOT / "lib" / "tvm.h").read_text()


@pytest.fixture
def not_loaded():
    library.library.cache_clear()
    yield
    library.library.cache_clear()


def test_every_place_is_listed_when_none_has_it(monkeypatch, not_loaded, tmp_path):
    places = [tmp_path / "a" / library.NAME, tmp_path / "b" / library.NAME]
    monkeypatch.setattr(library, "candidates", lambda: places)
    with pytest.raises(LibraryError) as caught:
        library.library()
    assert all(str(place) in str(caught.value) for place in places)
    assert "pyvm.build" in str(caught.value)


def test_the_command_that_helps_names_what_is_lacking(monkeypatch):
    """Pasted into a shell it is enough: this Python, and what the build needs that is not there."""
    python = shlex.quote(sys.executable)
    monkeypatch.setattr(helpers, "cxx", lambda: None)
    monkeypatch.setattr(helpers, "ninja", lambda: "/usr/bin/ninja")
    monkeypatch.setattr(helpers, "package_folder", lambda name: None)
    command = f"`{python} -m pip install meson ziglang && {python} -m pyvm.build`"
    assert library.how_to_build().startswith(command)
    monkeypatch.setattr(helpers, "cxx", lambda: ["/usr/bin/g++"])
    monkeypatch.setattr(helpers, "package_folder", lambda name: Path("/somewhere"))
    assert library.how_to_build().startswith(f"`{python} -m pyvm.build`")


def test_the_users_library_is_taken_only_when_nobody_else_can_write_it(
    monkeypatch, not_loaded, tmp_path
):
    monkeypatch.delenv("PYVM_LIBRARY", raising=False)
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    folder = library.users_folder()
    assert folder is not None and library.candidates()[-1] == folder / library.NAME
    monkeypatch.setattr(library, "candidates", lambda: [folder / library.NAME])
    folder.mkdir(0o700)
    (folder / library.NAME).write_bytes(b"no library")
    (folder / library.NAME).chmod(0o644)
    with pytest.raises(LibraryError, match="cannot be loaded"):
        library.library()
    for path, mode in ((folder, 0o777), (folder / library.NAME, 0o666)):
        before = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(LibraryError, match="was not found"):
            library.library()
        path.chmod(before)


def test_the_environment_names_the_only_candidate(monkeypatch, not_loaded, tmp_path):
    monkeypatch.setenv("PYVM_LIBRARY", str(tmp_path / "mine.so"))
    assert library.candidates() == [tmp_path / "mine.so"]
    with pytest.raises(LibraryError, match="mine.so"):
        library.library()


def test_no_library_at_all(monkeypatch, not_loaded, tmp_path):
    garbage = tmp_path / "libtvm.so"
    garbage.write_bytes(b"no library")
    monkeypatch.setenv("PYVM_LIBRARY", str(garbage))
    with pytest.raises(LibraryError, match="cannot be loaded"):
        library.library()


def test_another_library_is_refused(monkeypatch, not_loaded):
    import _ctypes

    if not hasattr(_ctypes, "__file__"):
        pytest.skip("this Python has no shared library to try")
    monkeypatch.setenv("PYVM_LIBRARY", _ctypes.__file__)
    with pytest.raises(LibraryError, match="tvm_abi_version"):
        library.library()


def test_another_version_is_refused(monkeypatch, not_loaded):
    monkeypatch.setattr(library, "ABI_VERSION", abi.ABI_VERSION + 1)
    with pytest.raises(LibraryError, match="ABI version"):
        library.library()


def test_build_info():
    info = library.build_info()
    assert info["abi"] == abi.ABI_VERSION
    runtime = ROOT / "lib" / "kernel" / "runtime.hpp"
    (kernels,) = re.findall(r"kAbi = (\d+);", runtime.read_text())
    assert info["kernel_abi"] == int(kernels)
    assert {"version", "compiler", "openmp", "blas"} <= set(info)


def test_kernels_are_those_of_the_processor():
    try:
        flags = re.search(r"(?m)^flags\s*:(.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        flags = None
    if flags is None or platform.machine() != "x86_64":
        pytest.skip("not Linux on x86-64")
    wanted = [name for name, flag in (("avx2", "avx2"), ("avx512", "avx512f")) if flag in flags[1]]
    assert library.build_info()["kernels"] == ["scalar", "baseline", *wanted]


def test_functions_match_the_header():
    declared = set(re.findall(r"TVM_API [^;(]*?(tvm_\w+)\(", HEADER))
    assert declared == set(abi.FUNCTIONS)
    for name, (_, parameters) in abi.FUNCTIONS.items():
        (inside,) = re.findall(rf"TVM_API [^;(]*\b{name}\(([^;]*)\);", HEADER)
        count = 0 if inside.strip() == "void" else inside.count(",") + 1
        assert count == len(parameters), name


def test_enumerations_match_the_header():
    values = dict(re.findall(r"\b(TVM_[A-Z_]+) = (\d+)", HEADER))
    for prefix, names in (
        ("TVM_PATH_", abi.PATHS),
        ("TVM_PROJECTION_", abi.PROJECTIONS),
        ("TVM_ATTENTION_", abi.ATTENTIONS),
        ("TVM_BYPASS_", abi.BYPASSES),
        ("TVM_HEAD_", {name: i for i, name in enumerate(abi.HEAD_KINDS)}),
    ):
        found = {
            k[len(prefix) :].lower(): int(v) for k, v in values.items() if k.startswith(prefix)
        }
        assert found == names
    statuses = {int(v) for k, v in values.items() if k.startswith("TVM_ERROR_")}
    assert statuses == set(BY_STATUS)
    assert f"#define TVM_ABI_VERSION {abi.ABI_VERSION}\n" in HEADER


@pytest.mark.parametrize(
    "struct", [abi.ModelSizes, abi.Options, abi.RunResult, abi.VerifyResult, abi.Followed]
)
def test_structs_match_the_header(struct):
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", struct.__name__).lower()
    (body,) = re.findall(rf"typedef struct tvm_{name} {{(.*?)}} tvm_{name};", HEADER, re.DOTALL)
    fields = re.findall(r"^\s*(\w+)\s+(\w+);", body, re.MULTILINE)
    types = {
        "uint32_t": ctypes.c_uint32,
        "int32_t": ctypes.c_int32,
        "uint64_t": ctypes.c_uint64,
        "int64_t": ctypes.c_int64,
        "double": ctypes.c_double,
    }
    assert [(field, types[kind]) for kind, field in fields] == list(struct._fields_)
    assert struct().size == ctypes.sizeof(struct)


def test_defaults_are_those_of_the_library():
    from pyvm.engine.options import make_options

    options = abi.Options()
    library.library().tvm_options_default(ctypes.byref(options))
    ours = make_options("generate", {})
    for field, _ in abi.Options._fields_:
        assert getattr(options, field) == getattr(ours, field), field


def test_import_loads_no_library_and_little_else():
    code = (
        "import sys, pyvm; assert 'numpy' not in sys.modules; assert 'ctypes' not in sys.modules;"
        "import pyvm.isa.tokens, pyvm.isa.classes; assert 'pyvm.engine' not in sys.modules"
    )
    env = {**os.environ, "PYVM_LIBRARY": "/nonexistent"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, cwd=ROOT)


def test_a_string_that_the_library_could_not_make_is_an_error():
    assert library.text_of(b"") == ""
    with pytest.raises(OutOfMemory):
        library.text_of(None)
