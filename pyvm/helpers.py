"""Finds the programs and modules of others that pyvm starts, and never in the current folder.

Enters: names, PATH, sys.path, CXX.  Leaves: absolute paths, and the environment to start them in.

People run pyvm in folders whose files they have from elsewhere: a file there that is called like a
compiler or like a Python module must not run because of its name.  So empty and relative entries of
PATH and sys.path are left out of every search, and of sys.path also the current folder, which
Python itself puts there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib.machinery import PathFinder
from pathlib import Path

# Starts a module with what follows as its arguments.  `python -m` would look in the current folder
# first, and `python -I` would not see what was installed with `pip install --user`.
_START = (
    "import os, sys; "
    "sys.path[:] = [p for p in sys.path if os.path.isabs(p) and p != os.getcwd()]; "
    "import runpy; runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


_CXX = ("c++", "g++", "clang++", "icpx", "cl")  # in the order of preference


def program(name: str) -> str | None:
    """The absolute path of an executable on PATH, which may be empty, or of an absolute path."""
    folders = _path()
    return shutil.which(name, path=folders) if folders or os.path.isabs(name) else None


def environment() -> dict[str, str]:
    """This process's environment; what is started finds its own helpers in the same way."""
    return {**os.environ, "PATH": _path()}


def package_folder(name: str) -> Path | None:
    """Where an installed package lies; it is not imported."""
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        here = ""
    folders = [folder for folder in sys.path if os.path.isabs(folder) and folder != here]
    found = PathFinder.find_spec(name, folders)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    return Path(places[0]) if found is not None and found.origin and places else None


def module_command(name: str) -> list[str]:
    """The words that start an installed module, before its arguments."""
    return [sys.executable, "-c", _START, name]


def zig() -> str | None:
    """The compiler in the ziglang wheel."""
    folder = package_folder("ziglang")
    if folder is None:
        return None
    path = folder / ("zig.exe" if os.name == "nt" else "zig")
    return str(path) if path.is_file() else None


def ninja() -> str | None:
    """The one of the wheel, beside Python, or one on PATH."""
    beside = Path(sys.executable).parent / ("ninja.exe" if os.name == "nt" else "ninja")
    return str(beside) if beside.exists() else program("ninja")


def cxx() -> list[str] | None:
    """The C++ compiler: CXX when set, else the first on PATH, else zig, else None."""
    if chosen := os.environ.get("CXX"):
        return shlex.split(chosen)
    if path := next(filter(None, map(program, _CXX)), None):
        return [path]
    return None if (found := zig()) is None else [found, "c++"]


def is_zig(command: list[str]) -> bool:
    return os.path.basename(command[0]).startswith("zig") or "ziglang" in command


def _path() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, folders))
