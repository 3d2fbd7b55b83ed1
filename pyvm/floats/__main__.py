"""Compiles the library of floats again: run it after a change of floats.c."""

from pyvm.floats.build import compiled
from pyvm.floats.module import BINARY

BINARY.write_bytes(compiled())
print(f"{BINARY.name}: {BINARY.stat().st_size} bytes")
