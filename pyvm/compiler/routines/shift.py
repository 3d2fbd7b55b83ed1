"""Shifts and rotations by a variable count.

Whole bytes are moved by reading a word at another address than it was written to.  The other 0 to 7
bits
are doublings: to the left as they are; to the right, x >> k = (x << 8 - k) >> 8, with the top byte,
whose bits would be lost, doubled on its own.  Tables indexed by the count 0..31 say how many.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, load, store

# LEFT_n: the doublings of n bits are *not* wanted for this count (then a branch is taken over
# them).
_TABLES = {
    "BYTES": bytes(count // 8 for count in range(32)),
    "BYTES_DOWN": bytes(3 - count // 8 for count in range(32)),
    **{f"SKIP{bit}": bytes(not count & bit for count in range(32)) for bit in (1, 2, 4)},
    # doublings of a shift to the right: 8 - k, of which k = 0 is handled before
    **{f"SKIP_RIGHT{bit}": bytes(not -count & bit for count in range(32)) for bit in (1, 2, 4)},
    "WHOLE": bytes(count % 8 == 0 for count in range(32)),
}


def _operands() -> str:
    """Pops the count (modulo 32) into n and the number into x."""
    return lines(
        "local.set n; local.set x; local.get n; i32.const 32; i32.lt_u; br_if counted",
        "i32.const 0; local.get n; i32.store8 CELL; i32.const 0; i32.load8_u CELL; local.set n",
        *(
            f"local.get n; i32.const {step}; i32.lt_u; br_if below{step}; "
            f"local.get n; i32.const {-step}; i32.add; local.set n; below{step}:"
            for step in (128, 64, 32)
        ),
        "counted:",
    )


def _double_top(table: str) -> str:
    """Doubles the top of the stack as often as the tables say."""
    text = ""
    for bit in (4, 2, 1):
        text += lines(f"local.get n; i32.load8_u {table}{bit}; br_if done{bit}")
        text += "local.tee x\nlocal.get x\ni32.add\n" * bit
        text += f"done{bit}:\n"
    return text


def _double_both(table: str) -> str:
    """Doubles the locals y and t as often as the tables say."""
    text = ""
    for bit in (4, 2, 1):
        text += lines(f"local.get n; i32.load8_u {table}{bit}; br_if done{bit}")
        for value in "yt":
            text += f"local.get {value}\n" + "local.tee x\nlocal.get x\ni32.add\n" * bit
            text += f"local.set {value}\n"
        text += f"done{bit}:\n"
    return text


def _shl() -> Routine:
    text = _operands() + store("WINDOW", "local.get x")
    text += lines("local.get n; i32.load8_u BYTES_DOWN; i32.load WINDOW-3")
    return Routine(text + _double_top("SKIP") + "return\n", _TABLES)


def _shr_u() -> Routine:
    text = _operands() + store("WINDOW", "local.get x")
    text += lines("local.get n; i32.load8_u BYTES; local.tee b; i32.load WINDOW; local.tee y")
    text += lines("local.get n; i32.load8_u WHOLE; br_if whole; local.set y")
    text += lines("local.get b; i32.load8_u WINDOW+3; local.set t") + _merge()
    return Routine(text, _TABLES)


def _merge() -> str:
    """y >> n % 8, with t the (signed) top byte of y; returns."""
    text = _double_both("SKIP_RIGHT")
    text += store("MERGE+2", "local.get t") + store("MERGE-1", "local.get y") + load("MERGE")
    return text + "return\nwhole:\nreturn\n"


def _shr_s() -> Routine:
    text = _operands() + store("SIGNED", "local.get x")
    text += store("SIGNED+4", "i32.const 0; local.get x; i32.const 0; i32.lt_s; i32.sub")
    text += lines("local.get n; i32.load8_u BYTES; local.tee b; i32.load SIGNED; local.tee y")
    text += lines("local.get n; i32.load8_u WHOLE; br_if whole; local.set y")
    text += lines("local.get b; i32.load8_s SIGNED+3; local.set t") + _merge()
    return Routine(text, _TABLES)


def _rotl() -> Routine:
    text = _operands() + _rotate()
    return Routine(text, _TABLES)


def _rotate() -> str:
    text = store("PAIR", "local.get x") + store("PAIR+4", "local.get x")
    text += lines("local.get n; i32.load8_u BYTES_DOWN; local.tee b; i32.load PAIR+1; local.set y")
    text += lines("local.get b; i32.load8_u PAIR+4; local.set t") + _double_both("SKIP")
    text += store("CELL", "local.get t", "i32.store16")
    return text + lines("local.get y; i32.const 0; i32.load8_u CELL+1; i32.add; return")


def _rotr() -> Routine:
    text = _operands() + lines(
        "local.get n; i32.eqz; br_if ready; i32.const 32; local.get n; i32.sub; local.set n; ready:"
    )
    return Routine(text + _rotate(), _TABLES)


ROUTINES = {
    "i32.shl": _shl,
    "i32.shr_u": _shr_u,
    "i32.shr_s": _shr_s,
    "i32.rotl": _rotl,
    "i32.rotr": _rotr,
}
