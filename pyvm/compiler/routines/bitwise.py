"""and, or, xor of two variables.

A byte is the sum of its even bits and its odd bits (the latter moved down by one).  Adding the even
bits of two bytes leaves a two-bit digit 0, 1 or 2 at each even place without carry into the next,
and the digit is 2
exactly where both bits were one: a table of 171 entries turns the sum into the bitwise and.

or = a + b - and, xor = a + b - 2 and, on whole words.  The and of a small and a large number needs
the small one's bytes only.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, load, store


def _conjunction(shift: int) -> bytes:
    table = bytearray(0xAA + 1)
    for a in range(256):
        for b in range(256):
            table[(a & 0x55) + (b & 0x55)] = (a & b & 0x55) << shift
    return bytes(table)


TABLES = {
    "EVEN": bytes(value & 0x55 for value in range(256)),
    "ODD": bytes(value >> 1 & 0x55 for value in range(256)),
    "AND_EVEN": _conjunction(0),
    "AND_ODD": _conjunction(1),
}


def _byte(i: int) -> str:
    """Pushes byte i of a & b, from the cells A and B."""
    half = "i32.const 0; i32.load8_u A+{i}; i32.load8_u {half}; i32.const 0; i32.load8_u B+{i}; "
    half += "i32.load8_u {half}; i32.add; i32.load8_u AND_{half}"
    return lines(half.format(i=i, half="EVEN"), half.format(i=i, half="ODD"), "i32.add")


_FINISH = {
    "and": "",
    "or": "i32.sub\n",
    "xor": "local.tee r\ni32.sub\nlocal.get r\ni32.sub\n",
}


def _routine(name: str) -> Routine:
    end = _FINISH[name] + "return\n"
    both = "local.get a\nlocal.get b\ni32.add\n" if name != "and" else ""
    text = lines("local.set b; local.set a") + both
    for value in "ab":
        text += lines(f"local.get {value}; i32.const 0x10000; i32.lt_u; br_if small")
    text += store("A", "local.get a") + store("B", "local.get b")
    for i in range(4):
        text += store(f"R+{i}", _byte(i), "i32.store8")
    text += load("R") + end
    text += "small:\n"
    for value in "ab":
        text += lines(f"local.get {value}; i32.const 0x100; i32.lt_u; br_if byte")
    text += store("A", "local.get a", "i32.store16") + store("B", "local.get b", "i32.store16")
    text += store("R", _byte(0), "i32.store8") + store("R+1", _byte(1), "i32.store8")
    text += load("R", "i32.load16_u") + end
    text += "byte:\n"
    text += store("A", "local.get a", "i32.store8") + store("B", "local.get b", "i32.store8")
    text += _byte(0) + end
    return Routine(text, TABLES)


ROUTINES = {f"i32.{name}": (lambda name=name: _routine(name)) for name in _FINISH}
