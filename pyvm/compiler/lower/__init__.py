"""Lowering of one wasm function: structured control -> labels and branches, operands ->
expressions.

Enters: a decoded, valid function.  Leaves: a `Unit` of machine code.  operands.py has the state,
control.py and statements.py the instructions.
"""

from __future__ import annotations

from dataclasses import replace

from pyvm.compiler.ir.known_bits import State
from pyvm.compiler.link.assembly import Unit
from pyvm.compiler.lower.module_code import ModuleCode, is_output
from pyvm.compiler.lower.statements import Statements
from pyvm.compiler.select import Silent
from pyvm.isa.instructions import LOCALS
from pyvm.wasm.module import numbers
from pyvm.wasm.opcodes import ACCESS_BYTES

__all__ = ["ModuleCode", "is_output", "lower_function"]

_LOOKS = 3  # at a function before its code is emitted; more find little


def lower_function(context: ModuleCode, index: int) -> Unit:
    """The code of function `index` (not an imported one).

    Before its code is emitted, a function with loops is gone through to learn what the loops bring
    back to their starts.
    """
    heads: dict[int, State] | None = None
    for _ in range(_LOOKS):
        aside = replace(context, wanted=[], known=set(), calls={}, refused={})
        known = _Function(aside, index, heads, Silent()).known
        if not known.loops or known.heads == heads:
            break
        heads = known.heads
    return _Function(context, index, heads).unit


class _Function(Statements):
    """A function, lowered."""

    def __init__(
        self,
        context: ModuleCode,
        index: int,
        heads: dict[int, State] | None,
        silent: Silent | None = None,
    ):
        super().__init__(context, index, heads, silent)
        self._enter()
        self._body()
        if self.frame.locals_used + self.s.most > LOCALS:
            raise AssertionError("instruction selection took more temporaries than are kept free")

    def _body(self) -> None:
        for op, arg, at in self.code:
            if self.dead:
                self._skip(op)
                continue
            self.s.at = at
            handler = getattr(self, "_op_" + op.replace(".", "_"), None)
            if handler:
                handler(arg, at)
            elif op in ACCESS_BYTES and "store" in op:
                self._store(op, numbers(arg)[1], at)
            else:
                self._expression(op, arg, at)
        self.known.now = None  # the branches of the stubs are noted
        for label, block, operands in self.stubs:
            self.s.place(label)
            self.s.at = None  # the place of the branch is known, and this is another one
            self.stack = operands
            self._jump(block)
        self.s.place_traps()
