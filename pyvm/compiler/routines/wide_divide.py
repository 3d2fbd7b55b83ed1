"""i64 division by divisors that are no words: the machine divides eight bytes by four."""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines


def _wide(quotient: bool) -> str:
    """The dividend and the divisor d, which is at least 2^32, lie on the stack.

    By the upper word of d 2^k, normalised, a quotient is at most 1 too large (Warren, Hacker's
    Delight, section 9-5); less 1 it is at most 1 too small.
    """
    text = lines(
        "i64.local.get d; i64.clz; i64.local.tee k; i64.shl; i64.local.set e",
        "i64.local.tee n; i64.local.get n; local.get e.high; i64.div_word_u",
        "i64.local.get k; i64.shl; i64.local.set q; local.get q.high; i32.eqz; br_if zero",
        "local.get q.high; i32.const -1; i32.add; local.tee q.low; i64.extend_i32_u",
        "i64.local.get d; i64.mul; i64.sub",  # from the dividend, which still lies there
    )
    if quotient:
        return text + lines(
            "i64.local.get d; i64.ge_u; local.get q.low; i32.add; i64.extend_i32_u; return",
            "zero:; drop; i64.const 0; return",
        )
    return text + lines(
        "i64.local.tee n; i64.local.get n; i64.local.get d; i64.lt_u; br_if zero",
        "i64.local.get d; i64.sub; zero:; return",
    )


def _unsigned(quotient: bool) -> Routine:
    divide = "i64.div_word_u" if quotient else "i64.rem_word_u"
    text = lines(
        "i64.local.tee d; local.get d.high; br_if wide", f"i32.wrap_i64; {divide}; return; wide:"
    )
    return Routine(text + _wide(quotient))


def _signed(quotient: bool) -> Routine:
    """By way of the absolute values; the remainder has the dividend's sign.

    What is to be negated is subtracted from a 0 that waits below on the stack.
    """
    divide = "call i64.div_u" if quotient else "call i64.rem_u"
    zero, n, d = "i64.const 0", "i64.local.get n", "i64.local.get d"
    minus_n, minus_d = (f"{zero}; {each}; i64.sub" for each in (n, d))
    n_negative, d_negative = (f"local.get {each}.high; i32.const 0; i32.lt_s" for each in "nd")
    text = lines(
        f"i64.local.set d; i64.local.set n; {n_negative}; br_if n_negative",
        f"{d_negative}; br_if d_negative; {n}; {d}; {divide}; return",
    )
    if not quotient:
        return Routine(text + lines(
            f"d_negative:; {n}; {minus_d}; {divide}; return",
            f"n_negative:; {zero}; {minus_n}; {d_negative}; br_if both_negative",
            f"{d}; {divide}; i64.sub; return",
            f"both_negative:; {minus_d}; {divide}; i64.sub; return",
        ))  # fmt: skip
    return Routine(text + lines(
        f"d_negative:; {zero}; {n}; {minus_d}; {divide}; i64.sub; return",
        f"n_negative:; {d_negative}; br_if both_negative",
        f"{zero}; {minus_n}; {d}; {divide}; i64.sub; return",
        f"both_negative:; {minus_n}; {minus_d}; i64.local.tee d; local.get d.high; br_if wide",
        # 2^63 is the only quotient that is too large
        "i32.wrap_i64; i64.div_word_u; i64.local.tee q; local.get q.high; i32.const 0; i32.lt_s",
        "br_if overflow; return; overflow:; trap 3; wide:",
    ) + _wide(quotient))  # fmt: skip


STANDARD: Family = {
    "i64.div_u": lambda: _unsigned(True),
    "i64.rem_u": lambda: _unsigned(False),
    "i64.div_s": lambda: _signed(True),
    "i64.rem_s": lambda: _signed(False),
}
