"""Multiplication by a constant, and what is before every division.

Enters and leaves: as in selector.py.
"""

from __future__ import annotations

from pyvm.compiler.ir.expression import Node, const, node, slot
from pyvm.compiler.link.assembly import MASK, Label
from pyvm.compiler.select.selector import Selector
from pyvm.isa.traps import Trap


def signed_digits(value: int) -> list[int]:
    """The non-adjacent form of a 32-bit number modulo 2^32: digits -1, 0, 1, least significant
    first.
    """
    if value >> 31:
        value -= 1 << 32
    digits: list[int] = []
    while value and len(digits) < 32:
        digit = 0
        if value & 1:
            digit = 2 - (value & 3)
            value -= digit
        digits.append(digit)
        value >>= 1
    return digits


def mul(s: Selector, item: Node) -> None:
    x, constant = item.args[0], item.args[1].constant
    if constant is None:
        s.call_routine(item)
        return
    if constant == 0:  # evaluated for its effect alone
        s.value(x)
        s.emit("drop")
        s.const(0)
        return
    digits = signed_digits(constant)
    if len(digits) > 16:
        _mul_by_lanes(s, x, digits)
        return
    negative = digits[-1] < 0
    s.value(x)
    with s.temporaries(2) as (t, u):
        if negative:
            s.emit("local.set", t)
            s.const(0)
            s.emit("local.get", t)
            s.emit("i32.sub")
        else:
            s.emit("local.tee", t)
        pending = 0
        for digit in reversed(digits[:-1]):
            pending += 1
            if digit:
                _shift_top(s, pending, u)
                pending = 0
                s.emit("local.get", t)
                s.emit("i32.add" if digit > 0 else "i32.sub")
        _shift_top(s, pending, u)


def _mul_by_lanes(s: Selector, x: Node, digits: list[int]) -> None:
    """Digits 8 apart are added together, as x shifted by bytes: seven doublings are enough."""
    with s.held(x) as t, s.temporaries(3) as shifted:
        lanes = [t, *shifted]
        for k in range(1, 4):
            if any(digits[8 * k : 8 * k + 8]):
                s.value(node("i32.shl", "i32", (slot(t), const(8 * k))))
                s.emit("local.set", lanes[k])
        s.const(0)
        begun = False
        for bit in range(7, -1, -1):
            if begun:
                s.double(1)
            for k in range(4):
                digit = digits[8 * k + bit] if 8 * k + bit < len(digits) else 0
                if digit:
                    s.emit("local.get", lanes[k])
                    s.emit("i32.add" if digit > 0 else "i32.sub")
                    begun = True


def _shift_top(s: Selector, count: int, temporary: int) -> None:
    if count >= 8:
        s.emit("local.set", temporary)
        s.value(node("i32.shl", "i32", (slot(temporary), const(count))))
    else:
        s.double(count)


def divide(s: Selector, item: Node) -> None:
    """div and rem: the zero check is here, where the place of the trap is known."""
    x, y = item.args
    name, constant = item.name, item.args[1].constant
    if constant:
        if name in ("div_s", "rem_s") and constant == 1 << 31 or constant == MASK:
            pass  # rare: leave it to the general routine
        else:
            s.value(x)
            s.here(item)
            s.routine(f"{item.op}.{constant}")
            return
    s.value(x)
    s.value(y)
    s.here(item)
    with s.temporaries(2) as (a, b):
        if constant is None or constant == 0:
            s.emit("local.tee", b)
            s.emit("i32.eqz")
            s.trap_if(Trap.DIVIDE_BY_ZERO)
            s.emit("local.get", b)
        if name == "div_s" and (constant is None or constant == MASK):
            # -2^31 / -1: first look at the divisor, which is rarely -1
            fine = Label("fine")
            s.emit("local.tee", b)
            s.const(-1)
            s.emit("i32.ne")
            s.emit("br_if", fine)
            s.emit("local.tee", a)
            s.const(1 << 31)
            s.emit("i32.eq")
            s.trap_if(Trap.INTEGER_OVERFLOW)
            s.emit("local.get", a)
            s.place(fine)
            s.emit("local.get", b)
    s.routine(item.op)
