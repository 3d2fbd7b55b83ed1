"""Blocks and branches.

Enters: an instruction of control, where it can be reached or not.  Leaves: labels and jumps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyvm.compiler.ir.function import Expr, Jump, JumpTable, Label, Place, stacked
from pyvm.compiler.ir.rules import condition
from pyvm.compiler.lower.branches import Block, jump_if
from pyvm.compiler.lower.handlers import Handlers
from pyvm.wasm.module import FunctionType


class Control(Handlers):
    """What instructions of control do."""

    def _skip(self, op: str, arg: Any, at: int) -> None:
        """Code that cannot be reached: only its nesting counts."""
        if op in ("block", "loop", "if", "try"):
            self.dead += 1
        elif op in ("catch", "catch_all") and self.dead == 1:
            self.at = at
            self._catch(arg, reached=False)
        elif op == "else" and self.dead == 1:
            self.dead = 0
            self._start_else(self.blocks[-1], reached=False)
        elif op in ("end", "delegate"):
            self.dead -= 1
            if not self.dead:
                self._close(reached=False, delegated=arg or 0)

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

    def _delegate(self, depth: int) -> None:
        self._close(reached=True, delegated=depth)

    def _close(self, reached: bool, delegated: int = 0) -> None:
        block = self.blocks[-1]
        if block.op == "try":
            reached = self._close_try(reached, delegated)
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
