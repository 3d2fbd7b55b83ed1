"""floats.c -> floats.wasm, with zig's C compiler.

Enters: floats.c.  Leaves: the bytes of the module, which are the same everywhere.
"""

from __future__ import annotations

from pyvm.floats.module import SOURCE
from pyvm.host import build


def compiled() -> bytes:
    """The module's bytes.  Here few executed instructions count, not few that are there."""
    return build.compiled(SOURCE, ("-O2",))
