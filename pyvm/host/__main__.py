"""Compiles the host module again: run it after a change of host.c."""

from pyvm.host.build import compiled
from pyvm.host.module import BINARY

BINARY.write_bytes(compiled())
print(f"{BINARY.name}: {BINARY.stat().st_size} bytes")
