"""Lowering of one wasm function: structured control -> labels and jumps, operands -> expressions.

Enters: a decoded, valid function.  Leaves: a `Function` of statements and expression trees.

Operands wait as expressions (pending.py).  The machine's operand stack is one for all functions, so
a branch drops what lies between the target's operands and its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyvm.compiler.imports import AREA
from pyvm.compiler.ir.function import (
    COMPUTE,
    COMPUTE_OR_TRAP,
    Drop,
    Eval,
    Expr,
    Function,
    Jump,
    JumpTable,
    Label,
    Place,
    Return,
    Stop,
    TailCall,
    const,
    get,
    put,
    stacked,
)
from pyvm.compiler.ir.rules import condition, simplified
from pyvm.compiler.lower.branches import Block, Branches, jump_if
from pyvm.compiler.lower.pending import Pending
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap
from pyvm.printable import printable
from pyvm.wasm.floats import integer_code, integer_function, integer_type, integer_types
from pyvm.wasm.module import FunctionType, Immediate, number, numbers
from pyvm.wasm.opcodes import OPCODES, Opcode

# Instructions of WebAssembly, and those of the machine that the library of floats uses.
_ROWS = {row.name: row for row in OPCODES.values()} | {
    name: Opcode(name, "", ("i64", second), ("i64",))
    for name, second in (
        ("i64.sticky", "i64"), ("i64.mul_high_u", "i64"), ("i64.div_word_u", "i32")
    )
}  # fmt: skip


def lower(surroundings: Surroundings, index: int) -> Function:
    """Function `index`, which is not imported."""
    return _Lowering(surroundings, index).function()


class _Lowering:
    """A function while it is lowered."""

    def __init__(self, surroundings: Surroundings, index: int):
        self.surroundings, self.index = surroundings, index
        module = surroundings.module
        self.body = module.bodies[index - len(module.imported("func"))]
        self.name = module.function_name(index)
        self.type = integer_function(surroundings.types[index])
        self.kinds = [*self.type.params, *integer_types(self.body.locals)]
        self.out = Pending(surroundings)
        results = self.type.results
        whole = Block("function", Label(), results, results, 0, end=Return())
        self.branches = Branches(self.out, whole, self._new_local)
        self.blocks = self.branches.blocks
        self.dead = 0  # depth of blocks that were opened in code that cannot be reached; 0: alive
        self.at: int | None = None

    def function(self) -> Function:
        for kind in (*self.type.params, *self.type.results):
            self._check_type(kind, self.body.at)
        for i in reversed(range(len(self.type.params))):
            self.out.emit(put(i, stacked(self.kinds[i])))
        for op, arg, at in integer_code(self.body.code):
            if self.dead:
                self._skip(op)
                continue
            self.at = at
            handler = _HANDLERS.get(op)
            if handler:
                handler(self, arg)
            else:
                self._operation(op, arg)
        self.branches.place_stubs()
        return Function(self.index, self.name, self.kinds, self.out.code)

    # -- operands and statements ----------------------------------------------------------------

    def _new_local(self, kind: str) -> int:
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def _do(self, op: str, *args: Expr, imm: int = 0, results: tuple[str, ...] = ()) -> None:
        """An operation with an effect; its results stand on the stack."""
        self.out.flush()
        value = Expr(op, results[0] if len(results) == 1 else "", args, imm, self.at)
        self.out.emit(Eval(value if value.type else simplified(value)))
        self.out.stack += map(stacked, results)

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
        if results:
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

    def _trap(self, kind: Trap) -> None:
        self.out.flush()
        self.out.emit(Stop(kind, at=self.at))
        self._die()

    def _refuse(self, refusal: Unsupported, op: str) -> None:
        self.surroundings.refused.setdefault(self.index, refusal)
        self.out.flush()
        self.out.emit(Stop(Trap.UNSUPPORTED, op, self.at))
        self._die()

    # -- control --------------------------------------------------------------------------------

    def _skip(self, op: str) -> None:
        """Code that cannot be reached: only its nesting counts."""
        if op in ("block", "loop", "if"):
            self.dead += 1
        elif op == "else" and self.dead == 1:
            self.dead = 0
            self._start_else(self.blocks[-1], reached=False)
        elif op == "end":
            self.dead -= 1
            if not self.dead:
                self._close(reached=False)

    def _die(self) -> None:
        del self.out.stack[self.blocks[-1].height :]
        self.dead = 1

    def _open(self, op: str, kind: FunctionType) -> Block:
        self.out.flush()
        carried = kind.params if op == "loop" else kind.results
        height = len(self.out.stack) - len(kind.params)
        block = Block(op, Label(op), carried, kind.results, height, kind.params)
        self.blocks.append(block)
        return block

    def _block(self, kind: FunctionType) -> None:
        self._open("block", kind)

    def _loop(self, kind: FunctionType) -> None:
        self.out.emit(Place(self._open("loop", kind).label))

    def _if(self, kind: FunctionType) -> None:
        value = self._condition()
        block = self._open("if", kind)
        block.otherwise = Label("else")
        block.branch = len(self.out.code)
        self.out.emit(jump_if(block.otherwise, value, True, self.at))

    def _condition(self) -> Expr:
        """The topmost operand, which is evaluated last of all."""
        value = self.out.pop()
        self.out.flush()
        return condition(value)

    def _else(self, _: object) -> None:
        block = self.blocks[-1]
        self.out.flush()
        self._start_else(block, reached=True)

    def _start_else(self, block: Block, reached: bool) -> None:
        """Between the arms: a jump over the second, which `_close` may put first."""
        del self.out.stack[block.height :]
        if block.otherwise is None:
            raise AssertionError("an else has an if, in valid code")
        if reached:
            block.targeted = True
            self.out.emit(Jump(block.label))
        block.arm = len(self.out.code)
        self.out.emit(Place(block.otherwise))
        self.out.stack += map(stacked, block.params)

    def _end(self, _: object) -> None:
        self._close(reached=True)

    def _close(self, reached: bool) -> None:
        block = self.blocks[-1]
        if block.op == "function":
            if reached:
                self.branches.jump(block, self.at)
            return
        if reached:
            self.out.flush()
        self.blocks.pop()
        if block.arm:
            reached = self._arrange(block, reached) or reached
        elif block.otherwise:  # an if without else
            self.out.emit(Place(block.otherwise))
            reached = True
        if block.op != "loop":
            self.out.emit(Place(block.label))
            reached = reached or block.targeted
        del self.out.stack[block.height :]
        self.out.stack += map(stacked, block.results)
        if not reached:
            self._die()

    def _arrange(self, block: Block, reached: bool) -> bool:
        """Puts the second arm of an if first where its condition has no opposite that costs as
        little.
        """
        jump = self.out.code[block.branch]
        assert isinstance(jump, Jump)
        if not jump.negated:
            return False
        first, second = self.out.code[block.branch + 1 : block.arm], self.out.code[block.arm + 1 :]
        then = Label("then")
        del self.out.code[block.branch :]
        self.out.code.append(replace(jump, label=then, negated=False))
        self.out.code += second
        if reached:
            block.targeted = True
            self.out.emit(Jump(block.label))
        self.out.emit(Place(then))
        self.out.code += first
        return False

    def _br(self, depth: int) -> None:
        self.branches.jump(self.blocks[-1 - depth], self.at)
        self._die()

    def _br_if(self, depth: int) -> None:
        value = self._condition()
        if value.constant is not None:
            if value.constant:
                self._br(depth)
            return
        self.out.emit(jump_if(self.branches.label_for(depth, self.at), value, False, self.at))

    def _br_table(self, depths: tuple[int, ...]) -> None:
        index = self.out.pop()
        self.out.flush()
        labels = {depth: self.branches.label_for(depth, self.at) for depth in dict.fromkeys(depths)}
        self.surroundings.spend(len(depths))
        self.out.emit(JumpTable(tuple(labels[depth] for depth in depths), index, self.at))
        self._die()

    def _return(self, _: object) -> None:
        self.branches.jump(self.blocks[0], self.at)
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
        self._result("call", kind, args, index)

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
            index = self._table_op("table.get", table, index, kind="i32")
        self._result("call_indirect", kind, (*args, index), type_index)

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
            index = self._table_op("table.get", table, index, kind="i32")
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

    def _result(self, op: str, kind: FunctionType, args: tuple[Expr, ...], imm: int) -> None:
        if len(kind.results) == 1:
            self.out.push(Expr(op, kind.results[0], args, imm, self.at))
        else:
            self._do(op, *args, imm=imm, results=kind.results)

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
    "trap.overflow": lambda self, _: self._trap(Trap.INTEGER_OVERFLOW),
    "trap.conversion": lambda self, _: self._trap(Trap.INTEGER_OVERFLOW),
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
