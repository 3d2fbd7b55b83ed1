"""A function while it is lowered, as all parts of lowering see it.

Enters: the function's number.  Leaves: `State`, which has its open blocks, the operands that wait
and the statements so far.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import Eval, Expr, Label, Return, Stop, stacked
from pyvm.compiler.ir.rules import simplified
from pyvm.compiler.lower.branches import Block, Branches
from pyvm.compiler.lower.pending import Pending
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa.traps import Trap
from pyvm.wasm.floats import integer_function, integer_types
from pyvm.wasm.module import FunctionType


class State:
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
        skips = index in surroundings.exceptions.functions
        whole = Block("function", Label(), results, results, 0, end=Return(skips))
        self.branches = Branches(self.out, whole, self._new_local)
        self.blocks = self.branches.blocks
        self.dead = 0  # depth of blocks that were opened in code that cannot be reached; 0: alive
        self.at: int | None = None

    def _new_local(self, kind: str) -> int:
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def _do(self, op: str, *args: Expr, imm: int = 0, results: tuple[str, ...] = ()) -> None:
        """An operation with an effect; its results stand on the stack."""
        self.out.flush()
        value = Expr(op, results[0] if len(results) == 1 else "", args, imm, self.at)
        self.out.emit(Eval(value if value.type else simplified(value)))
        self.out.stack += map(stacked, results)

    def _trap(self, kind: Trap) -> None:
        self.out.flush()
        self.out.emit(Stop(kind, at=self.at))
        self._die()

    def _return(self, _: object) -> None:
        self.branches.jump(self.blocks[0], self.at)
        self._die()

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
