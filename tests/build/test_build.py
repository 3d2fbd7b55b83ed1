"""pyvm.build and tools/setup.py: compilers found and not found, nothing done twice."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyvm import helpers
from pyvm.build import helper
from pyvm.compiler.c_names import CPLUSPLUS
from pyvm.engine.library import NAME, users_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nothing_installed(monkeypatch):
    """No CXX, nothing on PATH, no ziglang."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(helpers, "program", lambda name: None)
    monkeypatch.setattr(helpers, "zig", lambda: None)


def test_no_compiler(nothing_installed, tmp_path):
    assert helpers.cxx() is None
    with pytest.raises(helper.NoCompiler, match="install g"):
        helper.build(tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_zig_is_the_last_resort(nothing_installed, monkeypatch):
    monkeypatch.setattr(helpers, "zig", lambda: "/somewhere/ziglang/zig")
    command = helpers.cxx()
    assert command == ["/somewhere/ziglang/zig", "c++"]
    assert helpers.is_zig(command)


def test_zig_stands_in_for_the_whole_toolchain(monkeypatch):
    for variable in ("CC", "AR"):
        monkeypatch.delenv(variable, raising=False)
    zig = ["/somewhere/ziglang/zig", "c++"]
    env = helper._environment(zig)
    assert env["CC"] == "/somewhere/ziglang/zig cc" and env["AR"] == "/somewhere/ziglang/zig ar"
    env = helper._environment([*zig, "-target", "x86_64-linux-gnu.2.17"])
    assert env["CC"].endswith("zig cc -target x86_64-linux-gnu.2.17")
    assert env["AR"] == "/somewhere/ziglang/zig ar"
    assert "CC" not in helper._environment(["/usr/bin/g++"])
    monkeypatch.setenv("CC", "mine")
    assert helper._environment(zig)["CC"] == "mine"


def test_cxx_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "ccache g++ -m64")
    assert helpers.cxx() == ["ccache", "g++", "-m64"]
    assert not helpers.is_zig(["/usr/bin/g++"])
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(helper.NoCompiler, match="no-such-compiler"):
        helper.build(tmp_path / "build")


def test_a_compiler_outside_of_path(monkeypatch):
    """zig's wheel is no folder of PATH, which may be empty."""
    monkeypatch.setenv("PATH", "")
    assert helpers.program(sys.executable) == sys.executable
    assert helpers.program("python3") is None


@pytest.mark.skipif(os.name == "nt", reason="Meson removes by `rm` on POSIX")
def test_archives_are_removed_without_coreutils(tmp_path):
    folder = helper._folder_with_rm()
    archive = tmp_path / "an archive.a"
    archive.touch()
    for _ in range(2):  # what is not there is no error
        command = [folder / "rm", "-f", archive]
        subprocess.run(command, env={"PATH": ""}, check=True)
        assert not archive.exists()


def test_no_sources(monkeypatch, tmp_path):
    monkeypatch.setattr(helper, "ROOT", tmp_path)
    with pytest.raises(helper.BuildError, match="no C\\+\\+ sources"):
        helper.build(tmp_path / "build")


def test_the_command_says_which_exit_code_means_no_compiler():
    env = {**os.environ, "CXX": "no-such-compiler"}
    done = subprocess.run(
        [sys.executable, "-m", "pyvm.build"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == setup().NO_CXX_COMPILER
    assert done.stderr.startswith("pyvm.build: CXX names") and done.stderr.count("\n") == 1


def test_an_unchanged_library_is_not_replaced(tmp_path):
    built, placed = tmp_path / "built.so", tmp_path / "placed.so"
    built.write_bytes(b"one")
    helper._place(built, placed)
    first = placed.stat()
    helper._place(built, placed)
    assert placed.stat().st_ino == first.st_ino
    built.write_bytes(b"two")
    helper._place(built, placed)
    assert placed.read_bytes() == b"two"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["built.so", "placed.so"]


def test_where_the_package_cannot_be_written_the_user_gets_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(helper, "PLACE", tmp_path / "engine")
    (tmp_path / "engine").mkdir()
    assert helper.place_here() == tmp_path / "engine"
    monkeypatch.setattr(helper.os, "access", lambda path, mode: False)
    assert helper.place_here() == users_folder()
    assert tmp_path / "cache" in users_folder().parents
    (tmp_path / "engine" / NAME).touch()
    with pytest.raises(helper.BuildError, match="is there already"):
        helper.place_here()


def setup():
    """tools/setup.py as a module."""
    spec = importlib.util.spec_from_file_location("setup_checkout", ROOT / "tools" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """tools/setup.py over an empty checkout, which notes what it would install and build."""
    module = setup()
    (tmp_path / "pyvm" / "engine").mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]")
    source = tmp_path / "lib" / "a.cpp"
    source.write_text("int a;")
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "STAMP": venv / "stamp.json",
        "PYTHON": venv / "python",
    }.items():
        monkeypatch.setattr(module, name, value)
    done: list[str] = []

    def make_venv():
        venv.mkdir(exist_ok=True)
        (venv / "python").touch()
        done.append("venv")

    def build_library():
        (tmp_path / "pyvm" / "engine" / module.LIBRARIES[0]).touch()
        done.append("library")

    monkeypatch.setattr(module, "make_venv", make_venv)
    monkeypatch.setattr(module, "build_library", build_library)
    monkeypatch.setattr(module, "pip_install", lambda what, *arguments: done.append(arguments[-1]))
    return module, done, source


def test_set_up_does_only_what_is_stale(checkout):
    module, done, source = checkout

    def set_up(*extras):
        done.clear()
        module.set_up(set(extras))
        return list(done)

    assert set_up("build") == ["venv", f"{module.ROOT}[build]", "library"]
    assert set_up("build") == []
    assert set_up("build", "test") == ["venv", f"{module.ROOT}[build,test]", "library"]
    assert set_up("build") == []  # more than enough
    source.write_text("int changed;")
    assert set_up("build") == ["library"]
    (module.ROOT / "pyvm" / "engine" / module.LIBRARIES[0]).unlink()
    assert set_up("build") == ["library"]
    (module.ROOT / "pyproject.toml").write_text("[project] # changed")
    assert set_up("build")[1] == f"{module.ROOT}[build,test]"  # nothing is taken away
    stamp = json.loads(module.STAMP.read_text())
    module.STAMP.write_text(json.dumps({**stamp, "root": "/elsewhere"}))  # the checkout was moved
    assert set_up("build")[:2] == ["venv", f"{module.ROOT}[build]"]
    module.STAMP.write_text("no json")
    assert set_up("build")[0] == "venv"


def test_what_failed_is_tried_again(checkout, monkeypatch):
    module, done, _ = checkout

    def fail():
        raise module.SetupError("no compiler")

    with monkeypatch.context() as patch:
        patch.setattr(module, "build_library", fail)
        with pytest.raises(module.SetupError):
            module.set_up({"build"})
    done.clear()
    module.set_up({"build"})
    assert done == ["library"]


@pytest.mark.parametrize(("command", "status"), [("run", 125), ("test", 1)])
def test_a_failed_set_up_is_no_status_of_the_program(monkeypatch, capfd, command, status):
    module = setup()

    def fail(extras):
        raise module.SetupError("no compiler")

    monkeypatch.setattr(module, "set_up", fail)
    monkeypatch.setattr(module.sys, "argv", ["setup.py", command, "hello"])
    assert module.main() == status
    assert capfd.readouterr() == ("", "setup: no compiler\n")


def test_a_c_compiler_is_installed_only_for_a_c_file(checkout, monkeypatch):
    module, _, _ = checkout
    monkeypatch.setattr(module, "program", lambda name: None)
    assert not module.needs_c_compiler(["sudoku", "--stats"])
    assert not module.needs_c_compiler(["file.wasm"])
    assert module.needs_c_compiler(["mine.c", "--input", "x"])
    monkeypatch.setattr(module, "program", lambda name: f"/bin/{name}")
    monkeypatch.setattr(module, "succeeds", lambda *command: (True, "wasm32"))
    assert not module.needs_c_compiler(["mine.c"])
    assert all(module.needs_c_compiler([f"mine{ending}"]) for ending in CPLUSPLUS)
    assert module.CPLUSPLUS == CPLUSPLUS


@pytest.mark.skipif(os.name == "nt", reason="POSIX sh")
@pytest.mark.parametrize("tool", ["run", "test"])
def test_an_old_python_is_refused_in_one_sentence(tmp_path, tool):
    (tmp_path / "python3").write_text(
        '#!/bin/sh\n[ "$1" = --version ] || exit 1\necho "Python 3.8.1"\n'
    )
    (tmp_path / "python3").chmod(0o755)
    for name in ("dirname", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [ROOT / "tools" / tool], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Python 3.10 or newer" in done.stderr and "3.8.1" in done.stderr
    assert done.stderr.count("\n") == 1
