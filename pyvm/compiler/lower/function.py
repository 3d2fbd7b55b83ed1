"""Lowering of one wasm function: structured control -> labels and jumps, operands -> expressions.

Enters: a decoded, valid function.  Leaves: a `Function` of statements and expression trees.

Operands are kept as expressions until a statement needs them; then all of them are evaluated in
their order and stand on the operand stack.  Nothing is ever reordered.  The machine's operand
stack is one for all functions, so a branch drops what lies between the target's operands and its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pyvm.compiler.ir.function import (
    STACKED,
    Drop,
    Eval,
    Expr,
    Function,
    Jump,
    JumpTable,
    Label,
    Place,
    Return,
    Statement,
    Stop,
    const,
    get,
    put,
    stacked,
)
from pyvm.compiler.ir.rules import condition, simplified
from pyvm.compiler.ir.variables import MAX_DEPTH
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap
from pyvm.printable import printable
from pyvm.wasm.floats import integer_code, integer_function, integer_type, integer_types
from pyvm.wasm.module import FunctionType, Immediate, number, numbers
from pyvm.wasm.opcodes import OPCODES

_ROWS = {row.name: row for row in OPCODES.values()}
_COMPARISONS = {
    name
    for name, row in _ROWS.items()
    if row.results == ("i32",) and row.params and len(row.params) == 2 and not row.immediate
    and name.partition(".")[2] in "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
}  # fmt: skip


@dataclass
class _Block:
    """A block that is open."""

    op: str
    label: Label
    carried: tuple[str, ...]  # types of the operands that a branch carries
    results: tuple[str, ...]
    height: int  # operands below the block's own
    params: tuple[str, ...] = ()
    targeted: bool = False
    otherwise: Label | None = None  # of an if: its else
    branch: int = 0  # of an if: the index of its jump
    arm: int = 0  # of an else: the index where its arm begins


def lower(surroundings: Surroundings, index: int) -> Function:
    """Function `index`, which is not imported."""
    return _Lowering(surroundings, index).function()


@dataclass
class _Stub:
    """Out of line: a branch that has to drop operands, and those when it is taken."""

    label: Label
    block: _Block
    operands: list[Expr]
    at: int | None


class _Lowering:
    """A function while it is lowered."""

    def __init__(self, surroundings: Surroundings, index: int):
        self.surroundings, self.index = surroundings, index
        module = surroundings.module
        self.body = module.bodies[index - len(module.imported("func"))]
        self.name = module.function_name(index)
        self.type = integer_function(surroundings.types[index])
        self.kinds = [*self.type.params, *integer_types(self.body.locals)]
        self.code: list[Statement] = []
        self.stack: list[Expr] = []
        self.stubs: list[_Stub] = []
        self.blocks = [_Block("function", Label(), self.type.results, self.type.results, 0)]
        self.dead = 0  # depth of blocks that were opened in code that cannot be reached; 0: alive
        self.at: int | None = None

    def function(self) -> Function:
        for kind in (*self.type.params, *self.type.results):
            self._check_type(kind, self.body.at)
        for i in reversed(range(len(self.type.params))):
            self._emit(put(i, stacked(self.kinds[i])))
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
        for stub in self.stubs:
            self._emit(Place(stub.label))
            self.at = stub.at
            self.stack = stub.operands
            self._jump(stub.block)
        return Function(self.index, self.name, self.kinds, self.code)

    # -- operands and statements ----------------------------------------------------------------

    def _emit(self, statement: Statement) -> None:
        self.surroundings.spend()
        self.code.append(statement)

    def _push(self, value: Expr) -> None:
        self.stack.append(value)
        if value.depth > MAX_DEPTH:
            self._flush()

    def _pop(self) -> Expr:
        return self.stack.pop()

    def _take(self, count: int) -> tuple[Expr, ...]:
        start = len(self.stack) - count
        taken = tuple(self.stack[start:])
        del self.stack[start:]
        return taken

    def _flush(self) -> None:
        """Evaluates all pending operands, which are on top, onto the machine's stack."""
        first = len(self.stack)
        while first and self.stack[first - 1].op != STACKED:
            first -= 1
        for i in range(first, len(self.stack)):
            self._emit(Eval(self.stack[i]))
            self.stack[i] = stacked(self.stack[i].type)

    def _new_local(self, kind: str) -> int:
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def _do(self, op: str, *args: Expr, imm: int = 0, results: tuple[str, ...] = ()) -> None:
        """An operation with an effect; its results stand on the stack."""
        self._flush()
        value = Expr(op, results[0] if len(results) == 1 else "", args, imm, self.at)
        self._emit(Eval(rewritten_store(value)))
        self.stack += map(stacked, results)

    def _operation(self, op: str, arg: Immediate) -> None:
        row = _ROWS[op]
        params, results = row.params or (), row.results or ()
        if any(kind in ("f32", "f64") for kind in params + results):
            refusal = Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x}: there is no arithmetic of "
                "floats"
            )
            self._refuse(refusal, op)
            return
        self.surroundings.check_operation(op, self.name, self.at)
        args = self._take(len(params))
        if op.endswith(".const"):
            self._push(const(results[0], number(arg), self.at))
            return
        imm = numbers(arg)[1] if row.immediate == "memory" else 0
        if results:
            self._push(simplified(Expr(op, results[0], args, imm, self.at)))
        else:
            self._do(op, *args, imm=imm)

    def _refuse(self, refusal: Unsupported, op: str) -> None:
        self.surroundings.refused.setdefault(self.index, refusal)
        self._flush()
        self._emit(Stop(Trap.UNSUPPORTED, op, self.at))
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
        del self.stack[self.blocks[-1].height :]
        self.dead = 1

    def _open(self, op: str, kind: FunctionType) -> _Block:
        self._flush()
        carried = kind.params if op == "loop" else kind.results
        height = len(self.stack) - len(kind.params)
        block = _Block(op, Label(op), carried, kind.results, height, kind.params)
        self.blocks.append(block)
        return block

    def _block(self, kind: FunctionType) -> None:
        self._open("block", kind)

    def _loop(self, kind: FunctionType) -> None:
        self._emit(Place(self._open("loop", kind).label))

    def _if(self, kind: FunctionType) -> None:
        value = self._condition()
        block = self._open("if", kind)
        block.otherwise = Label("else")
        block.branch = len(self.code)
        self._emit(_jump_if(block.otherwise, value, True, self.at))

    def _condition(self) -> Expr:
        """The topmost operand, which is evaluated last of all."""
        value = self._pop()
        self._flush()
        return condition(value)

    def _else(self, _: object) -> None:
        block = self.blocks[-1]
        self._flush()
        self._start_else(block, reached=True)

    def _start_else(self, block: _Block, reached: bool) -> None:
        """Between the arms: a jump over the second, which `_close` may put first."""
        del self.stack[block.height :]
        if block.otherwise is None:
            raise AssertionError("an else has an if, in valid code")
        if reached:
            block.targeted = True
            self._emit(Jump(block.label))
        block.arm = len(self.code)
        self._emit(Place(block.otherwise))
        self.stack += map(stacked, block.params)

    def _end(self, _: object) -> None:
        self._close(reached=True)

    def _close(self, reached: bool) -> None:
        block = self.blocks[-1]
        if block.op == "function":
            if reached:
                self._jump(block)
            return
        if reached:
            self._flush()
        self.blocks.pop()
        if block.arm:
            reached = self._arrange(block, reached) or reached
        elif block.otherwise:  # an if without else
            self._emit(Place(block.otherwise))
            reached = True
        if block.op != "loop":
            self._emit(Place(block.label))
            reached = reached or block.targeted
        del self.stack[block.height :]
        self.stack += map(stacked, block.results)
        if not reached:
            self._die()

    def _arrange(self, block: _Block, reached: bool) -> bool:
        """Puts the second arm of an if first where its condition has no opposite that costs as
        little.
        """
        jump = self.code[block.branch]
        assert isinstance(jump, Jump)
        if not jump.negated:
            return False
        first, second = self.code[block.branch + 1 : block.arm], self.code[block.arm + 1 :]
        then = Label("then")
        del self.code[block.branch :]
        self.code.append(replace(jump, label=then, negated=False))
        self.code += second
        if reached:
            block.targeted = True
            self._emit(Jump(block.label))
        self._emit(Place(then))
        self.code += first
        return False

    def _jump(self, block: _Block) -> None:
        """An unconditional branch to a block's label, with the operands that it carries."""
        block.targeted = True
        start = len(self.stack) - len(block.carried)
        extra, carried = self.stack[block.height : start], self.stack[start:]
        if extra and (any(value.stacked for value in carried) or _waits_behind(extra)):
            self._flush()
            aside = [self._new_local(kind) for kind in block.carried]
            for local, kind in zip(reversed(aside), reversed(block.carried)):
                self._emit(put(local, stacked(kind), self.at))
            for value in reversed(extra):
                self._emit(Drop(Expr(STACKED, value.type, at=self.at)))
            for local, kind in zip(aside, block.carried):
                self._emit(Eval(get(local, kind, self.at)))
        else:
            pending = [value for value in extra if value.op != STACKED]
            for value in pending:
                self._emit(Drop(value))
            for value in reversed(extra[: len(extra) - len(pending)]):
                self._emit(Drop(Expr(STACKED, value.type, at=self.at)))
            for value in carried:
                if value.op != STACKED:
                    self._emit(Eval(value))
        self._emit(Return(at=self.at) if block.op == "function" else Jump(block.label, at=self.at))

    def _label_for(self, depth: int) -> Label:
        """A label for a conditional branch; operands are flushed."""
        block = self.blocks[-1 - depth]
        block.targeted = True
        if len(self.stack) == len(block.carried) + block.height and block.op != "function":
            return block.label
        label = Label("stub")
        self.surroundings.spend(len(self.stack))
        self.stubs.append(_Stub(label, block, list(self.stack), self.at))
        return label

    def _br(self, depth: int) -> None:
        self._jump(self.blocks[-1 - depth])
        self._die()

    def _br_if(self, depth: int) -> None:
        value = self._condition()
        if value.constant is not None:
            if value.constant:
                self._br(depth)
            return
        self._emit(_jump_if(self._label_for(depth), value, False, self.at))

    def _br_table(self, depths: tuple[int, ...]) -> None:
        index = self._pop()
        self._flush()
        labels = {depth: self._label_for(depth) for depth in dict.fromkeys(depths)}
        self.surroundings.spend(len(depths))
        self._emit(JumpTable(tuple(labels[depth] for depth in depths), index, self.at))
        self._die()

    def _return(self, _: object) -> None:
        self._jump(self.blocks[0])
        self._die()

    def _unreachable(self, _: object) -> None:
        self._flush()
        self._emit(Stop(Trap.UNREACHABLE, at=self.at))
        self._die()

    # -- variables, calls, memory ---------------------------------------------------------------

    def _drop(self, _: object) -> None:
        value = self._pop()
        if not value.pure:
            self._flush()
            self._emit(Drop(value))

    def _check_type(self, kind: str, at: int | None) -> None:
        if kind == "i64":
            self.surroundings.check_operation("i64.local.get", self.name, at)

    def _local_get(self, index: int) -> None:
        self._check_type(self.kinds[index], self.at)
        self._push(get(index, self.kinds[index], self.at))

    def _local_set(self, index: int) -> None:
        self._do("local.set", self._pop(), imm=index)

    def _local_tee(self, index: int) -> None:
        value = self._pop()
        self._push(Expr("local.tee", self.kinds[index], (value,), index, self.at))

    def _global_get(self, index: int) -> None:
        known = self.surroundings.constant_global(index)
        kind = integer_type(self.surroundings.module.globals[index].type)
        self._check_type(kind, self.at)
        if known is None:
            self._push(Expr("global.get", kind, (), index, self.at))
        else:
            self._push(const(kind, known, self.at))

    def _global_set(self, index: int) -> None:
        self._do("global.set", self._pop(), imm=index)

    def _select(self, _: object) -> None:
        x, y, z = self._take(3)
        self._push(simplified(Expr("select", x.type, (x, y, condition(z)), at=self.at)))

    def _call(self, index: int) -> None:
        kind = integer_function(self.surroundings.types[index])
        args = self._take(len(kind.params))
        if self.surroundings.is_output(index):
            self._do("output", *args)
            return
        try:
            self.surroundings.want(index, self.index)
        except Unsupported as error:
            raise Unsupported(
                f"call in {printable(self.name)} at offset {self.at:#x} of the import {error}"
            ) from None
        self._result("call", kind, args, index)

    def _call_indirect(self, type_index: int) -> None:
        kind = integer_function(self.surroundings.module.types[type_index])
        try:
            self.surroundings.want_type(type_index)
        except Unsupported as error:
            raise Unsupported(
                f"call_indirect in {printable(self.name)} at offset {self.at:#x} of the import "
                f"{error}"
            ) from None
        self._result("call_indirect", kind, self._take(len(kind.params) + 1), type_index)

    def _result(self, op: str, kind: FunctionType, args: tuple[Expr, ...], imm: int) -> None:
        if len(kind.results) == 1:
            self._push(Expr(op, kind.results[0], args, imm, self.at))
        else:
            self._do(op, *args, imm=imm, results=kind.results)

    def _memory_size(self, _: object) -> None:
        self._push(Expr("memory.size", "i32", at=self.at))

    def _memory_grow(self, _: object) -> None:
        self._push(Expr("memory.grow", "i32", (self._pop(),), at=self.at))

    def _bulk(self, op: str, segment: int = 0) -> None:
        self._do(op, *self._take(3), imm=segment)

    def _nothing(self, _: object) -> None:
        pass


def _waits_behind(extra: list[Expr]) -> bool:
    """Whether an operand that is still to be evaluated begins with one on the stack."""
    return any(value.stacked and value.op != STACKED for value in extra)


def _jump_if(label: Label, value: Expr, negated: bool, at: int | None) -> Jump:
    """A branch where the value is not zero, or where it is; comparisons are turned."""
    if value.op == "i32.eqz":
        return _jump_if(label, condition(value.args[0]), not negated, at)
    if negated and value.op in _COMPARISONS:
        opposite = simplified(Expr("i32.eqz", "i32", (value,), at=value.at))
        return Jump(label, opposite, False, at)
    return Jump(label, value, negated, at)


def rewritten_store(value: Expr) -> Expr:
    """A statement's expression, simple."""
    return value if value.type else simplified(value)


# What each instruction of control, variables, calls and memory does; all others are operations.
_HANDLERS: dict[str, Callable[[_Lowering, Any], None]] = {
    "nop": _Lowering._nothing,
    "unreachable": _Lowering._unreachable,
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
    "drop": _Lowering._drop,
    "select": _Lowering._select,
    "local.get": _Lowering._local_get,
    "local.set": _Lowering._local_set,
    "local.tee": _Lowering._local_tee,
    "global.get": _Lowering._global_get,
    "global.set": _Lowering._global_set,
    "memory.size": _Lowering._memory_size,
    "memory.grow": _Lowering._memory_grow,
    "memory.copy": lambda self, _: self._bulk("memory.copy"),
    "memory.fill": lambda self, _: self._bulk("memory.fill"),
    "memory.init": lambda self, segment: self._bulk("memory.init", segment),
    "data.drop": lambda self, segment: self._do("data.drop", imm=segment),
}
