"""i64 division, of native pieces."""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines


def _unsigned(quotient: bool) -> Routine:
    """Estimates of the quotient from the highest bits of both, which are never too large."""
    text = lines(
        "i64.local.set d; i64.local.set n; i64.local.get d; i64.eqz; br_if zero",
        "local.get n.high; local.get d.high; i32.or; br_if long",
        f"local.get n.low; local.get d.low; i32.{'div_u' if quotient else 'rem_u'}",
        "i64.extend_i32_u; return",
        "long:; i64.const 0; i64.local.set q",
        "next:; i64.local.get n; i64.local.get d; i64.lt_u; br_if done",
        # e = the upper half of n, normalised, by the upper quarter of d, normalised and rounded up
        "i64.local.get n; i64.local.get n; i64.clz; i64.local.tee k; i64.shl; i64.local.set e",
        "local.get e.high",
        "i64.local.get d; i64.local.get d; i64.clz; i64.local.tee m; i64.shl; i64.local.set e",
        "local.get e.high; i32.const 16; i32.shr_u; i32.const 1; i32.add; i32.div_u",
        "i64.extend_i32_u; i64.local.set e",
        # n / d is about e * 2^(m - k - 16)
        "local.get m.low; local.get k.low; i32.sub; i32.const 16; i32.sub; local.tee s",
        "i32.const 0; i32.lt_s; br_if right",
        "i64.local.get e; local.get s; i64.extend_i32_u; i64.shl; i64.local.set e; br found",
        "right:; i64.local.get e; i32.const 0; local.get s; i32.sub; i64.extend_i32_u; i64.shr_u",
        "i64.local.tee e; i64.eqz; i32.eqz; br_if found; i64.const 1; i64.local.set e",
        "found:; i64.local.get q; i64.local.get e; i64.add; i64.local.set q",
        "i64.local.get n; i64.local.get e; i64.local.get d; i64.mul; i64.sub; i64.local.set n",
        f"br next; done:; i64.local.get {'q' if quotient else 'n'}; return; zero:; trap 2",
    )
    return Routine(text)


def _signed(quotient: bool) -> Routine:
    """By way of the absolute values; the remainder has the dividend's sign."""
    divide = "call i64.div_u" if quotient else "call i64.rem_u"
    text = lines("i64.local.set d; i64.local.set n")
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
