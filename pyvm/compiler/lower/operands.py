"""A function while it is lowered: its variables and its operands.

Operands are kept as expressions until a statement needs them; then all of them are evaluated in
their order ("flushed") and stand on the machine's stack.  Nothing is ever reordered.

Enters: the module's code and the index of a function.  Leaves: the state that control.py and
statements.py change.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.compiler.ir.expression import Node, const, stacked
from pyvm.compiler.ir.known_bits import KnownBits, State, loop_assignments
from pyvm.compiler.ir.variables import allocate, flow_facts, words
from pyvm.compiler.link.assembly import Label, Unit
from pyvm.compiler.lower.module_code import ModuleCode
from pyvm.compiler.select import OPERATIONS, Selector, Silent
from pyvm.isa.traps import Trap
from pyvm.wasm import limits
from pyvm.wasm.floats import integer_code, integer_function, integer_types

MAX_DEPTH = 60  # of an expression: what is deeper is evaluated in parts


@dataclass
class Block:
    op: str
    label: Label
    carried: tuple[str, ...]  # types of the operands that a branch carries
    results: tuple[str, ...]
    height: int  # operands below the block's own
    targeted: bool = False
    otherwise: Label | None = None  # of an if: its else
    params: tuple[str, ...] = ()
    at: int = 0
    start: State | None = None  # what is known of locals where an if begins
    leaving: State | None = None  # and at the branches to the end
    masks: list[int] | None = None  # bits that may be one of the results, at those branches


class Operands:
    def __init__(
        self,
        context: ModuleCode,
        index: int,
        heads: dict[int, State] | None,
        silent: Silent | None = None,
    ):
        """`heads`: what is known of loops (see known_bits.py)."""
        self.context = context
        self.index = index
        module = context.module
        self.name = module.function_name(index)
        body = module.bodies[index - len(module.imported("func"))]
        self.type = integer_function(context.types[index])
        self.kinds = (*self.type.params, *integer_types(body.locals))
        self.frame = allocate(self.type, body)
        self.unit = Unit(f"function {index}", function=self.name)
        self.s = silent or Selector(context.shared, self.unit, self.frame.locals_used, OPERATIONS)
        self.code = integer_code(body.code)
        known = flow_facts(len(self.kinds), body.code) <= limits.FLOW_FACTS
        loops = loop_assignments(self.code) if known else {}
        self.known = KnownBits(self.kinds, len(self.type.params), loops, heads, known)
        self.stack: list[Node] = []
        self.stubs: list[tuple[Label, Block, list[Node]]] = []
        self.blocks = [Block("function", Label("exit"), self.type.results, self.type.results, 0)]
        self.dead = 0  # depth of blocks that were opened in code that cannot be reached; 0: alive

    # -- variables ------------------------------------------------------------------------------

    def _enter(self) -> None:
        s = self.s
        if self.frame.frame_bytes:
            s.emit("global.get", self.context.shared.stack_global)
            s.const(-self.frame.frame_bytes)
            s.emit("i32.add")
            s.emit("global.set", self.context.shared.stack_global)
            s.emit("global.get", self.context.shared.stack_global)
            s.const(self.context.shared.stack_floor)
            s.emit("i32.lt_u")
            s.trap_if(Trap.CALL_STACK_EXHAUSTED)
        for index in range(len(self.type.params) - 1, -1, -1):
            if self.frame.variables[index]:
                self.s.pop_into(self.frame.variables[index])
            else:
                self._drop(self.type.params[index])
        for index in self.frame.zeroed:
            for variable in self.frame.variables[index]:
                self.s.assign(variable, const(0))

    # -- operands -------------------------------------------------------------------------------

    def _push(self, item: Node) -> None:
        self.stack.append(item)
        if item.depth > MAX_DEPTH:
            self._flush()

    def _pop(self) -> Node:
        return self.stack.pop()

    def _flush(self) -> None:
        """Evaluates all pending operands, which are on top, onto the machine's stack."""
        first = len(self.stack)
        while first and self.stack[first - 1].op != "stacked":
            first -= 1
        for i in range(first, len(self.stack)):
            item = self.stack[i]
            self.s.value(item)
            self.stack[i] = stacked(item.type, item.may)

    def _discard(self, items: list[Node]) -> None:
        """Drops the topmost operands: some on the machine's stack, then pending ones that are not
        on_stack.
        """
        for item in items:
            if item.op != "stacked" and not item.pure:
                self.s.value(item)
                self._drop(item.type)
        for item in items:
            if item.op == "stacked":
                self._drop(item.type)

    def _drop(self, kind: str) -> None:
        for _ in range(words(kind)):
            self.s.emit("drop")
