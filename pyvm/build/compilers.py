"""Finds a C++ compiler.

Enters: the environment variable CXX, PATH, the ziglang wheel.  Leaves: the words of a command.
"""

from __future__ import annotations

import os
import shlex

from pyvm import helpers

NAMES = ("c++", "g++", "clang++", "icpx", "cl")  # in the order of preference


def find_cxx() -> list[str] | None:
    """CXX when set, else the first compiler on PATH, else the ziglang wheel, else None."""
    chosen = os.environ.get("CXX")
    if chosen:
        return shlex.split(chosen)
    for name in NAMES:
        if path := helpers.program(name):
            return [path]
    zig = helpers.zig()
    return [zig, "c++"] if zig else None


def is_zig(command: list[str]) -> bool:
    return os.path.basename(command[0]).startswith("zig") or "ziglang" in command
