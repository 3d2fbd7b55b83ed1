"""div, rem: long division in base 256, the highest digit first.

Enters: the state.  Leaves: the value of the next token (a digit, as a scratch token, or a byte),
the type where it traps.

With a, b the sizes of the operands, digit j of the quotient is what remains of a, less what the
higher digits stand for, by b 256^j.  A remainder's digits follow in the same way, of what then
remains, by 256^j.  Two levels of thresholds give a digit: sixteens, then ones.  The bytes of the
value are the digits, the lowest first, or are subtracted from 0.
"""

from __future__ import annotations

from pyvm.graph.gates import NOTHING, Gates, step
from pyvm.graph.primitives import Expr, Persist, Reglu, total
from pyvm.graph.state import Builder, MachineState
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import Instruction
from pyvm.isa.tokens import Kind, trap_token
from pyvm.isa.traps import Trap

_WORD = 1 << 32


class Divider:
    """The four divisions of words; methods in the order of the layers."""

    def __init__(self, b: Builder, s: MachineState, g: Gates) -> None:
        self.b, self.s, self.g = b, s, g
        self.rows = [r for r in g.language.rows if r.source in (isa.DIVIDE, isa.REMAIN)]
        self.remainders = [row for row in self.rows if row.source == isa.REMAIN]

    def kind(self) -> Expr:
        """The trap instead of the first digit."""
        s, g, types = self.s, self.g, self.g.language.types
        kind = NOTHING
        for row in self.rows:
            by_zero = types[trap_token(Trap.DIVIDE_BY_ZERO)] - types[Kind.SCRATCH]
            kind += by_zero * g.when(row.name, s.one, -s.byte_index, -s.top)
            if row.source == isa.DIVIDE and self._signed(row):
                # -2^31 by -1: both distances, which are not negative, are 0.
                away = (_WORD - 1) * s.one - s.top + s.second - _WORD // 2 * s.second_sign
                away += _WORD * (s.one - s.second_sign)
                overflow = types[trap_token(Trap.INTEGER_OVERFLOW)] - types[Kind.SCRATCH]
                # The gate outweighs whatever `away` might be where its terms are not known.
                both = Reglu(row.name, s.one, s.one - away + g.far(row.name, -s.byte_index))
                kind += overflow * both
        return kind

    def _signed(self, row: Instruction) -> bool:
        return row.operation.endswith("_s")

    def _size(self, word: Expr, sign: Expr) -> Expr:
        """The size of an operand, where a division is fetched."""
        g, one = self.g, self.s.one
        size = NOTHING
        for row in self.rows:
            size += g.when(row.name, word)
            if self._signed(row):
                size += g.when(row.name, _WORD * one - 2 * word, sign - one)
        return size

    def value(self) -> Expr:
        """The digit where a division is fetched and digits come, else 0."""
        b, s, g, one = self.b, self.s, self.g, self.s.one
        dividend = b.persist("dividend", self._size(s.second, s.second_sign))
        divisor = b.persist("divisor", self._size(s.top, s.top_sign))
        comes = b.persist(
            "digit comes", total(g.first_bytes(row.name, one, row.scratch) for row in self.rows)
        )
        quotient, remainder = self._so_far()
        taken = b.persist("divided", Reglu("divided", divisor._expr(), quotient._expr()))
        rest = dividend - taken - remainder
        unit = b.persist("unit", self._unit(divisor))
        off = (1 << 42) * (one - comes)
        high = total(
            step(f"digit {d} 16", one, rest - 16 * d * unit + one - off) for d in range(1, 16)
        )
        high_digit = b.persist("high_digit", high)
        # A product of its own: times the distance to a threshold a unit is beyond 2^53.
        high_part = b.persist("high_part", Reglu("high_part", unit._expr(), high_digit._expr()))
        left = rest - 16 * high_part + one - off
        low = total(step(f"digit {d}", one, left - d * unit) for d in range(1, 16))
        return 16 * high_digit + b.persist("low_digit", low)

    def _unit(self, divisor: Persist) -> Expr:
        """b 256^j where digit j of the quotient comes, but at most 2^32, which no rest reaches;
        256^j where that of a remainder does."""
        b, g, one = self.b, self.g, self.s.one
        ones, unit = NOTHING, NOTHING
        for j in range(4):
            comes = b.persist(
                f"quotient digit {j}",
                total(g.between(row.name, one, 3 - j, 4 - j) for row in self.rows),
            )
            # Below 2^53 whatever is added up: a size is not multiplied before it is compared.
            # Where another digit comes, the gate is not above 0.
            less = (_WORD >> 8 * j) * comes - divisor
            unit += _WORD * Reglu(f"unit {j}", one, comes._expr())
            unit -= 256**j * Reglu(f"unit {j}", one, less)
            for row in self.remainders:
                ones += 256**j * g.between(row.name, one, 7 - j, 8 - j)
        kept = b.persist("remainder unit", ones)
        return unit + Reglu("unit", one, kept._expr())

    def _so_far(self) -> tuple[Expr | Persist, Expr | Persist]:
        """What the digits that are there stand for: of the quotient, of the remainder."""
        b, s, g = self.b, self.s, self.g
        scratch = b.embedded["scratch"]
        last = [
            scratch,
            *(
                b.persist(
                    f"scratch {i} back",
                    b.gather(f"scratch {i} back", scratch, s.position - i * s.one),
                )
                for i in (1, 2)
            ),
        ]
        begin = s.position - s.byte_index + s.one
        whole = b.persist(
            "all digits",
            total(
                256 ** (3 - t) * b.gather(f"digit {3 - t}", scratch, begin + t * s.one)
                for t in range(4)
            ),
        )
        quotient, remainder = NOTHING, NOTHING
        for count in (1, 2, 3):  # digits that are there; the last one is digit 4 - count
            digits = total(256 ** (4 - count + i) * last[i] for i in range(count))
            for row in self.rows:
                quotient += g.between(row.name, digits, count, count + 1)
            for row in self.remainders:
                remainder += g.between(row.name, digits, 4 + count, 5 + count)
        for row in self.remainders:
            quotient += g.between(row.name, whole, 4, 8)
        return b.persist("quotient", quotient), b.persist("remainder", remainder)

    def byte(self) -> Expr:
        """The byte of the value: the digits in the other order; of a negative value less than 0."""
        s, g, one, b = self.s, self.g, self.s.one, self.b
        at, negative = NOTHING, NOTHING
        for row in self.rows:
            place = s.position - 2 * s.byte_index + 2 * row.scratch * one
            at += g.between(row.name, place, row.scratch, row.scratch + row.value_bytes)
            if not self._signed(row):
                continue
            if row.source == isa.DIVIDE:
                negative += g.when(row.name, one, s.second_sign - one, -s.top_sign)
                negative += g.when(row.name, one, s.top_sign - one, -s.second_sign)
            else:
                negative += g.when(row.name, one, s.second_sign - one)
        digit_at, below = b.persist("digit_at", at), b.persist("negative", negative)
        plain = b.persist("plain_digit_at", Reglu("plain", digit_at._expr(), one - below))
        taken = b.persist("taken_digit_at", Reglu("below 0", digit_at._expr(), below._expr()))
        scratch = b.embedded["scratch"]
        added = b.gather("digit", scratch, plain) - b.gather("digit taken", scratch, taken)
        return b.persist("digit_byte", added)._expr()
