"""The same sources give the same bytes, wherever and whenever they are made, and whatever Python's
hashes are: models, the tokens of bundled programs, the wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = """
import hashlib, pyvm
from pyvm.bundled import PROGRAMS
from pyvm.engine.standard import machine_bytes
for machine in ("base", "standard"):
    print(hashlib.sha256(machine_bytes(machine)).hexdigest())
for name in PROGRAMS:
    print(hashlib.sha256(pyvm.compile(name).text().encode()).hexdigest())
"""


def test_models_and_programs_do_not_depend_on_the_process(tmp_path):
    made = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYVM_CACHE": str(tmp_path / seed)}
        command = [sys.executable, "-c", MADE]
        made.add(subprocess.run(command, check=True, env=env, capture_output=True).stdout)
    (lines,) = made
    assert len(lines.split()) > 6


def test_the_wheel_does_not_depend_on_the_folder_or_the_time(tmp_path):
    pytest.importorskip("hatchling")
    made = set()
    for name, year in (("a", 2001), ("another folder", 2021)):
        source = tmp_path / name
        ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.dylib", "*.dll")
        shutil.copytree(ROOT / "pyvm", source / "pyvm", ignore=ignored)
        shutil.copytree(ROOT / "lib", source / "lib", ignore=ignored)
        for file in (
            *ROOT.glob("*.md"),
            *ROOT.glob("meson*"),
            ROOT / "pyproject.toml",
            ROOT / "LICENSE",
        ):
            shutil.copy(file, source)
        for file in source.rglob("*"):
            os.utime(file, (year * 31_556_952 - 62_167_219_200,) * 2)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
        subprocess.run(
            command,
            check=True,
            cwd=source,
            capture_output=True,
            env={**os.environ, "PYVM_WHEEL": ""},
        )
        (wheel,) = (source / "out").iterdir()
        made.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(made) == 1
