"""The code of a function so far, and the operands that wait for it.

Enters: expressions and statements.  Leaves: statements.

Operands are kept as expressions until a statement needs them; then all of them are evaluated in
their order and stand on the operand stack.  Nothing is ever reordered.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import STACKED, Eval, Expr, Statement, stacked
from pyvm.compiler.ir.variables import MAX_DEPTH
from pyvm.compiler.lower.surroundings import Surroundings


class Pending:
    """code: statements.  stack: the operands; those that are evaluated are `stacked`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.code: list[Statement] = []
        self.stack: list[Expr] = []

    def emit(self, statement: Statement) -> None:
        self.surroundings.spend()
        self.code.append(statement)

    def push(self, value: Expr) -> None:
        self.stack.append(value)
        if value.depth > MAX_DEPTH:
            self.flush()

    def pop(self) -> Expr:
        return self.stack.pop()

    def take(self, count: int) -> tuple[Expr, ...]:
        start = len(self.stack) - count
        taken = tuple(self.stack[start:])
        del self.stack[start:]
        return taken

    def flush(self) -> None:
        """Evaluates all pending operands, which are on top, onto the machine's stack."""
        first = len(self.stack)
        while first and self.stack[first - 1].op != STACKED:
            first -= 1
        for i in range(first, len(self.stack)):
            self.emit(Eval(self.stack[i]))
            self.stack[i] = stacked(self.stack[i].type)
