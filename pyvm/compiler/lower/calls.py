"""Calls and tail calls, and the imports that are instructions.

Enters: what is called, and the operands that wait.  Leaves: calls.
"""

from __future__ import annotations

from pyvm.compiler.imports import AREA
from pyvm.compiler.ir.function import Expr, Label, TailCall, const, stacked
from pyvm.compiler.lower.branches import Block
from pyvm.compiler.lower.handlers import Handlers
from pyvm.compiler.lower.tables import TableInstructions
from pyvm.isa.errors import Unsupported
from pyvm.printable import printable
from pyvm.wasm.floats import integer_function, integer_types
from pyvm.wasm.module import FunctionType


class Calls(TableInstructions, Handlers):
    """What calls do."""

    def _call(self, index: int) -> None:
        kind = integer_function(self.surroundings.types[index])
        args = self.out.take(len(kind.params))
        if operation := self.surroundings.intrinsic(index):
            self._intrinsic(operation, args)
            return
        try:
            self.surroundings.want(index, self.index)
        except Unsupported as error:
            raise Unsupported(
                f"call in {printable(self.name)} at offset {self.at:#x} of the import {error}"
            ) from None
        throws = index in self.surroundings.exceptions.functions
        self._result("call", kind, args, index, throws)

    def _intrinsic(self, operation: str, args: tuple[Expr, ...]) -> None:
        if operation == AREA:
            self.surroundings.asks_area = True
            self.out.push(const("i32", self.surroundings.area, self.at))
            return
        self._do(operation, *args)
        if operation == "exit":
            self._die()

    def _call_indirect(self, places: tuple[int, int]) -> None:
        type_index, table = places
        kind = integer_function(self.surroundings.module.types[type_index])
        self._want_type(type_index, "call_indirect")
        *args, index = self.out.take(len(kind.params) + 1)
        if self.surroundings.tables.by_number:
            index = self._table_op("table.callee", table, index, kind="i32")
        known = self.surroundings.module.types[type_index]
        throws = known in self.surroundings.exceptions.types
        self._result("call_indirect", kind, (*args, index), type_index, throws)

    def _want_type(self, index: int, op: str) -> None:
        try:
            self.surroundings.want_type(index)
        except Unsupported as error:
            raise Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x} of the import {error}"
            ) from None

    def _return_call(self, index: int) -> None:
        tails = self.surroundings.tails
        if index not in tails.labels:  # an import
            self._call(index)
            self._return(None)
            return
        self._check_tail_call("return_call")
        self.surroundings.want(index, self.index)
        params = integer_types(self.surroundings.types[index].params)
        self._leave(params, TailCall(label=tails.labels[index]))

    def _return_call_indirect(self, places: tuple[int, int]) -> None:
        self._check_tail_call("return_call_indirect")
        type_index, table = places
        kind = integer_function(self.surroundings.module.types[type_index])
        self._want_type(type_index, "return_call_indirect")
        index = self.out.pop()
        if self.surroundings.tables.by_number:
            index = self._table_op("table.callee", table, index, kind="i32")
        self.out.push(Expr("element", "i32", (index,), type_index, self.at))
        self._leave((*kind.params, "i32"), TailCall(stacked("i32")))

    def _check_tail_call(self, op: str) -> None:
        if not self.surroundings.wide:
            raise Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x}: the base machine has no "
                "tail calls"
            )

    def _leave(self, carried: tuple[str, ...], end: TailCall) -> None:
        """The function ends with a call that takes the topmost operands."""
        self.branches.jump(Block("tail", Label(), carried, (), 0, end=end), self.at)
        self._die()

    def _result(
        self, op: str, kind: FunctionType, args: tuple[Expr, ...], imm: int, throws: bool
    ) -> None:
        if throws:
            only = kind.results[0] if len(kind.results) == 1 else ""
            self._attempt(Expr(op, only, args, imm, self.at), kind.results)
        elif len(kind.results) == 1:
            self.out.push(Expr(op, kind.results[0], args, imm, self.at))
        else:
            self._do(op, *args, imm=imm, results=kind.results)
