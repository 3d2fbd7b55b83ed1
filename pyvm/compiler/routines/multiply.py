"""Multiplication of two variables, byte by byte.

a b = T(a + b) - T(a) - T(b) with the triangular numbers T(n) = n (n - 1) / 2, read from a table.
The product modulo 2^32 is the sum over s = 0..3 of 256^s times the sum of a_i b_j with i + j = s;
in that inner sum T(a_i) and T(b_i) of every i <= s appear once.  Bytes are isolated, one per word
with a zero below, so that 256 times
the byte is read at once: the table has a stride of 256 (memory that is not written costs nothing).
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Routine, lines, store

_STRIDE = 256


def _triangular() -> bytes:
    table = bytearray(511 * _STRIDE)
    for n in range(511):
        table[n * _STRIDE : n * _STRIDE + 4] = (n * (n - 1) // 2).to_bytes(4, "little")
    return bytes(table)


TABLES = {"TRIANGULAR": _triangular()}


def isolate(value: str, count: int, cell: int) -> str:
    """256 times the lowest `count` bytes of the local `value`, in locals {value}0, {value}1, ..."""
    text = store(f"ISOLATED+{cell + 1}", f"local.get {value}", "i32.store8")
    if count > 1:
        text += store("CELL", f"local.get {value}")
    for i in range(1, count):
        byte = f"i32.const 0; i32.load8_u CELL+{i}"
        text += store(f"ISOLATED+{cell + 2 * i + 1}", byte, "i32.store8")
    for i in range(count):
        text += lines(f"i32.const 0; i32.load16_u ISOLATED+{cell + 2 * i}; local.set {value}{i}")
    return text


def _sum(s: int, b_bytes: int) -> str:
    """Pushes the sum of a_i b_j over i + j = s, j < b_bytes."""
    text = ""
    for j in range(min(s + 1, b_bytes)):
        text += lines(f"local.get a{s - j}; local.get b{j}; i32.add; i32.load TRIANGULAR")
        text += "i32.add\n" if j else ""
    if b_bytes > 1:  # u: the sum of T(a_i) + T(b_i) up to here
        text += lines("local.get u") if s else ""
        text += lines(f"local.get a{s}; i32.load TRIANGULAR; local.get b{s}; i32.load TRIANGULAR")
        text += "i32.add\n" + ("i32.add\n" if s else "") + "local.tee u\ni32.sub\n"
    else:
        text += lines(f"local.get a{s}; i32.load TRIANGULAR; i32.sub; local.get t; i32.sub")
    return text


def _product(a_bytes: int, b_bytes: int) -> str:
    text = isolate("a", a_bytes, 0) + isolate("b", b_bytes, 8)
    if b_bytes == 1:
        text += lines("local.get b0; i32.load TRIANGULAR; local.set t")
    sums = [_sum(s, b_bytes) for s in range(a_bytes)]
    if a_bytes == 1:
        return text + sums[0] + "return\n"
    # u grows with s, so the sums are made in that order and added from the top, shifted by a byte
    # each
    for s, code in enumerate(sums[:-1]):
        text += code + f"local.set p{s}\n"
    text += "i32.const 0\n" * (a_bytes - 1) + sums[-1]
    for s in range(a_bytes - 2, -1, -1):
        text += lines(f"i32.store WINDOW; i32.const 0; i32.load WINDOW-1; local.get p{s}; i32.add")
    return text + "return\n"


def _mul() -> Routine:
    text = lines("local.set b; local.set a")
    text += lines("local.get b; i32.const 0x100; i32.lt_u; br_if small")
    text += lines("local.get a; i32.const 0x100; i32.lt_u; br_if swap")
    text += _product(4, 4)
    text += lines("swap:; local.get a; local.get b; local.set a; local.set b; br large; small:")
    text += lines("local.get a; i32.const 0x100; i32.lt_u; br_if smaller; large:")
    text += _product(4, 1)
    text += "smaller:\n" + _product(1, 1)
    return Routine(text, TABLES)


ROUTINES = {"i32.mul": _mul}
