"""clz, ctz and popcnt."""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, store


def _clz() -> Routine:
    """Binary search by comparisons: the answer is a constant at each leaf."""
    text = "local.set x\n"

    def search(low: int, high: int) -> str:
        """Code for a number of `low` to `high` significant bits."""
        if low == high:
            return lines(f"i32.const {32 - low}; return")
        middle = (low + high) // 2  # at most middle bits?
        less = f"at_most_{middle}"
        code = lines(f"local.get x; i32.const {1 << middle}; i32.lt_u; br_if {less}")
        return code + search(middle + 1, high) + f"{less}:\n" + search(low, middle)

    return Routine(text + search(0, 32))


def _ctz() -> Routine:
    """The table has ctz + 1 of a byte, and 0 for the byte 0, which sends the search on to the next
    byte.
    """
    text = lines("local.set x") + store("CELL", "local.get x")
    for i in range(4):
        text += lines(
            f"i32.const 0; i32.load8_u CELL+{i}; i32.load8_u CTZ; local.tee r; br_if byte{i}"
        )
    text += lines("i32.const 32; return")
    for i in range(4):
        text += lines(f"byte{i}:; local.get r; i32.const {8 * i - 1}; i32.add; return")
    table = bytes((value & -value).bit_length() for value in range(256))
    return Routine(text, {"CTZ": table})


def _popcnt() -> Routine:
    text = lines("local.set x") + store("CELL", "local.get x")
    for i in range(4):
        text += lines(f"i32.const 0; i32.load8_u CELL+{i}; i32.load8_u POPCNT")
    text += lines("i32.add; i32.add; i32.add; return")
    return Routine(text, {"POPCNT": bytes(bin(value).count("1") for value in range(256))})


ROUTINES = {"i32.clz": _clz, "i32.ctz": _ctz, "i32.popcnt": _popcnt}
