#!/usr/bin/env python3
"""Builds libtvm with and without OpenMP and BLAS, without warnings, and passes all its tests.

    python tools/check_builds.py [--sanitize] [--folder DIR]

Enters: this checkout; Meson and Ninja as modules of this Python or on PATH.  Leaves: exit code 0 if
every combination that this machine can build passes. A combination whose BLAS or OpenMP is not
installed is named and left out. --sanitize adds a build with ASan and UBSan.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MISSING = ('Dependency "openmp" not found', "No BLAS with cblas_dgemm was found")


def meson(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which("meson", path=str(Path(sys.executable).parent)) or shutil.which("meson")
    command = [found] if found else [sys.executable, "-m", "mesonbuild.mesonmain"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def check(folder: Path, options: list[str]) -> str:
    """Builds and tests in `folder`; returns what happened, "" when all is well."""
    done = meson("setup", folder, "-Dwerror=true", *options)
    if done.returncode:
        if missing := next((text for text in MISSING if text in done.stdout), None):
            return f"left out: {missing}"
        return f"FAILED: meson setup\n{done.stdout}"
    done = meson("compile", "-C", folder)
    if done.returncode:
        return f"FAILED: compile\n{done.stdout}"
    done = meson("test", "-C", folder, "--print-errorlogs")
    return f"FAILED: test\n{done.stdout}" if done.returncode else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sanitize", action="store_true", help="also build with ASan and UBSan")
    parser.add_argument("--folder", type=Path, help="build here and keep it; default: temporary")
    given = parser.parse_args()
    builds = {
        f"openmp {openmp}, blas {blas}": [f"-Dopenmp={openmp}", f"-Dblas={blas}"]
        for openmp, blas in product(("enabled", "disabled"), repeat=2)
    }
    if given.sanitize:
        builds["sanitizers"] = [
            "-Dopenmp=disabled",
            "-Db_sanitize=address,undefined",
            "-Db_lundef=false",
            "-Dbuildtype=debugoptimized",
        ]
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for index, (name, options) in enumerate(builds.items()):
            outcome = check(folder / str(index), options)
            failed = failed or outcome.startswith("FAILED")
            print(f"{name}: {outcome or 'ok'}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
