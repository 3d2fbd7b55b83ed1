"""The first Futamura projection: the program folded into the weights.

Enters: a program's instructions.  Leaves: the instruction at the cursor as a piecewise linear
function of the cursor, one neuron per instruction, in place of the fetches from a program prefix;
and the vocabulary of the specialised machine, whose prompt is `start` and the input.

(Y. Futamura, Partial evaluation of computation process, 1971.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyvm.graph.primitives import Expr, Linear, Persist, Reglu, total
from pyvm.graph.state import Fetched
from pyvm.graph.token_points import Language
from pyvm.isa.instructions import IMMEDIATE, INSTRUCTIONS, SKIP


def specialized_vocabulary(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """`start`, then a machine's vocabulary without the tokens of programs."""
    program_only = {"{", "}", *INSTRUCTIONS} - {"halt"}
    return ("start", *(token for token in vocabulary if token not in program_only))


@dataclass(frozen=True)
class ProgramTable:
    """A program as (opcode, immediate) per instruction."""

    instructions: Sequence[tuple[str, int]]

    def instruction(
        self,
        language: Language,
        persist: Callable[[str, Linear], Persist],
        cursor: Linear,
        one: Expr | Linear,
    ) -> Fetched:
        """The instruction at the cursor. Opcode points and single bytes are small, so that every
        partial sum of hinges stays an exact integer in float64.

        Behind the program stands `halt`, for a cursor that a trap sends there.  A number of eight
        bytes has all of them in its first row.
        """
        count = max(row.value_bytes for row in language.rows if row.source == IMMEDIATE)
        rows = [
            (*language.opcode[op], *self._immediate(i).to_bytes(count, "little"))
            for i, (op, _) in enumerate(self.instructions)
        ]
        rows += 2 * [(*language.opcode["halt"], *bytes(count))]
        names = ("fetched_x", "fetched_y", *(f"immediate_{j}" for j in range(count)))
        x, y, *octets = (
            persist(name, self._function(name, [row[c] for row in rows], cursor, one))._expr()
            for c, name in enumerate(names)
        )
        word = total((1 << 8 * j) * octet for j, octet in enumerate(octets[:4]))
        return Fetched(x=x, y=y, immediate=word, immediate_bytes=tuple(octets))

    def _immediate(self, i: int) -> int:
        op, immediate = self.instructions[i]
        if INSTRUCTIONS[op].completion == SKIP:
            return immediate | self.instructions[i + 1][1] << 32
        return immediate

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
