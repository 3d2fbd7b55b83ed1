"""The results of an entry function: numbers in decimal, references as test scripts write them."""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines


def _long() -> Routine:
    """Digits wait on the operand stack, above a mark."""
    return Routine(
        lines(
            "i64.local.tee n; i64.const 0; i64.ge_s; br_if positive; i32.const 45; output",
            "i64.const 0; i64.local.get n; i64.sub; i64.local.set n",
            "positive:; i32.const -1",
            "next:; i64.local.get n; i64.local.get n; i64.const 0xCCCCCCCCCCCCCCCD",
            "i64.mul_high_u; i64.const 3; i64.shr_u; i64.local.tee n",
            "i64.const 10; i64.mul; i64.sub; i32.wrap_i64",
            "i64.local.get n; i64.eqz; i32.eqz; br_if next",
            "shown:; local.tee digit; i32.const -1; i32.eq; br_if done",
            "local.get digit; i32.const 48; i32.add; output; br shown; done:; return",
        )
    )


def _word() -> Routine:
    """In the base machine: of each power of ten, 8, 4, 2 and 1 times it are subtracted."""
    text = lines(
        "local.tee n; i32.const 0; i32.ge_s; br_if positive; i32.const 45; output",
        "i32.const 0; local.get n; i32.sub; local.set n; positive:",
        "i32.const 48; local.set started",
    )
    for power in range(9, -1, -1):
        text += lines("i32.const 48; local.set digit")
        for times in (8, 4, 2, 1):
            amount, skip = times * 10**power, f"skip_{power}_{times}"
            if amount >> 32:
                continue
            text += lines(
                f"local.get n; i32.const {amount}; i32.lt_u; br_if {skip}",
                f"local.get n; i32.const {amount}; i32.sub; local.set n",
                f"local.get digit; i32.const {times}; i32.add; local.set digit; {skip}:",
            )
        if power:
            silent = f"silent_{power}"
            text += lines(
                f"local.get digit; local.get started; i32.eq; br_if {silent}",
                f"local.get digit; output; i32.const 0; local.set started; {silent}:",
            )
    return Routine(text + lines("local.get digit; output; return"))


def _shown(text: str) -> str:
    return lines(*(f"i32.const {ord(c)}; output" for c in text))


def _reference(name: str, number: str = "") -> Routine:
    """The number of an external reference is what lies on the stack, less 1."""
    return Routine(
        lines("local.tee n; br_if some")
        + _shown("ref.null")
        + lines("return; some:")
        + _shown(name)
        + (lines(f"local.get n; i32.const -1; i32.add; {number}") if number else "")
        + lines("return")
    )


def _references(number: str) -> Family:
    return {
        "funcref.print": lambda: _reference("ref.func"),
        "externref.print": lambda: _reference("ref.extern ", number),
    }


BASE: Family = {"i32.print": _word, **_references("call i32.print")}
STANDARD: Family = {
    **_references("i64.extend_i32_u; call i64.print"),
    "i32.print": lambda: Routine(lines("i64.extend_i32_s; call i64.print; return")),
    "i64.print": _long,
}
