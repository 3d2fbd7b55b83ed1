"""Division and remainder: the divisor is doubled until it passes the dividend, then subtracted on
the way back.

The cost grows with the length of the quotient, about 65 tokens a bit; for a constant divisor, whose
multiples are constants, about 35.  Callers check for zero and overflow.
"""

from __future__ import annotations

from collections.abc import Callable

from pyvm.compiler.routines.routine import Routine, lines


def _unsigned(quotient: bool) -> Routine:
    """n / d or n % d: d0..d31 are the doublings of d, m is the bound up to which they may go."""
    text = lines("local.set d0; local.set n")
    text += lines("local.get n; local.get d0; i32.lt_u; br_if less")
    text += lines("local.get n; local.set m; local.get n; i32.const 0; i32.ge_s; br_if up")
    text += lines("i32.const 0x7fffffff; local.set m; up:")  # d31 must not overflow
    if quotient:
        text += lines("i32.const 0; local.set q")
    for i in range(32):
        text += lines(f"local.get d{i}; local.get m; i32.gt_u; br_if down{i}")
        if i < 31:
            text += lines(f"local.get d{i}; local.get d{i}; i32.add; local.set d{i + 1}")
    for i in range(31, -1, -1):
        text += f"down{i}:\n"
        text += lines(f"local.get n; local.get d{i}; i32.lt_u; br_if next{i}")
        text += lines(f"local.get n; local.get d{i}; i32.sub; local.set n")
        if quotient:
            text += lines(f"local.get q; i32.const {1 << i}; i32.add; local.set q")
        text += f"next{i}:\n"
    text += lines(f"local.get {'q' if quotient else 'n'}; return")
    text += lines("less:", f"{'i32.const 0' if quotient else 'local.get n'}; return")
    return Routine(text)


def _unsigned_constant(divisor: int, quotient: bool) -> Routine:
    top = 32 - divisor.bit_length()
    while divisor << top >> 32:
        top -= 1
    text = "local.set n\n"
    if quotient:
        text += "i32.const 0\n"
    for i in range(4, top + 1, 4):  # short quotients start late
        text += lines(f"local.get n; i32.const {divisor << i}; i32.lt_u; br_if down{i - 1}")
    for i in range(top, -1, -1):
        text += f"down{i}:\n" if i % 4 == 3 and i < top - top % 4 else ""
        text += lines(f"local.get n; i32.const {divisor << i}; i32.lt_u; br_if next{i}")
        text += lines(f"local.get n; i32.const {-(divisor << i)}; i32.add; local.set n")
        if quotient:
            text += lines(f"i32.const {1 << i}; i32.add")
        text += f"next{i}:\n"
    return Routine(text + ("" if quotient else "local.get n\n") + "return\n")


def _signed(quotient: bool, divisor: int | None = None) -> Routine:
    """By way of the absolute values; the remainder has the dividend's sign."""
    name = "div_u" if quotient else "rem_u"
    negate = "local.set r; i32.const 0; local.get r; i32.sub; return"
    if divisor is None:
        divide = f"call i32.{name}"
        text = lines("local.set d; local.set n; local.get d; i32.const 0; i32.ge_s; br_if positive")
        text += lines("i32.const 0; local.get d; i32.sub; local.set d")
        if quotient:  # the signs are both turned
            text += lines("local.get n; i32.const 0; i32.le_s; br_if turned")
            text += lines("local.get n; local.get d", divide, negate, "turned:")
            text += lines("i32.const 0; local.get n; i32.sub; local.get d", divide, "return")
        text += lines("positive: ; local.get n; i32.const 0; i32.lt_s; br_if negative")
        text += lines("local.get n; local.get d", divide, "return; negative:")
        text += lines("i32.const 0; local.get n; i32.sub; local.get d", divide, negate)
        return Routine(text)
    size = min(divisor, 2**32 - divisor)
    turned = quotient and divisor >> 31
    divide = (
        f"call i32.{name}/{size}"
        if size & size - 1 or quotient
        else f"i32.const {size}; call i32.{name}"
    )
    text = lines("local.tee n; i32.const 0; i32.lt_s; br_if negative; local.get n", divide)
    text += lines(negate if turned else "return")
    text += lines("negative:; i32.const 0; local.get n; i32.sub", divide)
    text += lines("return" if turned else negate)
    return Routine(text)


def _choose(quotient: bool) -> Callable[..., Routine]:
    def build(divisor: int | None = None) -> Routine:
        return _unsigned(quotient) if divisor is None else _unsigned_constant(divisor, quotient)

    return build


ROUTINES = {
    "i32.div_u": _choose(True),
    "i32.rem_u": _choose(False),
    "i32.div_s": lambda divisor=None: _signed(True, divisor),
    "i32.rem_s": lambda divisor=None: _signed(False, divisor),
}
