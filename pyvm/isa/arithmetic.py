"""What the integer instructions of WebAssembly compute, on unsigned Python integers.

Enters: an instruction name and its operands, 0 <= value < 2^bits.  Leaves: the result, or None
where the instruction traps.  Used to fold constants.
"""

from __future__ import annotations

from collections.abc import Callable


def signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _divide(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _rotl(a: int, n: int, bits: int) -> int:
    n %= bits
    return a << n | a >> bits - n


def _div_s(a: int, b: int, bits: int) -> int | None:
    if b == 0:
        return None
    quotient = _divide(signed(a, bits), signed(b, bits))
    return None if quotient == 1 << bits - 1 else quotient


def _rem_s(a: int, b: int, bits: int) -> int | None:
    a, b = signed(a, bits), signed(b, bits)
    return a - b * _divide(a, b) if b else None


_BINARY: dict[str, Callable[[int, int, int], int | None]] = {
    "add": lambda a, b, n: a + b,
    "sub": lambda a, b, n: a - b,
    "mul": lambda a, b, n: a * b,
    "div_s": _div_s,
    "div_u": lambda a, b, n: a // b if b else None,
    "rem_s": _rem_s,
    "rem_u": lambda a, b, n: a % b if b else None,
    "div_word_s": lambda a, b, n: _div_s(a, b, n) if b else None,
    "div_word_u": lambda a, b, n: a // b if b else None,
    "rem_word_s": lambda a, b, n: _rem_s(a, b, n),
    "rem_word_u": lambda a, b, n: a % b if b else None,
    "and": lambda a, b, n: a & b,
    "or": lambda a, b, n: a | b,
    "xor": lambda a, b, n: a ^ b,
    "shl": lambda a, b, n: a << b % n,
    "shr_s": lambda a, b, n: signed(a, n) >> b % n,
    "shr_u": lambda a, b, n: a >> b % n,
    "rotl": _rotl,
    "rotr": lambda a, b, n: _rotl(a, -b, n),
    "sticky": lambda a, b, n: a & (1 << b % n) - 1 != 0,
    "mul_high_u": lambda a, b, n: a * b >> n,
    "eq": lambda a, b, n: a == b,
    "ne": lambda a, b, n: a != b,
    "lt_s": lambda a, b, n: signed(a, n) < signed(b, n),
    "lt_u": lambda a, b, n: a < b,
    "gt_s": lambda a, b, n: signed(a, n) > signed(b, n),
    "gt_u": lambda a, b, n: a > b,
    "le_s": lambda a, b, n: signed(a, n) <= signed(b, n),
    "le_u": lambda a, b, n: a <= b,
    "ge_s": lambda a, b, n: signed(a, n) >= signed(b, n),
    "ge_u": lambda a, b, n: a >= b,
}
_UNARY: dict[str, Callable[[int, int], int]] = {
    "eqz": lambda a, n: a == 0,
    "clz": lambda a, n: n - a.bit_length(),
    "ctz": lambda a, n: (a & -a).bit_length() - 1 if a else n,
    "popcnt": lambda a, n: bin(a).count("1"),
    "extend8_s": lambda a, n: signed(a & 0xFF, 8),
    "extend16_s": lambda a, n: signed(a & 0xFFFF, 16),
    "extend32_s": lambda a, n: signed(a & 0xFFFFFFFF, 32),
    "wrap_i64": lambda a, n: a,
    "extend_i32_u": lambda a, n: a,
    "extend_i32_s": lambda a, n: signed(a, 32),
}


def fold(op: str, operands: list[int]) -> int | None:
    """The constant that `op` gives, or None (it traps, or is nothing that can be folded)."""
    kind, _, name = op.partition(".")
    bits = 64 if kind == "i64" else 32
    if name in _BINARY and len(operands) == 2:
        a, b = operands
        result = _BINARY[name](a, b, bits)
    elif name in _UNARY and len(operands) == 1:
        result = _UNARY[name](operands[0], bits)
    else:
        return None
    return None if result is None else int(result) & (1 << bits) - 1
