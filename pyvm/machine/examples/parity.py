"""Parity in fifteen lines: whether a row of bits has an odd number of ones.

Enters: bits and `=`.  Leaves: one token per bit, the parity so far, then `end`.
"""

from __future__ import annotations

from pyvm.machine import Machine, Token

PARITY, END = 0, 1  # types of tokens


def parity() -> Machine:
    tokens = [Token("0"), Token("1", bit=1), Token("=", sign=1)]
    tokens += [Token("even", (PARITY, 0)), Token("odd", (PARITY, 1), odd=1), Token("end", (END, 0))]
    m = Machine(tokens, stop="end")
    (sign_at,) = m.latest("sign", where=m["sign"], sign_at=m.position)
    # The next token speaks of the bit after so many; behind the last bit stands `=` itself.
    next_at = m.position - sign_at + m.one
    bit, over = m.at("bit", next_at, next_bit=m["bit"], over=m["sign"])
    # odd xor bit = odd + bit - 2 odd bit
    both = m.product("both", m["odd"], bit)
    m.next(kind=END * over, value=m["odd"] + bit - 2 * both)
    return m
