"""div, rem: long division in base 256, the highest digit first.

Enters: the state.  Leaves: the value of the next token (a digit, as a scratch token, or a byte),
the type where it traps.

With a, b the sizes of the operands, digit j of the quotient is what remains of a, less what the
higher digits stand for, by b 256^j.  A remainder's digits follow in the same way, of what then
remains, by 256^j.  Two levels of thresholds give a digit: sixteens, then ones.  The bytes of the
value are the digits, the lowest first, or are subtracted from 0.

Of eight bytes the divisor is a word, and the quotient has eight digits.  Its dividend is taken in
three parts of 4, 2 and 2 bytes, each behind what remained before: nothing is beyond 2^53.  The size
of a negative one is its complement, part by part, and 1 more in the last: that part may be 2^16,
and the digit that it gives 256.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.graph.gates import NOTHING, Gates, step
from pyvm.graph.primitives import Expr, Linear, Persist, Reglu, total
from pyvm.graph.state import Builder, MachineState
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import Instruction
from pyvm.isa.tokens import Kind, trap_token
from pyvm.isa.traps import Trap

_WORD = 1 << 32
_PART = 1 << 16
_LARGE = 1 << 40  # beyond every part of a dividend, with what remained before it, by 256
_FIRST, _SECOND, _THIRD = 4, 6, 8  # digits that are there when a part of eight bytes is done


@dataclass(frozen=True)
class _Digits:
    """What the digits that are there stand for: of the quotient of this part of the dividend and of
    the parts before it, and of the remainder."""

    quotient: Persist
    before: Persist
    remainder: Persist


class Divider:
    """The divisions by words; methods in the order of the layers."""

    def __init__(self, b: Builder, s: MachineState, g: Gates) -> None:
        self.b, self.s, self.g = b, s, g
        self.rows = [r for r in g.language.rows if r.source in (isa.DIVIDE, isa.REMAIN)]
        self.words = [row for row in self.rows if row.operand_bytes == 4]
        self.wide = [row for row in self.rows if row.operand_bytes == 8]
        self.remainders = [row for row in self.rows if row.source == isa.REMAIN]
        self.negative = b.persist("negative", self._negative())

    def _signed(self, row: Instruction) -> bool:
        return row.operation.endswith("_s")

    def _negative(self) -> Expr:
        """1 where the result is negative or 0."""
        s, g = self.s, self.g
        negative, other = s.second_sign - s.one, s.top_sign - s.one
        result = NOTHING
        for row in self.rows:
            if self._signed(row) and row.source == isa.DIVIDE and row in self.words:
                result += g.when(row.name, s.one, negative, -s.top_sign)
                result += g.when(row.name, s.one, other, -s.second_sign)
            elif self._signed(row):
                result += g.when(row.name, s.one, negative)
        return result

    def kind(self) -> Expr:
        """The trap instead of the first digit."""
        s, g, types = self.s, self.g, self.g.language.types
        kind = NOTHING
        for row in self.rows:
            by_zero = types[trap_token(Trap.DIVIDE_BY_ZERO)] - types[Kind.SCRATCH]
            kind += by_zero * g.when(row.name, s.one, -s.byte_index, -s.top)
        for row in self.words:
            if row.source == isa.DIVIDE and self._signed(row):
                # -2^31 by -1: both distances, which are not negative, are 0.
                away = (_WORD - 1) * s.one - s.top + s.second - _WORD // 2 * s.second_sign
                away += _WORD * (s.one - s.second_sign)
                overflow = types[trap_token(Trap.INTEGER_OVERFLOW)] - types[Kind.SCRATCH]
                # The gate outweighs whatever `away` might be where its terms are not known.
                both = Reglu(row.name, s.one, s.one - away + g.far(row.name, -s.byte_index))
                kind += overflow * both
        return kind

    def _dividend(self) -> Expr:
        """The size of the dividend, or of its upper four bytes, where a division is fetched."""
        g, s = self.g, self.s
        size = NOTHING
        for row in self.rows:
            size += g.when(row.name, s.second)
            if self._signed(row):
                turned = (_WORD if row in self.words else _WORD - 1) * s.one
                size += g.when(row.name, turned - 2 * s.second, s.second_sign - s.one)
        return size

    def _divisor(self) -> Expr:
        """The size of the divisor, where a division is fetched."""
        g, s = self.g, self.s
        size = total(g.when(row.name, s.top) for row in self.rows)
        for row in self.words:
            if self._signed(row):
                size += g.when(row.name, _WORD * s.one - 2 * s.top, s.top_sign - s.one)
        return size

    def value(self) -> Expr:
        """The digit where a division is fetched and digits come, else 0."""
        b, g, one = self.b, self.g, self.s.one
        divisor = b.persist("divisor", self._divisor())
        comes = b.persist(
            "digit comes", total(g.first_bytes(row.name, one, row.scratch) for row in self.rows)
        )
        rest = self._rest(divisor)
        unit = b.persist("unit", self._unit(divisor))
        off = (1 << 50) * (one - comes)
        high = total(
            step(f"digit {d} 16", one, rest - 16 * d * unit + one - off) for d in range(1, 17)
        )
        high_digit = b.persist("high_digit", high)
        # A product of its own: times the distance to a threshold a unit is beyond 2^53.
        high_part = b.persist("high_part", Reglu("high_part", unit._expr(), high_digit._expr()))
        left = rest - 16 * high_part + one - off
        low = total(step(f"digit {d}", one, left - d * unit) for d in range(1, 16))
        return 16 * high_digit + b.persist("low_digit", low)

    def _rest(self, divisor: Persist) -> Expr:
        """What the next digit is taken of."""
        b, g, one = self.b, self.g, self.s.one
        dividend = b.persist("dividend", self._dividend())
        digits = self._so_far()
        second, third = (
            b.persist(name, total(expressions))
            for name, expressions in (
                ("second part", (g.between(r.name, one, _FIRST, _SECOND) for r in self.wide)),
                ("third part", (g.from_byte(r.name, one, _SECOND) for r in self.wide)),
            )
        )
        middle = self._two_bytes("middle bytes", 2, _FIRST)
        lowest = self._two_bytes("lowest bytes", 0, _SECOND)
        turned = self.negative - one  # 0 where the dividend is negative

        def product(value: Linear, gate: Linear) -> Reglu:
            return Reglu("rest", value._expr(), gate._expr())

        def part(bytes_: Persist, gate: Linear) -> Expr:
            complement = (_PART - 1) * one - 2 * bytes_
            return product(bytes_, gate) + product(complement, gate + turned)

        before = product(dividend, second + _PART * third) + part(middle, third)
        remains = b.persist("remains", before - product(divisor, digits.before))
        rest = product(dividend, one - second - third) + part(middle, second)
        rest += part(lowest, third) + product(one, third + turned)
        taken = product(divisor, digits.quotient) + product(digits.remainder, one)
        return b.persist("rest", rest - taken) + _PART * remains

    def _two_bytes(self, name: str, index: int, count: int) -> Persist:
        """Two bytes of the dividend of eight, once `count` digits are there."""
        b, s, g = self.b, self.s, self.g
        at = [
            b.persist(
                f"{name} at {i}",
                total(g.from_byte(r.name, s.second_at + i * s.one, count) for r in self.wide),
            )
            for i in (index, index + 1)
        ]
        low, high = (b.gather(f"{name} {i}", b.embedded["byte"], at[i]) for i in (0, 1))
        return b.persist(name, low + 256 * high)

    def _unit(self, divisor: Persist) -> Expr:
        """b 256^j where digit j of a part's quotient comes, but at most 2^40, which no rest reaches
        that it is not proper for; 256^j where that of a remainder does."""
        b, g, one = self.b, self.g, self.s.one
        ones, unit = NOTHING, NOTHING
        for j in range(4):
            digits = total(g.between(row.name, one, 3 - j, 4 - j) for row in self.rows)
            for end in (_SECOND, _THIRD):
                if j < 2:
                    first = end - 1 - j
                    digits += total(g.between(r.name, one, first, first + 1) for r in self.wide)
            comes = b.persist(f"quotient digit {j}", digits)
            # Below 2^53 whatever is added up: a size is not multiplied before it is compared.
            # Where another digit comes, the gate is not above 0.
            less = (_LARGE >> 8 * j) * comes - divisor
            unit += _LARGE * Reglu(f"unit {j}", one, comes._expr())
            unit -= 256**j * Reglu(f"unit {j}", one, less)
            for row in self.remainders:
                first = row.operand_bytes + 3 - j
                ones += 256**j * g.between(row.name, one, first, first + 1)
        kept = b.persist("remainder unit", ones)
        return unit + Reglu("unit", one, kept._expr())

    def _so_far(self) -> _Digits:
        b, s, g = self.b, self.s, self.g
        scratch = b.embedded["scratch"]
        back = (
            b.persist(
                f"scratch {i} back", b.gather(f"scratch {i} back", scratch, s.position - i * s.one)
            )
            for i in (1, 2, 3)
        )
        last = [scratch, *back]

        def newest(count: int) -> Expr:
            """The number that the last digits stand for."""
            return total(256**i * last[i] for i in range(count))

        def ending(name: str, count: int, end: int) -> Persist:
            """The number of `count` digits, the last of which is digit end - 1."""
            at = s.position - s.byte_index + end * s.one
            return b.persist(name, b.gather(name, newest(count), at))

        first = ending("first digits", 4, _FIRST)
        middle = ending("middle digits", 2, _SECOND)
        lowest = ending("lowest digits", 2, _THIRD)
        quotient, before, remainder = NOTHING, NOTHING, NOTHING
        for row in self.rows:
            for count in (1, 2, 3):
                digits = 256 ** (4 - count) * newest(count)
                quotient += g.between(row.name, digits, count, count + 1)
        for row in self.wide:
            for end in (_SECOND, _THIRD):
                quotient += g.between(row.name, 256 * scratch, end - 1, end)
            before += g.between(row.name, first, _FIRST, _SECOND)
            before += g.from_byte(row.name, _PART * first + middle, _SECOND)
        for row in self.remainders:
            size = row.operand_bytes
            if row in self.wide:
                quotient += g.from_byte(row.name, lowest, size)
            else:
                quotient += g.from_byte(row.name, first, size)
            for count in (1, 2, 3):
                digits = 256 ** (4 - count) * newest(count)
                remainder += g.between(row.name, digits, size + count, size + count + 1)
        kept = {"quotient": quotient, "quotient before": before, "remainder": remainder}
        return _Digits(*(b.persist(name, expr) for name, expr in kept.items()))

    def byte(self) -> Expr:
        """The byte of the value: the digits in the other order; of a negative value less than 0."""
        s, g, one, b = self.s, self.g, self.s.one, self.b
        at = NOTHING
        for row in self.rows:
            place = s.position - 2 * s.byte_index + 2 * row.scratch * one
            digits = 4 if row.source == isa.REMAIN else row.operand_bytes
            at += g.between(row.name, place, row.scratch, row.scratch + digits)
        digit_at, below = b.persist("digit_at", at), self.negative
        plain = b.persist("plain_digit_at", Reglu("plain", digit_at._expr(), one - below))
        taken = b.persist("taken_digit_at", Reglu("below 0", digit_at._expr(), below._expr()))
        scratch = b.embedded["scratch"]
        added = b.gather("digit", scratch, plain) - b.gather("digit taken", scratch, taken)
        return b.persist("digit_byte", added)._expr()
