"""i64: variable shifts, multiplication, division, printing.  A number is two words, the low one
pushed first.
"""

from __future__ import annotations

from pyvm.compiler.routines.multiply import TABLES as MULTIPLY_TABLES
from pyvm.compiler.routines.multiply import isolate
from pyvm.compiler.routines.routine import Routine, lines, load, store

# -- shifts -------------------------------------------------------------------------------------


def _count_below_64() -> str:
    """Pops the count (modulo 64) into n and the number into low and high."""
    return lines(
        "local.set n; local.set high; local.set low",
        "local.get n; i32.const 64; i32.lt_u; br_if counted",
        "i32.const 0; local.get n; i32.store8 CELL; i32.const 0; i32.load8_u CELL; local.set n",
        *(
            f"local.get n; i32.const {step}; i32.lt_u; br_if below{step}; "
            f"local.get n; i32.const {-step}; i32.add; local.set n; below{step}:"
            for step in (128, 64)
        ),
        "counted:; local.get n; i32.eqz; br_if same",
        "local.get n; i32.const 32; i32.lt_u; br_if near",
    )


_SAME = "same:; local.get low; local.get high; return"


def _shl() -> Routine:
    text = _count_below_64()
    text += lines(
        "i32.const 0; local.get low; local.get n; i32.const -32; i32.add; call i32.shl; return"
    )
    text += lines(
        "near:; local.get low; local.get n; call i32.shl; local.get high; local.get n; call i32.shl"
    )
    text += lines(
        "local.get low; i32.const 32; local.get n; i32.sub; call i32.shr_u; i32.add; return"
    )
    return Routine(text + lines(_SAME))


def _shr(name: str) -> Routine:
    text = _count_below_64()
    text += lines(
        f"local.get high; local.get n; i32.const -32; i32.add; call i32.{name}; i32.const 0"
    )
    text += lines("local.get high; i32.const 0; i32.lt_s; i32.sub") if name == "shr_s" else ""
    text += lines("return; near:; local.get low; local.get n; call i32.shr_u")
    text += lines("local.get high; i32.const 32; local.get n; i32.sub; call i32.shl; i32.add")
    text += lines(f"local.get high; local.get n; call i32.{name}; return")
    return Routine(text + lines(_SAME))


def _rotl(left: bool) -> Routine:
    text = _count_below_64()
    if not left:
        text = text.replace(
            "br_if same", "br_if same\ni32.const 64\nlocal.get n\ni32.sub\nlocal.set n"
        )
    text += lines("local.get low; local.get high; local.set low; local.set high")
    text += lines("local.get n; i32.const -32; i32.add; local.set n; near:")
    text += lines("local.get n; i32.eqz; br_if same")
    for upper, lower in (("low", "high"), ("high", "low")):
        text += lines(f"local.get {upper}; local.get n; call i32.shl")
        text += lines(
            f"local.get {lower}; i32.const 32; local.get n; i32.sub; call i32.shr_u; i32.add"
        )
    return Routine(text + lines("return", _SAME))


# -- multiplication -----------------------------------------------------------------------------


def _mul() -> Routine:
    """The full product of the low words, byte by byte, into PRODUCT; then the cross products."""
    text = lines("local.set bh; local.set b; local.set ah; local.set a")
    text += isolate("a", 4, 0) + isolate("b", 4, 8)
    for i in range(4):
        both = f"local.get a{i}; i32.load TRIANGULAR; local.get b{i}; i32.load TRIANGULAR; i32.add"
        text += lines(both, f"local.set t{i}")
    text += "".join(store(f"PRODUCT+{i}", "i32.const 0") for i in (0, 4, 8))
    for s in range(7):
        text += lines(f"i32.const 0; i32.const 0; i32.load PRODUCT+{s}")
        for i in range(max(0, s - 3), min(3, s) + 1):
            text += lines(
                f"local.get a{i}; local.get b{s - i}; i32.add; i32.load TRIANGULAR; i32.add"
            )
            text += lines(f"local.get t{i}; i32.sub")
        text += lines(f"i32.store PRODUCT+{s}")
    text += load("PRODUCT") + load("PRODUCT+4")
    for factor, other in (("ah", "b"), ("bh", "a")):
        text += lines(f"local.get {factor}; i32.eqz; br_if no_{factor}")
        text += lines(f"local.get {factor}; local.get {other}; call i32.mul; i32.add; no_{factor}:")
    return Routine(text + "return\n", MULTIPLY_TABLES)


# -- division -----------------------------------------------------------------------------------


def _at_least(label: str) -> str:
    """Branches to `label` if the number n is at least d."""
    return lines(
        "local.get nl; local.get dl; i32.ge_u; local.get nh; local.get dh; i32.gt_u",
        f"local.get nh; local.get dh; i32.eq; select; br_if {label}",
    )


def _double(number: str) -> str:
    return lines(
        f"local.get {number}h; local.get {number}h; i32.add",
        f"local.get {number}l; i32.const 0; i32.lt_s; i32.add; local.set {number}h",
        f"local.get {number}l; local.get {number}l; i32.add; local.set {number}l",
    )


_UNROLLED = 4  # steps of the loop over 32 bits


def _short(quotient: bool) -> str:
    """n / d or n % d for d < 2^31 <= 2^32 <= n; returns.

    The remainder of the high word, then the bits of the low word are brought down one by one, and
    the bits of the quotient take their places.
    """
    text = lines("i32.const 0; local.set qh; local.get nh; local.set r")
    text += lines("local.get nh; local.get dl; i32.lt_u; br_if begin")
    if quotient:
        text += lines("local.get nh; local.get dl; call i32.div_u; local.set qh")
    text += lines("local.get nh; local.get dl; call i32.rem_u; local.set r; begin:")
    text += lines(f"i32.const {32 // _UNROLLED}; local.set p; bits:")
    for i in range(_UNROLLED):
        text += lines("local.get nl; i32.const 0; i32.lt_s")
        text += lines("local.get nl; local.get nl; i32.add; local.set nl")
        text += lines("local.get r; local.get r; i32.add; i32.add; local.tee r")
        text += lines(f"local.get dl; i32.lt_u; br_if bit{i}")
        text += lines("local.get r; local.get dl; i32.sub; local.set r")
        if quotient:
            text += lines("local.get nl; i32.const 1; i32.add; local.set nl")
        text += f"bit{i}:\n"
    text += lines("local.get p; i32.const -1; i32.add; local.tee p; br_if bits")
    return text + lines(f"local.get {'nl' if quotient else 'r'}; local.get qh; return")


def _unsigned(quotient: bool) -> Routine:
    """Two words by two.  A long divisor goes as in divide.py; its doublings are kept in memory, p
    counts them by eights.
    """
    name = "div_u" if quotient else "rem_u"
    text = lines("local.set dh; local.set dl; local.set nh; local.set nl")
    text += lines("local.get dh; br_if long; local.get nh; br_if wide")
    text += lines(f"local.get nl; local.get dl; call i32.{name}; i32.const 0; return")
    text += lines("wide:; local.get dl; i32.const 0; i32.lt_s; br_if long")
    text += _short(quotient) + "long:\n"
    text += lines("i32.const 0; local.set p; i32.const 0; local.set ql; i32.const 0; local.set qh")
    text += lines("up:; local.get p; local.get dl; i32.store DOUBLES")
    text += lines("local.get p; local.get dh; i32.store DOUBLES+4")
    text += lines("local.get dh; i32.const 0; i32.lt_s; br_if down")
    text += _at_least("further") + lines("br down; further:")
    text += _double("d") + lines("local.get p; i32.const 8; i32.add; local.set p; br up")
    text += lines("down:; local.get p; i32.load DOUBLES; local.set dl")
    text += lines("local.get p; i32.load DOUBLES+4; local.set dh")
    if quotient:
        text += _double("q")
    text += _at_least("take") + lines("br next; take:")
    text += lines(
        "local.get nh; local.get dh; i32.sub; local.get nl; local.get dl; i32.lt_u; i32.sub"
    )
    text += lines("local.set nh; local.get nl; local.get dl; i32.sub; local.set nl")
    if quotient:
        text += lines("local.get ql; i32.const 1; i32.add; local.set ql")
    text += lines(
        "next:; local.get p; i32.eqz; br_if done; local.get p; i32.const -8; i32.add; local.set p"
    )
    text += lines("br down; done:")
    result = "q" if quotient else "n"
    return Routine(text + lines(f"local.get {result}l; local.get {result}h; return"))


def _negate(number: str) -> str:
    """number := -number"""
    return lines(
        f"i32.const 0; local.get {number}h; i32.sub",
        f"local.get {number}l; i32.const 0; i32.ne; i32.sub; local.set {number}h",
        f"i32.const 0; local.get {number}l; i32.sub; local.set {number}l",
    )


def _signed(quotient: bool) -> Routine:
    name = "div_u" if quotient else "rem_u"
    text = lines(
        "local.set dh; local.set dl; local.set nh; local.set nl; i32.const 0; local.set negative"
    )
    text += lines("local.get nh; i32.const 0; i32.ge_s; br_if n_positive")
    text += _negate("n") + lines("i32.const 1; local.set negative; n_positive:")
    text += lines("local.get dh; i32.const 0; i32.ge_s; br_if d_positive") + _negate("d")
    if quotient:
        text += lines("local.get negative; i32.eqz; local.set negative")
    text += lines(
        f"d_positive:; local.get nl; local.get nh; local.get dl; local.get dh; call i64.{name}"
    )
    text += lines("local.set nh; local.set nl; local.get negative; i32.eqz; br_if finish")
    return Routine(text + _negate("n") + lines("finish:; local.get nl; local.get nh; return"))


# -- printing -----------------------------------------------------------------------------------


def _print(bits: int) -> Routine:
    """Prints a signed number in decimal: for each power of ten, 8, 4, 2 and 1 times it are
    subtracted.
    """
    if bits == 32:
        text = lines("local.tee nl; i32.const 0; i32.ge_s; br_if positive; i32.const 45; output")
        text += lines(
            "i32.const 0; local.get nl; i32.sub; local.set nl; positive:; i32.const 0; local.set nh"
        )
    else:
        text = lines(
            "local.tee nh; i32.const 0; i32.ge_s; local.set s; local.set nl",
            "local.get s; br_if positive",
        )
        text += lines("i32.const 45; output") + _negate("n") + "positive:\n"
    text += lines("i32.const 48; local.set started")
    for power in range(9 if bits == 32 else 18, -1, -1):
        text += lines("i32.const 48; local.set digit")
        for times in (8, 4, 2, 1):
            amount = times * 10**power
            if amount >> bits:
                continue
            text += lines(
                f"i32.const {amount & 0xFFFFFFFF}; local.set dl",
                f"i32.const {amount >> 32}; local.set dh",
            )
            text += _at_least(f"take_{power}_{times}") + lines(
                f"br skip_{power}_{times}; take_{power}_{times}:"
            )
            text += lines(
                "local.get nh; local.get dh; i32.sub; local.get nl; local.get dl; i32.lt_u; i32.sub"
            )
            text += lines("local.set nh; local.get nl; local.get dl; i32.sub; local.set nl")
            text += lines(
                f"local.get digit; i32.const {times}; i32.add; local.set digit",
                f"skip_{power}_{times}:",
            )
        if power:
            text += lines(f"local.get digit; local.get started; i32.eq; br_if silent_{power}")
            text += lines(
                f"local.get digit; output; i32.const 0; local.set started; silent_{power}:"
            )
    return Routine(text + lines("local.get digit; output; return"))


ROUTINES = {
    "i64.shl": _shl,
    "i64.shr_u": lambda: _shr("shr_u"),
    "i64.shr_s": lambda: _shr("shr_s"),
    "i64.rotl": lambda: _rotl(True),
    "i64.rotr": lambda: _rotl(False),
    "i64.mul": _mul,
    "i64.div_u": lambda: _unsigned(True),
    "i64.rem_u": lambda: _unsigned(False),
    "i64.div_s": lambda: _signed(True),
    "i64.rem_s": lambda: _signed(False),
    "i32.print": lambda: _print(32),
    "i64.print": lambda: _print(64),
}
