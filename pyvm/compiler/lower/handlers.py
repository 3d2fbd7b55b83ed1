"""Where exceptions go: to the innermost `try` around, or back to the caller.

Enters: calls that may throw, `raise`, and the parts of a `try`.  Leaves: jumps.

A call that returns with an exception goes on in the row behind it, which jumps to the handler; a
call that returns without one skips that row.  So a `try` and its calls cost nothing until something
throws.  What a handler does stands behind all other code of the function.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import (
    Attempt,
    Drop,
    Expr,
    Jump,
    Label,
    Place,
    Return,
    Statement,
    const,
    stacked,
)
from pyvm.compiler.ir.rules import simplified
from pyvm.compiler.lower.branches import Block, Handler, jump_if
from pyvm.compiler.lower.state import State
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.isa.errors import Unsupported
from pyvm.printable import printable
from pyvm.wasm.module import FunctionType


class Handlers(State):
    """What instructions of exceptions do.

    `aside`: the code of handlers.
    """

    def __init__(self, surroundings: Surroundings, index: int):
        super().__init__(surroundings, index)
        self.aside: list[list[Statement]] = []
        self.blocks[0].handler = self.caller = Handler(0)

    def _place_handlers(self) -> None:
        for code in self.aside:
            self.out.code += code
        if self._place_landings(self.caller):
            self.out.emit(Return())

    def _attempt(self, call: Expr, results: tuple[str, ...]) -> None:
        """A call that may throw; its results stand on the stack."""
        self._check_exceptions(call.op)
        self.out.flush()
        self.out.emit(Attempt(call, self._landing(), self.at))
        self.out.stack += map(stacked, results)

    def _raise(self, _: object) -> None:
        self._check_exceptions("throw")
        self.out.flush()
        self.out.emit(Jump(self._landing(), at=self.at))
        self._die()

    def _check_exceptions(self, op: str) -> None:
        if not self.surroundings.wide:
            raise Unsupported(
                f"{op} in {printable(self.name)} at offset {self.at:#x}: the base machine has no "
                "exceptions"
            )

    # -- the parts of a try ---------------------------------------------------------------------

    def _try(self, kind: FunctionType) -> None:
        block = self._open("try", kind)
        block.handler = Handler(block.height)

    def _catch(self, sites: tuple[int, int, int] | None, reached: bool = True) -> None:
        """A clause; `sites`: the global with that of the exception, and which it takes: the first
        one and how many.  None: all.
        """
        block = self.blocks[-1]
        self._leave_part(block, reached)
        del self.out.stack[block.height :]
        self.dead = int(not block.waiting or (sites is not None and not sites[2]))
        if self.dead:
            return
        if sites is None:
            block.waiting = False
            return
        index, first, count = sites
        value = Expr("global.get", "i32", (), index, self.at)
        value = simplified(Expr("i32.sub", "i32", (value, const("i32", first)), at=self.at))
        value = simplified(Expr("i32.lt_u", "i32", (value, const("i32", count)), at=self.at))
        block.following = Label("clause")
        self.out.emit(jump_if(block.following, value, True, self.at))

    def _leave_part(self, block: Block, reached: bool) -> None:
        """Behind what is tried, or behind a clause: here the exceptions arrive that are not caught
        yet.
        """
        if reached:
            self.out.flush()
        if block.handler is not None:
            block.reached, block.arm = reached, len(self.out.code)
            block.waiting = self._place_landings(block.handler)
            block.handler = None
            return
        if reached:
            block.targeted = True
            self.out.emit(Jump(block.label))
        if block.following:
            self.out.emit(Place(block.following))
            block.following = None

    def _close_try(self, reached: bool, depth: int = 0) -> bool:
        """What is not caught goes to the handler of the label `depth` outside.  Whether the end of
        what is tried is reached.
        """
        block = self.blocks[-1]
        self._leave_part(block, reached)
        if block.waiting:
            self.out.emit(Jump(self._landing(block.height, depth + 1)))
        self.aside.append(self.out.code[block.arm :])
        del self.out.code[block.arm :]
        block.arm = 0
        return block.reached

    def _landing(self, height: int | None = None, outside: int = 0) -> Label:
        """Where an exception goes from here, with so many operands on the stack (None: those that
        wait), or from outside of so many blocks.
        """
        height = len(self.out.stack) if height is None else height
        blocks = self.blocks[: len(self.blocks) - outside]
        handler = next(block.handler for block in reversed(blocks) if block.handler is not None)
        return handler.labels.setdefault(height - handler.height, Label("landing"))

    def _place_landings(self, handler: Handler) -> bool:
        """The labels, each with the operands that are dropped; whether there is any."""
        for more in range(max(handler.labels, default=-1), -1, -1):
            if more in handler.labels:
                self.out.emit(Place(handler.labels[more]))
            if more:
                self.out.emit(Drop(stacked("i32")))
        return bool(handler.labels)
