"""pyvm.build.wheel_hook: the two kinds of wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pyvm
from pyvm.commands import share
from pyvm.engine.library import library_path

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("hatchling")


def build_wheel(folder: Path, kind: str) -> Path:
    env = {**os.environ, "PYVM_WHEEL": kind}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=env, capture_output=True)
    (wheel,) = folder.iterdir()
    return wheel


def test_the_default_wheel_is_pure_and_complete(tmp_path):
    wheel = build_wheel(tmp_path, "")
    assert wheel.name.startswith("libtvm-") and wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith((".so", ".dylib", ".dll"))]
    assert {"pyvm/schedule/standard.json", "pyvm/bundled/hello.wasm"} <= set(names)
    assert "pyvm/compiler/runtime/pyvm.h" in names and "pyvm/cli.py" in names
    assert "pyvm/py.typed" in names
    sources = {"meson.build", "meson.options", "lib/meson.build", "lib/tvm.h", "lib/plan/plan.cpp"}
    assert {f"pyvm/sources/{name}" for name in sources} <= set(names)
    (scripts,) = (name for name in names if name.endswith("/entry_points.txt"))
    data = f"libtvm-{pyvm.__version__}.data/data/share/"
    for name in ("man/man1/pyvm.1", "bash-completion/completions/pyvm"):
        assert zipfile.ZipFile(wheel).read(data + name) == share.files()["share/" + name].encode()
    assert {data + "zsh/site-functions/_pyvm"} < set(names)
    assert {data + "fish/vendor_completions.d/pyvm.fish"} < set(names)
    assert b"pyvm = pyvm.cli:main" in zipfile.ZipFile(wheel).read(scripts)


def test_the_package_page_has_no_link_that_leads_nowhere(tmp_path):
    """What a package page shows is in the metadata; README's own links are beside README."""
    archive = zipfile.ZipFile(build_wheel(tmp_path, ""))
    (name,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
    page = archive.read(name).decode().partition("\n\n")[2]
    assert page.startswith("# libtvm and pyvm")
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert not [link for link in links if not link.startswith("https://")]
    for file in re.findall(r"\(`([\w./]+)`\)", page):
        assert (ROOT / file).exists(), file


def test_nothing_sends_people_to_the_other_project_called_pyvm():
    """On the public index, `pyvm` is not this: no `pip install` may name it."""
    files = [ROOT / "README.md", ROOT / "pyproject.toml"]
    for folder in ("pyvm", "tools"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    wrong = re.compile(r"pip install [\'\"]*pyvm\b")
    found = [path.name for path in files if wrong.search(path.read_text(encoding="utf-8"))]
    assert not found


@pytest.mark.skipif(library_path().parent != ROOT / "pyvm/engine", reason="libtvm is not placed")
def test_a_platform_wheel_has_the_library(tmp_path):
    wheel = build_wheel(tmp_path, "pyvm/engine")
    assert wheel.name.startswith("libtvm-") and not wheel.name.endswith("-any.whl")
    assert "-py3-none-" in wheel.name
    inside = zipfile.ZipFile(wheel).read(f"pyvm/engine/{library_path().name}")
    assert inside == library_path().read_bytes()
