"""Kernels compiled: the plan's tapes as native code, from C++ source to a shared object.

Enters: source files as lib/kernel writes them.  Leaves: the bytes of a shared object.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyvm import helpers
from pyvm.build.helper import ROOT, BuildError, NoCompiler
from pyvm.notes import note

# lib/kernel/README.md says why.
_FLAGS = "-std=c++20 -O2 -fPIC -fwrapv -fvisibility=hidden -fno-exceptions".split()


def compile_kernel(sources: Mapping[str, str]) -> bytes:
    """The shared object; NoCompiler, or BuildError with the compiler's words on stderr."""
    headers = ROOT / "lib"
    if not (headers / "kernel" / "runtime.hpp").is_file():
        raise BuildError(
            f"{ROOT} has no C++ sources (no lib/kernel), which kernels are compiled with"
        )
    compiler = helpers.cxx()
    if compiler is None or helpers.program(compiler[0]) is None:
        raise NoCompiler("no C++ compiler: install g++ or clang++, or name yours in CXX")
    with tempfile.TemporaryDirectory(prefix="pyvm-kernel-") as name:
        folder = Path(name)
        for file, text in sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        units = sorted(file for file in sources if file.endswith(".cpp"))

        def compile_unit(unit: str) -> str:
            made = f"{unit.removesuffix('.cpp')}.o"
            _run([*compiler, *_FLAGS, f"-I{headers}", "-c", unit, "-o", made], folder)
            return made

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            objects = list(pool.map(compile_unit, units))
        _run([*compiler, "-shared", *objects, "-o", "kernel.so"], folder)
        return (folder / "kernel.so").read_bytes()


def _run(command: list[str], folder: Path) -> None:
    note(f"compiler: {' '.join(command)}")
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise BuildError("the C++ compiler could not compile the kernel (its own words are above)")
