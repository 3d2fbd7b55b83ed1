"""i64 division, of native pieces."""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines


def _unsigned(quotient: bool) -> Routine:
    """The half of a number of eight bytes is a local of its own, and i32 has a division.

    A divisor below 2^32 first leaves the remainder of the upper half; what is left has a quotient
    below 2^32.
    """
    text = lines(
        "i64.local.set d; i64.local.set n",
        "local.get d.high; br_if wide; local.get n.high; br_if long",
        f"local.get n.low; local.get d.low; i32.{'div_u' if quotient else 'rem_u'}",
        "i64.extend_i32_u; return; long:",
    )
    if quotient:
        text += lines("local.get n.high; local.get d.low; i32.div_u; local.set q.high")
    text += lines("local.get n.high; local.get d.low; i32.rem_u; local.set n.high")
    text += lines(f"local.get d.low; i32.const {1 << 29}; i32.ge_u; br_if newton")
    return Routine(text + _digits(quotient) + _newton(quotient))


def _digits(quotient: bool) -> str:
    """Two digits of 16 bits: each is estimated by the upper 16 bits of the divisor, rounded up.

    What remains is below 4 d + 2^16 < 2^32, and the native division corrects the digit.
    """
    text = lines(
        "local.get d.low; local.get d.low; i32.clz; local.tee s; i32.shl",
        "i32.const 16; i32.shr_u; i32.const 1; i32.add; local.set v",
    )
    for half in ("i32.const 16; i32.shr_u", "i32.const 65535; i32.and"):
        text += lines(
            "local.get n.high; local.get s; i32.shl; local.get v; i32.div_u",
            "local.tee e" if quotient else "local.set e",
        )
        if quotient and half.endswith("and"):
            text += "i32.add\n"
        text += lines(
            f"local.get n.high; i32.const 16; i32.shl; local.get n.low; {half}; i32.or",
            "local.get e; local.get d.low; i32.mul; i32.sub; local.set t",
        )
        if quotient:
            text += lines("local.get t; local.get d.low; i32.div_u; i32.add")
        if quotient and half.endswith("shr_u"):
            text += lines("i32.const 16; i32.shl")
        if not quotient or half.endswith("shr_u"):
            text += lines("local.get t; local.get d.low; i32.rem_u; local.set n.high")
    if quotient:
        return text + lines("local.set q.low; i64.local.get q; return")
    return text + lines("local.get n.high; i64.extend_i32_u; return")


def _newton(quotient: bool) -> str:
    """By the reciprocal of the divisor D = d 2^k, normalised: two steps of Newton's method take the
    15 bits of a native quotient to 59.  It is never too large, and the quotient, which is below
    2^32, at most 1 too small.
    """
    text = lines("wide:") + (lines("i32.const 0; local.set q.high") if quotient else "")
    text += lines(
        "newton:; i64.local.get d; i64.local.get d; i64.clz; i64.local.tee k; i64.shl",
        "i64.local.set e",
        # r = 2^47 / v with the upper half v of D, then r (2^48 - r v), about 2^126 / D
        "i64.const 0x1000000000000",
        "i32.const 0x7fffffff; local.get e.high; i32.const 16; i32.shr_u; i32.div_u",
        "i64.extend_i32_u; i64.local.tee r; local.get e.high; i64.extend_i32_u",
        "i64.mul; i64.sub; i64.local.get r; i64.mul; i64.local.set r",
        # r (2^63 - r D / 2^64) / 2^64, about 2^124 / D
        "i64.const 0x7fffffffffffffff; i64.local.get r; i64.local.get e; i64.mul_high_u; i64.sub",
        "i64.local.get r; i64.mul_high_u",
        "i64.local.get n; i64.mul_high_u; i64.const 60; i64.local.get k; i64.sub; i64.shr_u",
        "i64.local.set e",
        "i64.local.get n; i64.local.get e; i64.local.get d; i64.mul; i64.sub; i64.local.set n",
        "i64.local.get n; i64.local.get d; i64.lt_u; br_if done",
    )
    if quotient:
        return text + lines(
            "local.get e.low; i32.const 1; i32.add; local.set e.low",
            "done:; local.get e.low; local.set q.low; i64.local.get q; return",
        )
    return text + lines(
        "i64.local.get n; i64.local.get d; i64.sub; return; done:; i64.local.get n; return"
    )


def _signed(quotient: bool) -> Routine:
    """By way of the absolute values; the remainder has the dividend's sign."""
    divide = "call i64.div_u" if quotient else "call i64.rem_u"
    text = lines(
        "i64.local.set d; i64.local.set n; local.get n.high; local.get d.high; i32.or",
        "i32.const 0; i32.lt_s; br_if negative",
        f"i64.local.get n; i64.local.get d; {divide}; return; negative:",
    )
    if quotient:
        text += lines(
            "i64.local.get d; i64.const -1; i64.ne; br_if fine",
            "i64.local.get n; i64.const 0x8000000000000000; i64.eq; br_if overflow; fine:",
            "local.get n.high; local.get d.high; i32.xor; local.set sign",
        )
    else:
        text += lines("local.get n.high; local.set sign")
    for name in "nd":
        text += lines(
            f"local.get {name}.high; i32.const 0; i32.ge_s; br_if {name}_positive",
            f"i64.const 0; i64.local.get {name}; i64.sub; i64.local.set {name}; {name}_positive:",
        )
    text += lines(
        "i64.local.get n; i64.local.get d", divide,
        "local.get sign; i32.const 0; i32.ge_s; br_if positive",
        "i64.local.set q; i64.const 0; i64.local.get q; i64.sub; positive:; return",
    )  # fmt: skip
    return Routine(text + ("overflow:\ntrap 3\n" if quotient else ""))


STANDARD: Family = {
    "i64.div_u": lambda: _unsigned(True),
    "i64.rem_u": lambda: _unsigned(False),
    "i64.div_s": lambda: _signed(True),
    "i64.rem_s": lambda: _signed(False),
}
