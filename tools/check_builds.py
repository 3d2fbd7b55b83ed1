#!/usr/bin/env python3
"""Builds libtvm with and without OpenMP and BLAS, without warnings, and tests every build.

    python tools/check_builds.py [--sanitize] [--folder DIR]

Enters: this checkout; Meson and Ninja as modules of this Python or on PATH; a BLAS of the system,
or the scipy-openblas32 wheel.  Leaves: exit code 0 if every combination that this machine can build
passes the C++ tests and the Python tests of the layer path. A combination whose BLAS or OpenMP
is not installed is named and left out. --sanitize adds builds with ASan and UBSan, and with
TSan, which run the C++ tests. With --folder the libraries stay, for example for benchmarks with
BLAS: PYVM_LIBRARY=DIR/openmp-blas/lib/libtvm.so.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MISSING = ('Dependency "openmp" not found', "No BLAS with cblas_dgemm was found")
PYTHON_TESTS = ("tests/engine/test_layers.py", "tests/lib/test_tools.py")
LIBRARIES = ("libtvm.so", "libtvm.dylib", "tvm.dll")
SANITIZERS = {"asan-ubsan": "address,undefined", "tsan": "thread"}


class Failed(Exception):
    """What failed, and what it printed."""


class LeftOut(Exception):
    """Why this machine cannot build it."""


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        if missing := next((text for text in MISSING if text in done.stdout), None):
            raise LeftOut(missing)
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def meson_command() -> list[str]:
    found = shutil.which("meson", path=str(Path(sys.executable).parent)) or shutil.which("meson")
    return [found] if found else [sys.executable, "-m", "mesonbuild.mesonmain"]


def blas_of_the_wheel(folder: Path) -> dict[str, str]:
    """The environment in which Meson finds the BLAS of the scipy-openblas32 wheel, if installed."""
    if importlib.util.find_spec("scipy_openblas32") is None:
        return {}
    import scipy_openblas32

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scipy-openblas.pc").write_text(scipy_openblas32.get_pkg_config())
    known = [path] if (path := os.environ.get("PKG_CONFIG_PATH")) else []
    return {"PKG_CONFIG_PATH": os.pathsep.join([str(folder), *known])}


def check(folder: Path, options: list[str], environment: dict[str, str], python: bool) -> list[str]:
    """Builds and tests in `folder`, which may hold a build with other options; the summaries of the
    test runners."""
    meson = meson_command()
    beside = Path(sys.executable).parent / "ninja"
    if beside.exists():
        environment = {**environment, "NINJA": str(beside)}
    if (folder / "build.ninja").exists():
        run(*meson, "configure", folder, *options, **environment)
    else:
        run(*meson, "setup", "--wipe", folder, "-Dwerror=true", *options, **environment)
    run(*meson, "compile", "-C", folder, **environment)
    tested = run(*meson, "test", "-C", folder, "--no-rebuild", "--print-errorlogs", **environment)
    summary = re.findall(r"^(?:Ok|Fail): +\d+", tested, re.MULTILINE)
    if python:
        library = next(p for name in LIBRARIES if (p := folder / "lib" / name).exists())
        tested = run(sys.executable, "-m", "pytest", *PYTHON_TESTS, PYVM_LIBRARY=str(library))
        summary.append(tested.rstrip().splitlines()[-1])
    return summary


def keep(built: Path, folder: Path) -> None:
    """A copy of the library at the same depth: its path to the wheel's BLAS is a relative one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (built / "lib" / name for name in LIBRARIES):
        if path.exists():
            shutil.copy2(path, folder)


def builds(sanitize: bool) -> dict[str, list[str]]:
    """Name -> options of Meson."""
    chosen = {}
    for openmp, blas in product((True, False), repeat=2):
        name = "-".join([*["openmp"] * openmp, *["blas"] * blas]) or "neither"
        state = {True: "enabled", False: "disabled"}
        # The kernel is the same in each, and tools/test has it.
        features = {"openmp": state[openmp], "blas": state[blas], "kernel": "disabled"}
        chosen[name] = [f"-D{feature}={value}" for feature, value in features.items()]
    if sanitize:
        for name, which in SANITIZERS.items():
            kept = ["-Db_lundef=false", "-Doptimization=1", "-Ddebug=true"]
            chosen[name] = ["-Dblas=disabled", f"-Db_sanitize={which}", *kept]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sanitize", action="store_true", help="also build with sanitizers")
    parser.add_argument("--folder", type=Path, help="build here and keep it; default: temporary")
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        environment = blas_of_the_wheel(folder / "pkgconfig")
        for name, options in builds(given.sanitize).items():
            begin, summary = time.perf_counter(), []
            try:
                # Only what looks at OpenMP or BLAS is compiled again; sanitizers change everything.
                build = folder / (name if name in SANITIZERS else "build")
                summary = check(build, options, environment, python=name not in SANITIZERS)
                if name not in SANITIZERS:
                    keep(build, folder / name / "lib")
                outcome = "ok"
            except LeftOut as reason:
                outcome = f"left out: {reason}"
            except Failed as failure:
                outcome = f"FAILED: {failure}"
                failed = True
            print(f"{name}: {outcome} ({time.perf_counter() - begin:.0f} s)")
            print(*summary, sep="\n", end="\n" if summary else "", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
