"""Lowering of one wasm function: structured control -> labels and jumps, operands -> expressions.

Enters: a decoded, valid function.  Leaves: a `Function` of statements and expression trees.

Operands wait as expressions (pending.py).  The machine's operand stack is one for all functions, so
a branch drops what lies between the target's operands and its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvm.compiler.ir.function import (
    COMPUTE,
    COMPUTE_OR_TRAP,
    JOIN,
    Drop,
    Expr,
    Function,
    Stop,
    const,
    get,
    put,
    stacked,
)
from pyvm.compiler.ir.rules import condition, half, simplified
from pyvm.compiler.lower.calls import Calls
from pyvm.compiler.lower.control import Control
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap
from pyvm.printable import printable
from pyvm.wasm.floats import integer_code, integer_type
from pyvm.wasm.missing import is_stub
from pyvm.wasm.module import Immediate, number, numbers
from pyvm.wasm.opcodes import OPCODES, Opcode

# Instructions of WebAssembly, and what the library of floats has beside them.
_ROWS = {row.name: row for row in OPCODES.values()} | {
    name: Opcode(name, "", operands, (result,))
    for name, operands, result in (
        ("i64.sticky", ("i64", "i64"), "i64"),
        ("i64.mul_high_u", ("i64", "i64"), "i64"),
        ("i64.div_word_u", ("i64", "i32"), "i64"),
        (JOIN, ("i32", "i32"), "i64"),
        ("i64.lower", ("i64",), "i32"),
        ("i64.upper", ("i64",), "i32"),
    )
}  # fmt: skip


def lower(surroundings: Surroundings, index: int) -> Function:
    """Function `index`, which is not imported."""
    return _Lowering(surroundings, index).function()


class _Lowering(Calls, Control):
    """A function while it is lowered."""

    def function(self) -> Function:
        if is_stub(self.body):  # it takes nothing: nobody comes back
            _, why, self.at = self.body.code[0]
            self._refuse(Unsupported(str(why), self.at), str(why))
            return Function(self.index, self.name, [], self.out.code)
        for kind in (*self.type.params, *self.type.results):
            self._check_type(kind, self.body.at)
        for i in reversed(range(len(self.type.params))):
            self.out.emit(put(i, stacked(self.kinds[i])))
        for op, arg, at in integer_code(self.body.code):
            if self.dead:
                self._skip(op, arg, at)
                continue
            self.at = at
            handler = _HANDLERS.get(op)
            if handler:
                handler(self, arg)
            else:
                self._operation(op, arg)
        self.branches.place_stubs()
        self._place_handlers()
        return Function(self.index, self.name, self.kinds, self.out.code)

    # -- operands and statements ----------------------------------------------------------------

    def _operation(self, op: str, arg: Immediate) -> None:
        if op in self.surroundings.floats:
            self._compute(op)
            return
        row = _ROWS[op]
        params, results = row.params or (), row.results or ()
        if any(kind in ("f32", "f64") for kind in params + results):
            refusal = Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x}: the base machine has no "
                "floats",
                self.at,
            )
            self._refuse(refusal, op)
            return
        self.surroundings.check_operation(op, self.name, self.at)
        args = self.out.take(len(params))
        if op.endswith(".const"):
            self.out.push(const(results[0], number(arg), self.at))
            return
        imm = numbers(arg)[1] if row.immediate == "memory" else 0
        if op in ("i64.lower", "i64.upper"):
            self.out.push(half(args[0], op == "i64.upper"))
        elif results:
            self.out.push(simplified(Expr(op, results[0], args, imm, self.at)))
        else:
            self._do(op, *args, imm=imm)

    def _compute(self, op: str) -> None:
        """An instruction of floats is a call of the function that computes it."""
        index = self.surroundings.floats[op]
        kind = self.surroundings.types[index]
        self.surroundings.want(index, self.index)
        call = COMPUTE_OR_TRAP if ".trunc_f" in op else COMPUTE
        args = self.out.take(len(kind.params))
        self.out.push(Expr(call, kind.results[0], args, index, self.at))

    def _copysign(self, kind: str) -> None:
        """The sign of the second, the rest of the first."""
        sign = 1 << (63 if kind == "i64" else 31)
        first, second = self.out.take(2)
        if second.stacked:  # it lies above the first, which is to be changed
            local = self._new_local(kind)
            self.out.emit(put(local, second, self.at))
            second = get(local, kind, self.at)
        x, y = (
            simplified(Expr(f"{kind}.and", kind, (value, const(kind, mask)), at=self.at))
            for value, mask in ((first, sign - 1), (second, sign))
        )
        self.out.push(simplified(Expr(f"{kind}.or", kind, (x, y), at=self.at)))

    def _refuse(self, refusal: Unsupported, op: str) -> None:
        self.surroundings.refused.setdefault(self.index, refusal)
        self.out.flush()
        self.out.emit(Stop(Trap.UNSUPPORTED, op, self.at))
        self._die()

    # -- variables, calls, memory ---------------------------------------------------------------

    def _drop(self, _: object) -> None:
        value = self.out.pop()
        if not value.pure:
            self.out.flush()
            self.out.emit(Drop(value))

    def _check_type(self, kind: str, at: int | None) -> None:
        if kind == "i64":
            self.surroundings.check_operation("i64.local.get", self.name, at)

    def _local_get(self, index: int) -> None:
        self._check_type(self.kinds[index], self.at)
        self.out.push(get(index, self.kinds[index], self.at))

    def _local_set(self, index: int) -> None:
        self._do("local.set", self.out.pop(), imm=index)

    def _local_tee(self, index: int) -> None:
        value = self.out.pop()
        self.out.push(Expr("local.tee", self.kinds[index], (value,), index, self.at))

    def _global_get(self, index: int) -> None:
        known = self.surroundings.constant_global(index)
        kind = integer_type(self.surroundings.module.globals[index].type)
        self._check_type(kind, self.at)
        if known is None:
            self.out.push(Expr("global.get", kind, (), index, self.at))
        else:
            self.out.push(const(kind, known, self.at))

    def _global_set(self, index: int) -> None:
        self._do("global.set", self.out.pop(), imm=index)

    def _select(self, _: object) -> None:
        x, y, z = self.out.take(3)
        self.out.push(simplified(Expr("select", x.type, (x, y, condition(z)), at=self.at)))

    def _memory_size(self, _: object) -> None:
        self.out.push(Expr("memory.size", "i32", at=self.at))

    def _memory_grow(self, _: object) -> None:
        self.out.push(Expr("memory.grow", "i32", (self.out.pop(),), at=self.at))

    def _bulk(self, op: str, segment: int = 0) -> None:
        self._do(op, *self.out.take(3), imm=segment)

    def _nothing(self, _: object) -> None:
        pass


# What each instruction of control, variables, calls and memory does; all others are operations.
_HANDLERS: dict[str, Callable[[_Lowering, Any], None]] = {
    "nop": _Lowering._nothing,
    "unreachable": lambda self, _: self._trap(Trap.UNREACHABLE),
    "output": lambda self, _: self._do("output", self.out.pop()),
    "output_error": lambda self, _: self._do("output_error", self.out.pop()),
    "trap.overflow": lambda self, _: self._trap(Trap.INTEGER_OVERFLOW),
    "trap.conversion": lambda self, _: self._trap(Trap.INVALID_CONVERSION),
    "trap.null_exception": lambda self, _: self._trap(Trap.NULL_REFERENCE),
    "block": _Lowering._block,
    "loop": _Lowering._loop,
    "if": _Lowering._if,
    "else": _Lowering._else,
    "end": _Lowering._end,
    "br": _Lowering._br,
    "br_if": _Lowering._br_if,
    "br_table": _Lowering._br_table,
    "return": _Lowering._return,
    "call": _Lowering._call,
    "call_indirect": _Lowering._call_indirect,
    "return_call": _Lowering._return_call,
    "return_call_indirect": _Lowering._return_call_indirect,
    "raise": _Lowering._raise,
    "try": _Lowering._try,
    "catch": _Lowering._catch,
    "catch_all": _Lowering._catch,
    "delegate": _Lowering._delegate,
    "drop": _Lowering._drop,
    "select": _Lowering._select,
    "f32.copysign": lambda self, _: self._copysign("i32"),
    "f64.copysign": lambda self, _: self._copysign("i64"),
    "local.get": _Lowering._local_get,
    "local.set": _Lowering._local_set,
    "local.tee": _Lowering._local_tee,
    "global.get": _Lowering._global_get,
    "global.set": _Lowering._global_set,
    "table.get": lambda self, table: self._table_value("table.get", table, 1),
    "table.size": lambda self, table: self._table_value("table.size", table),
    "table.grow": lambda self, table: self._table_value("table.grow", table, 2),
    "table.set": _Lowering._table_set,
    "table.fill": lambda self, table: self._table_effect("table.fill", table),
    "table.copy": _Lowering._table_copy,
    "table.init": _Lowering._table_init,
    "elem.drop": _Lowering._elem_drop,
    "memory.size": _Lowering._memory_size,
    "memory.grow": _Lowering._memory_grow,
    "memory.copy": lambda self, _: self._bulk("memory.copy"),
    "memory.fill": lambda self, _: self._bulk("memory.fill"),
    "memory.init": lambda self, segment: self._bulk("memory.init", segment),
    "data.drop": lambda self, segment: self._do("data.drop", imm=segment),
}
