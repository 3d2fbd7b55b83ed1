"""What pyvm starts is never a file of the current folder, and names never become options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyvm import helpers
from pyvm.compiler.c_to_wasm import compiler_command
from pyvm.isa.errors import CompilerNotFound

ROOT = Path(__file__).resolve().parents[2]
PYVM = Path(sys.executable).with_name("pyvm")
C = "void compute(const char *input) { putchar('A'); }\n"
MODULES = (
    "ziglang", "mesonbuild", "meson", "ninja", "numpy", "json", "pip", "venv", "virtualenv",
    "runpy", "pyvm", "highspy", "site", "sitecustomize", "ctypes", "subprocess", "meson.build",
)  # fmt: skip
COMMANDS = (
    "clang", "clang-14", "wasm-ld", "c++", "g++", "clang++", "ninja", "zig", "python3", "ar", "ld",
    "cc", "meson", "pkg-config",
)  # fmt: skip

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts and PATH of POSIX")


@pytest.fixture
def hostile(tmp_path) -> Path:
    """A folder with files called like all that could be started: each would leave a mark."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in MODULES:
        text = f"open({str(tmp_path / 'ran')!r}, 'a').write(__file__ + '\\n')\n"
        (folder / f"{name}.py").write_text(text)
    for name in ("ziglang", "mesonbuild"):  # packages come before modules
        (folder / name).mkdir()
        for part in ("__init__", "__main__", "mesonmain"):
            (folder / name / f"{part}.py").write_text(text)
    for name in COMMANDS:
        script = folder / name
        script.write_text(f"#!/bin/sh\necho $0 >> {tmp_path / 'ran'}\nexit 1\n")
        script.chmod(0o755)
    (folder / "ziglang" / "zig").write_text((folder / "zig").read_text())
    (folder / "ziglang" / "zig").chmod(0o755)
    (folder / "a.c").write_text(C)
    return folder


def start(folder: Path, *command: str | Path, **changed: str) -> subprocess.CompletedProcess[str]:
    path = f":.:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, **changed}
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, errors="replace", timeout=300
    )
    ran = folder.parent / "ran"
    assert not ran.exists(), ran.read_text()
    return done


def needs_a_compiler() -> None:
    try:
        compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))


def needs_the_command() -> None:
    if not PYVM.exists():
        pytest.skip("the command pyvm is not installed")


def test_compiling_c_runs_nothing_of_the_folder(hostile):
    needs_a_compiler()
    needs_the_command()
    done = start(hostile, PYVM, "run", "a.c")
    assert (done.returncode, done.stdout) == (0, "A"), done.stderr


def test_looking_for_clang_runs_nothing_of_the_folder(hostile):
    code = (
        "from pyvm import helpers; helpers.zig = lambda: None; "
        "from pyvm.compiler import c_to_wasm; print(c_to_wasm.compiler_command())"
    )
    start(hostile, sys.executable, "-I", "-c", code)


@pytest.mark.parametrize("command", [("doctor",), ("run", "hello"), ("model", "info")])
def test_commands_run_nothing_of_the_folder(hostile, command):
    needs_the_command()
    done = start(hostile, PYVM, *command)
    assert done.returncode == 0, done.stderr


def test_configuring_a_build_runs_nothing_of_the_folder(hostile, tmp_path):
    """As `python -m pyvm.build` does, with the start of Ninja replaced: building takes long."""
    if helpers.package_folder("mesonbuild") is None:
        pytest.skip("Meson is not installed")
    code = (
        "import os, sys; sys.path[:] = [p for p in sys.path if p]; "
        "from pathlib import Path; from pyvm.build import helper\n"
        "compiler = helper.helpers.cxx(); env = helper._environment(compiler)\n"
        f"helper._configure(Path({str(tmp_path / 'build')!r}), [], compiler, env, True, print)\n"
        "helper._run([env['NINJA'], '--version'], env, False, 'no Ninja')\n"
    )
    done = start(hostile, sys.executable, "-c", code, CXX="")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "build" / "build.ninja").is_file()


@pytest.mark.parametrize("module", ["pip", "venv"])
def test_setting_up_runs_nothing_of_the_folder(hostile, module):
    """tools/setup.py starts every helper as `succeeds` does."""
    code = (
        f"import sys; sys.path[:] = [p for p in sys.path if p]; sys.path.insert(0, {str(ROOT)!r} + "
        "'/tools'); import setup; "
        f"print(setup.succeeds(sys.executable, '-m', {module!r}, '--help')[0], "
        "setup.program('zig'), setup.needs_c_compiler(['a.c']))"
    )
    done = start(hostile, sys.executable, "-c", code)
    assert done.stdout.startswith("True"), done.stderr


def test_a_module_is_started_without_the_folder(hostile):
    done = start(hostile, *helpers.module_command("json.tool"), "--help")
    assert done.returncode == 0 and "usage" in done.stdout


@pytest.mark.parametrize(
    "name", ["-x.c", "--version.c", "@options.c", "a b.c", "a,b.c", b"\xff\xfe.c", "ä'$(x).c"]
)
def test_a_name_is_never_an_option(tmp_path, name):
    needs_a_compiler()
    raw = os.fsencode(name)
    (tmp_path / "options.c").write_text("-nonsense")
    with open(os.fsencode(tmp_path) + b"/" + raw, "w") as file:
        file.write(C)
    code = (
        "import sys; from pyvm.compiler.compile import compile_file; "
        "print(len(compile_file(sys.argv[1]).code))"
    )
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-c", code.encode(), raw],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0 and int(done.stdout) > 1, done.stderr
    assert done.stderr == b""


@pytest.mark.parametrize("name", ["new\nline.c", "a\\b.c", "a:b.c", 'a"b.c', "\x1b[2J.c"])
def test_a_name_that_the_compiler_cannot_read_is_refused(tmp_path, name):
    (tmp_path / name).write_text(C)
    command = [sys.executable, "-m", "pyvm.cli", "compile", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode not in (0, 2) and done.stdout == ""
    assert "cannot be compiled: the name of a C file has no control" in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr[:-1].isprintable(), done.stderr


@pytest.mark.parametrize(
    "entry", ["a,--help", "a,-o,stolen", "a b", "-x", "@options", "", "a\nb", "compute,b"]
)
def test_an_entry_is_never_an_option(tmp_path, entry):
    needs_a_compiler()
    (tmp_path / "a.c").write_text(C)
    (tmp_path / "options").write_text("--help")
    command = [sys.executable, "-m", "pyvm.cli", "compile", "a.c", f"--entry={entry}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode not in (0, 2) and done.stdout == ""
    assert "export" in done.stderr and done.stderr.startswith("pyvm: "), done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.c", "options"]


def test_an_entry_that_c_cannot_spell_is_found_by_its_export_name(tmp_path):
    needs_a_compiler()
    source = '__attribute__((export_name("a,b"))) int f(void) { return 7; }\n'
    (tmp_path / "a.c").write_text(source)
    command = [sys.executable, "-m", "pyvm.cli", "run", "a.c", "--entry", "a,b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "7\n", done.stderr
