"""Lowering of variables, memory and calls; everything else is an expression.

Enters: instructions, whose operands are the topmost pending ones.  Leaves: machine code for those
with an effect, an expression for the others.
"""

from __future__ import annotations

from pyvm.compiler.ir.expression import FULL, Node, const, node, stacked
from pyvm.compiler.ir.variables import Variable
from pyvm.compiler.link.assembly import Label
from pyvm.compiler.lower.control import Control
from pyvm.isa.errors import Unsupported
from pyvm.isa.traps import Trap
from pyvm.printable import printable
from pyvm.wasm.floats import integer_function
from pyvm.wasm.module import Immediate, number, numbers
from pyvm.wasm.opcodes import OPCODES

_ROWS = {row.name: row for row in OPCODES.values()}


class Statements(Control):
    def _op_nop(self, _: object, at: int) -> None:
        pass

    def _op_drop(self, _: object, at: int) -> None:
        item = self._pop()
        if item.op != "stacked" and item.pure and not item.on_stack:
            return
        self._flush()
        self.s.value(item)
        self._drop(item.type)

    def _op_local_get(self, index: int, at: int) -> None:
        kind = self.kinds[index]
        may = self.known.get(index)
        self._push(self._variable_node("local.get", kind, self.frame.variables[index], at, may))

    def _variable_node(
        self, op: str, kind: str, variables: tuple[Variable, ...], at: int, may: int | None = None
    ) -> Node:
        return Node(op, kind, (), variables, at, FULL[kind] if may is None else may)

    def _op_local_set(self, index: int, at: int) -> None:
        item = self._pop()
        self.known.set(index, item.may)
        self._flush()
        self.s.set(self.frame.variables[index], item)

    def _op_local_tee(self, index: int, at: int) -> None:
        item = self._pop()
        self.known.set(index, item.may)
        variables = self.frame.variables[index]
        if len(variables) == 1 and variables[0].kind == "local":
            self._push(Node("local.tee", "i32", (item,), variables[0].index, at, item.may))
            return
        self._flush()
        self.s.set(variables, item)
        self._push(self._variable_node("local.get", self.kinds[index], variables, at, item.may))

    def _op_global_get(self, index: int, at: int) -> None:
        variables = self.context.globals[index]
        kind = "i64" if len(variables) == 2 else "i32"
        self._push(self._variable_node("global.get", kind, variables, at))

    def _op_global_set(self, index: int, at: int) -> None:
        variables = self.context.globals[index]
        item = self._pop()
        self._flush()
        self.s.set(variables, item)

    def _store(self, op: str, offset: int, at: int) -> None:
        item, address = self._pop(), self._pop()
        self._flush()
        if item.on_stack and not address.on_stack:
            raise AssertionError("an operand below a pending one is always evaluated first")
        self.s.store(op, address, item, offset, at)

    def _arguments(self, params: tuple[str, ...]) -> tuple[Node, ...]:
        start = len(self.stack) - len(params)
        arguments = tuple(self.stack[start:])
        del self.stack[start:]
        return arguments

    def _unit_of(self, index: int, op: str, at: int) -> str:
        try:
            return self.context.unit_of(index, self.index, op == "call")
        except Unsupported as error:
            raise Unsupported(
                f"{op} in {printable(self.name)} at offset {at:#x} of the import {error}"
            ) from None

    def _op_call(self, index: int, at: int) -> None:
        kind = integer_function(self.context.types[index])
        if self.context.is_output(index):
            item = self._pop()
            self._flush()
            self.s.value(item)
            self.s.at = at
            self.s.emit("output")
            return
        arguments = self._arguments(kind.params)
        unit = self._unit_of(index, "call", at)
        if len(kind.results) == 1:
            full = FULL[kind.results[0]]
            self._push(Node("call", kind.results[0], arguments, unit, at, full))
            return
        self._flush()
        for item in arguments:
            self.s.value(item)
        self.s.at = at
        self.s.emit("call", unit)
        self.stack += [stacked(result) for result in kind.results]

    def _op_call_indirect(self, type_index: int, at: int) -> None:
        signature = self.context.module.types[type_index]
        kind = integer_function(signature)
        index = self._pop()
        arguments = self._arguments(kind.params)
        self._flush()
        for item in arguments:
            self.s.value(item)
        done = Label("done")
        functions: dict[int, Label] = {}
        traps: dict[Trap, Label] = {}
        ranges = []
        for first, callee in self.context.callees_of(signature):
            if isinstance(callee, Trap):
                ranges.append((first, traps.setdefault(callee, Label())))
            else:
                ranges.append((first, functions.setdefault(callee, Label())))
        with self.s.held(index) as t:
            self.s.at = at
            self._search(t, ranges)
        for trap, label in traps.items():
            self.s.place(label)
            self.s.trap(trap)
        for function, label in functions.items():
            self.s.place(label)
            if self.context.is_output(function):
                self.s.emit("output")
            else:
                self.s.emit("call", self._unit_of(function, "call_indirect", at))
            self.s.emit("br", done)
        self.s.place(done)
        self.stack += [stacked(result) for result in kind.results]

    def _op_memory_size(self, _: object, at: int) -> None:
        if self.context.pages_global is None:
            self._push(const(self.context.min_pages, at=at))
        else:
            variables = (Variable("global", self.context.pages_global),)
            self._push(self._variable_node("global.get", "i32", variables, at))

    def _op_memory_grow(self, _: object, at: int) -> None:
        context = self.context
        name = f"memory.grow.{context.pages_global}.{context.limit_global}.{context.max_pages}"
        args = (self._pop(),)
        self._push(Node("memory.grow", "i32", args, name, at, FULL["i32"]))

    def _op_memory_copy(self, _: object, at: int) -> None:
        self._bulk("memory.copy", 2, at)

    def _op_memory_fill(self, _: object, at: int) -> None:
        self._bulk("memory.fill", 1, at)

    def _bulk(self, name: str, ranges: int, at: int) -> None:
        """The first `ranges` operands are addresses, the last is the length of what lies there."""
        arguments = self._arguments(("", "", ""))
        self._flush()
        with self.s.all_held(*arguments) as slots:
            self.s.at = at
            for address in slots[:ranges]:
                self.s.range_check(address, slots[2])
            for t in slots:
                self.s.emit("local.get", t)
            self.s.routine(name)

    def _op_select(self, _: object, at: int) -> None:
        args = self._arguments(("", "", ""))
        kind = args[0].type
        if args[2].constant is not None and args[0].pure and args[1].pure:
            self._push(args[0] if args[2].constant else args[1])
            return
        self._push(node("select", kind, args, None, at))

    def _expression(self, op: str, arg: Immediate, at: int) -> None:
        row = _ROWS[op]
        params, results = row.params or (), row.results or ()
        if any(kind in ("f32", "f64") for kind in params + results):
            refusal = Unsupported(
                f"{op} in {printable(self.name)} at offset {at:#x}: there is no arithmetic of "
                "floats"
            )
            self.context.refused.setdefault(self.index, refusal)
            self._flush()
            self.s.at = at
            self.s.trap(Trap.UNSUPPORTED, op)
            self._die()
            return
        args = self._arguments(params)
        if op.endswith(".const"):
            self._push(const(number(arg), results[0], at))
        else:
            imm = numbers(arg)[1] if row.immediate == "memory" else None
            self._push(node(op, results[0], args, imm, at))
