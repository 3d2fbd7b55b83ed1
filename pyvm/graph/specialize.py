"""The first Futamura projection: the program folded into the weights.

Enters: a program's instructions.  Leaves: the instruction at the cursor as a piecewise linear
function of the cursor, one neuron per instruction, in place of the fetches from a program prefix;
and the vocabulary of the specialised machine, whose prompt is `start` and the input.

(Y. Futamura, Partial evaluation of computation process, 1971.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyvm.graph.dispatch import Fetched
from pyvm.graph.primitives import Expr, Linear, Persist, Reglu
from pyvm.graph.token_points import OPCODE_POINTS
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import VOCABULARY


def specialized_vocabulary() -> tuple[str, ...]:
    """`start`, then the standard vocabulary without the tokens of programs."""
    program_only = {"{", "}", *INSTRUCTIONS} - {"halt"}
    return ("start", *(token for token in VOCABULARY if token not in program_only))


@dataclass(frozen=True)
class ProgramTable:
    """A program as (opcode, immediate) per instruction."""

    instructions: Sequence[tuple[str, int]]

    def instruction(
        self, persist: Callable[[str, Linear], Persist], cursor: Linear, one: Expr | Linear
    ) -> Fetched:
        """The instruction at the cursor. Opcode points and single bytes are small, so that every
        partial sum of hinges stays an exact integer in float64."""
        rows = [
            (*OPCODE_POINTS[op], *immediate.to_bytes(4, "little"))
            for op, immediate in self.instructions
        ]
        names = ("fetched_x", "fetched_y", *(f"immediate_{j}" for j in range(4)))
        x, y, *octets = (
            persist(name, self._function(name, [row[c] for row in rows], cursor, one))._expr()
            for c, name in enumerate(names)
        )
        word = Expr()
        for j, octet in enumerate(octets):
            word = word + (1 << 8 * j) * octet
        return Fetched(x=x, y=y, immediate=word, immediate_bytes=tuple(octets))

    @staticmethod
    def _function(name: str, values: Sequence[int], cursor: Linear, one: Linear) -> Expr:
        """The piecewise linear function with values[c] at every c in 0 .. len - 1."""
        hinges = Expr({Reglu(name, one._expr(), one._expr()): values[0]} if values[0] else {})
        slope = 0
        for c in range(len(values) - 1):
            bend = values[c + 1] - values[c] - slope
            if bend:
                hinges = hinges + bend * Reglu(name, one._expr(), cursor - c * one)
                slope += bend
        return hinges
