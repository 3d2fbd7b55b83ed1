"""Instructions of tables and element segments that lie in the memory (compiler/tables.py).

Enters: an instruction's table, and the operands that wait.  Leaves: an operation with the table's
address as its last operand.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import Expr, const
from pyvm.compiler.lower.state import State
from pyvm.isa.errors import Unsupported
from pyvm.printable import printable


class TableInstructions(State):
    """What instructions of tables do."""

    def _table_op(self, op: str, table: int, *args: Expr, kind: str = "") -> Expr:
        """An operation on a table in the memory, whose address is the last operand."""
        if not self.surroundings.wide:
            raise Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x}: the base machine has no "
                "tables that change"
            )
        place = const("i32", self.surroundings.tables.places[table])
        return Expr(op, kind, (*args, place), at=self.at)

    def _table_value(self, op: str, table: int, count: int = 0) -> None:
        self.out.push(self._table_op(op, table, *self.out.take(count), kind="i32"))

    def _table_effect(self, op: str, table: int, *more: Expr) -> None:
        self._do(op, *self._table_op(op, table, *self.out.take(3), *more).args)

    def _table_set(self, table: int) -> None:
        self._do("table.set", *self._table_op("table.set", table, *self.out.take(2)).args)

    def _table_copy(self, places: tuple[int, int]) -> None:
        source = self._table_op("table.copy", places[1]).args[0]
        self._table_effect("table.copy", places[0], source)

    def _table_init(self, places: tuple[int, int]) -> None:
        segment = const("i32", self.surroundings.tables.segments[places[0]])
        self._table_effect("table.copy", places[1], segment)

    def _elem_drop(self, segment: int) -> None:
        place = self.surroundings.tables.segments.get(segment)
        if place is not None:
            self._do("elem.drop", const("i32", place))
