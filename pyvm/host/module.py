"""The host module: host.c as WebAssembly.

Enters: host.wasm, which `python -m pyvm.host` makes.  Leaves: the decoded module.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pyvm.wasm.decode import decode
from pyvm.wasm.module import Module

SOURCE = Path(__file__).with_name("host.c")
BINARY = SOURCE.with_suffix(".wasm")
# Its area begins with `struct state`: 256 descriptors of sixteen bytes, and two numbers of eight.
STATE_BYTES = 256 * 16 + 2 * 8


@lru_cache(maxsize=1)
def host_module() -> Module:
    return decode(BINARY.read_bytes())
