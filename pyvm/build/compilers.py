"""Finds a C++ compiler.

Enters: the environment variable CXX, PATH, the ziglang wheel.  Leaves: the words of a command.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys

NAMES = ("c++", "g++", "clang++", "icpx", "cl")  # in the order of preference


def ziglang_installed() -> bool:
    return importlib.util.find_spec("ziglang") is not None


def find_cxx() -> list[str] | None:
    """CXX when set, else the first compiler on PATH, else the ziglang wheel, else None."""
    chosen = os.environ.get("CXX")
    if chosen:
        return shlex.split(chosen)
    for name in NAMES:
        if path := shutil.which(name):
            return [path]
    if ziglang_installed():
        return [sys.executable, "-m", "ziglang", "c++"]
    return None


def is_zig(command: list[str]) -> bool:
    return "ziglang" in command or os.path.basename(command[0]).startswith("zig")
