"""memory.grow: the memory's size is a machine global; growing changes it, memory itself is always
there.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, store


def _grow(pages: int, limit: int, maximum: int) -> Routine:
    """`pages`, `limit`: machine globals with the size in pages and in bytes; `maximum` in pages."""
    text = lines(
        f"local.set n; i32.const {maximum}; global.get {pages}; local.tee old; i32.sub",
        "local.get n; i32.lt_u; br_if refused",
        f"local.get old; local.get n; i32.add; local.tee new; global.set {pages}",
    )
    text += store("WINDOW", "local.get new")
    text += lines(f"i32.const 0; i32.load WINDOW-2; global.set {limit}; local.get old; return")
    return Routine(text + lines("refused:; i32.const -1; return"))


ROUTINES = {"memory.grow": _grow}
