"""memory.copy and memory.fill: by words, then by bytes.

Callers check the bounds.  A copy to a higher address runs from the end, so that overlapping ranges
come out as if the bytes had been read first.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, load, store


def _moved(names: str, amount: int) -> str:
    return lines(*(f"local.get {n}; i32.const {amount}; i32.add; local.set {n}" for n in names))


def _loop(name: str, next_loop: str, size: int, body: str) -> str:
    """Repeats `body` while n is at least `size`, which is 4 or 1."""
    enough = f"local.get n; i32.const {size}; i32.lt_u" if size > 1 else "local.get n; i32.eqz"
    return lines(f"{name}:", enough, f"br_if {next_loop}", body, f"br {name}")


def _copy() -> Routine:
    text = lines("local.set n; local.set s; local.set d")
    text += lines("local.get s; local.get d; i32.lt_u; br_if backward")
    for size, name, following in ((4, "up4", "up1"), (1, "up1", "done")):
        suffix = ("8_u", "8") if size == 1 else ("", "")
        move = f"local.get d; local.get s; i32.load{suffix[0]}; i32.store{suffix[1]}"
        text += _loop(name, following, size, move + "\n" + _moved("ds", size) + _moved("n", -size))
    text += lines("backward: ; local.get d; local.get n; i32.add; local.set d")
    text += lines("local.get s; local.get n; i32.add; local.set s")
    for size, name, following in ((4, "down4", "down1"), (1, "down1", "done")):
        suffix = ("8_u", "8") if size == 1 else ("", "")
        move = f"local.get d; local.get s; i32.load{suffix[0]}; i32.store{suffix[1]}"
        text += _loop(name, following, size, _moved("dsn", -size) + move)
    return Routine(text + lines("done:; return"))


def _fill() -> Routine:
    text = lines("local.set n; local.set v; local.set d")
    text += "".join(store(f"CELL+{i}", "local.get v", "i32.store8") for i in range(4))
    text += load("CELL") + lines("local.set v")
    for size, name, following in ((4, "words", "bytes"), (1, "bytes", "done")):
        move = f"local.get d; local.get v; i32.store{'' if size == 4 else '8'}"
        text += _loop(name, following, size, move + "\n" + _moved("d", size) + _moved("n", -size))
    return Routine(text + lines("done:; return"))


ROUTINES = {"memory.copy": _copy, "memory.fill": _fill}
