"""The C library as its users have it: installed, found by pkg-config, used by the examples.

They compile without a warning and print what lib/README.md says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyvm

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "lib" / "README.md").read_text(encoding="utf-8")
NAMES = {"c": ("CC", "cc", "gcc", "clang"), "cpp": ("CXX", "c++", "g++", "clang++")}
STANDARD = {"c": "-std=c11", "cpp": "-std=c++20"}


def compiler(language: str) -> list[str]:
    variable, *names = NAMES[language]
    if given := os.environ.get(variable):
        return shlex.split(given)
    found = next(filter(None, map(shutil.which, names)), None)
    return [found] if found else pytest.skip(f"there is no compiler: {', '.join(names)}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder of the library, as `meson install` puts it down from the build folder."""
    if not (ROOT / "build" / "build.ninja").exists() or shutil.which("pkg-config") is None:
        pytest.skip("there is no build folder, or no pkg-config")
    folder = tmp_path_factory.mktemp("installed")
    meson = [sys.executable, "-m", "mesonbuild.mesonmain", "install", "-C", ROOT / "build"]
    subprocess.run([*meson, "--destdir", folder, "--no-rebuild", "--quiet"], check=True)
    (description,) = folder.rglob("tvm.pc")
    return description.parents[1]


def flags(installed: Path, *options: str) -> list[str]:
    """What pkg-config says; the prefix is where the library lies now."""
    description = installed / "pkgconfig" / "tvm.pc"
    prefix = description.read_text(encoding="utf-8").splitlines()[0].removeprefix("prefix=")
    place = next(p for p in installed.parents if (p / "include" / "tvm.h").exists())
    assert str(place).endswith(prefix)
    said = subprocess.run(
        ["pkg-config", f"--define-variable=prefix={place}", *options, "tvm"],
        env={**os.environ, "PKG_CONFIG_PATH": str(description.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return shlex.split(said.stdout)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_the_examples_run(language: str, installed: Path, tmp_path: Path, model_path: Path):
    source, program = ROOT / "lib" / "examples" / f"run.{language}", tmp_path / "run"
    warnings = ["-Wall", "-Wextra", "-Werror", "-pedantic", STANDARD[language]]
    subprocess.run(
        [
            *compiler(language),
            *warnings,
            source,
            "-o",
            program,
            *flags(installed, "--cflags", "--libs"),
        ]
        + [f"-Wl,-rpath,{installed}"],
        check=True,
    )
    tokens = tmp_path / "sudoku.txt"
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("{ nonsense", encoding="utf-8")
    tokens.write_text(pyvm.compile("sudoku").text(), encoding="utf-8")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], capture_output=True, text=True)

    done = run(model_path, tokens)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.sub(r"\d+ tokens", "N tokens", done.stdout) in re.sub(r"\d+ tokens", "N tokens", PAGE)
    for arguments, status, message in (
        ((model_path,), 2, "usage: run MODEL PROGRAM"),
        (("none", tokens), 1, "none: "),
        ((model_path, "none"), 1, "none: "),
        ((model_path, wrong), 1, "nonsense is no token of the model"),
    ):
        failed = run(*arguments)
        assert (failed.returncode, failed.stdout) == (status, "") and message in failed.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks at an ELF file")
def test_the_library_shows_its_abi_alone(installed: Path):
    """A versioned name, and no symbols but those of tvm.h."""
    if shutil.which("readelf") is None:
        pytest.skip("there is no readelf")
    said = subprocess.run(
        ["readelf", "--wide", "--dyn-syms", "--dynamic", installed / "libtvm.so"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    header = (ROOT / "lib" / "tvm.h").read_text(encoding="utf-8")
    (version,) = [
        line.split()[2]
        for line in header.splitlines()
        if line.startswith("#define TVM_ABI_VERSION")
    ]
    assert f"Library soname: [libtvm.so.{version}]" in said
    shown = {
        line.split()[7].split("@")[0]
        for line in said.splitlines()
        if " GLOBAL " in line and " UND " not in line
    }
    assert shown and all(name.startswith("tvm_") and f"{name}(" in header for name in shown)
