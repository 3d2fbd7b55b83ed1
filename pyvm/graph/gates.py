"""Cases: what holds while an opcode is fetched, each at one or two neurons.

Enters: the point of the fetched opcode, and `k`, the number of bytes that its value has so far.
Leaves: expressions that are a given value in one case and 0 in every other, so that sums over cases
select.

The gate of an opcode is 1 when it is fetched and at most -margin otherwise, more than the longest
instruction has tokens.  Further conditions are subtracted from it; it stays at most 0 when they
fail:
    G - k        the opcode's first byte comes next          G + k - n    n bytes have been emitted
    G - flag     and the flag is 0                           G + flag - 1 and the flag is 1
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.graph.primitives import Expr, Linear, Reglu, total
from pyvm.graph.token_points import Language
from pyvm.isa.instructions import Instruction

# Times a gate of the standard machine (at most -64), or of the base machine (at most -6), these
# outweigh every difference of two words or keys (below 2**37 at call depths below 2**28).  Times a
# circle's square they still are exact float64 numbers, whatever the order of a sum.
FAR_GATE = {64: 1 << 31, 6: 1 << 37}
# Outweighs every difference of two words: of a condition beside the gate.
FAR_CONDITION = 1 << 37
# Outweighs every difference of two keys (below 2**41 at depths below 2**31, to which libtvm holds a
# run) in a gate without an opcode; four times a byte of it still is an exact float64.
FAR = 1 << 42

NOTHING = Expr()


def step(name: str, one: Linear, number: Linear) -> Expr:
    """1 when the integer `number` is positive, else 0."""
    return switch(name, one, one, number)


def switch(name: str, one: Linear, value: Linear, number: Linear) -> Expr:
    """value when the integer `number` is positive, else 0."""
    value = value._expr()
    return Reglu(name, value, number._expr()) - Reglu(name, value, number - one)


def at_zero(name: str, value: Linear, number: Linear, one: Linear) -> Expr:
    """value when the integer `number` is 0, else 0."""
    hat = ((1, number + one), (-2, number._expr()), (1, number - one))
    return total(weight * Reglu(name, value._expr(), gate) for weight, gate in hat)


@dataclass(frozen=True)
class Gates:
    """one, k: see above; x, y: the point of the fetched opcode; carry: the last token's mark."""

    language: Language
    one: Expr
    k: Expr
    x: Expr
    y: Expr
    carry: Expr

    def gate(self, op: str) -> Expr:
        """1 when op is fetched, else at most -margin."""
        x, y = self.language.opcode[op]
        return x * self.x + y * self.y - (self.language.circle.radius_sq - 1) * self.one

    def when(self, op: str, value: Linear, *conditions: Linear) -> Expr:
        """value when op is fetched and the sum of conditions is 0 (they are never positive)."""
        return Reglu(op, value._expr(), self.gate(op) + total(conditions))._expr()

    def first_bytes(self, op: str, value: Linear, count: int, *conditions: Linear) -> Expr:
        """value while fewer than count tokens of op have been emitted, and the conditions hold."""
        if count == 1:
            return self.when(op, value, -self.k, *conditions)
        gate = self.gate(op) + total(conditions)
        return switch(op, self.one, value, count * gate - self.k)

    def from_byte(self, op: str, value: Linear, count: int, *conditions: Linear) -> Expr:
        """value while at least count tokens of op have been emitted."""
        return self.when(op, value, *conditions) - self.first_bytes(op, value, count, *conditions)

    def between(self, op: str, value: Linear, first: int, end: int, *conditions: Linear) -> Expr:
        """value while first to end - 1 tokens of op have been emitted."""
        before_end = self.first_bytes(op, value, end, *conditions)
        if first == 0:
            return before_end
        return before_end - self.first_bytes(op, value, first, *conditions)

    def carried(self, row: Instruction) -> Expr:
        """1 when the last byte of the row's value, which is not complete, has a mark."""
        marked = self.gate(row.name) + self.carry - self.one
        complete = row.scratch + row.value_bytes
        return Reglu(row.name, self.one, marked) - Reglu(
            row.name, self.one, marked + self.k - complete * self.one
        )

    def far(self, op: str, condition: Linear = NOTHING) -> Expr:
        """0 when op is fetched and the condition 0, else far below zero."""
        factor = FAR_GATE[self.language.circle.margin]
        return factor * (self.gate(op) - self.one) + FAR_CONDITION * condition
