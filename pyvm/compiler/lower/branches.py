"""Branches: blocks that are open, and the operands that a branch carries or drops.

Enters: the blocks and the operands that wait.  Leaves: jumps and labels.

The machine's operand stack is one for all functions, so a branch drops what lies between the
target's operands and its own.  A conditional branch that has to drop some does so out of line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pyvm.compiler.ir.function import (
    STACKED,
    Drop,
    Eval,
    Expr,
    Jump,
    Label,
    Place,
    Return,
    TailCall,
    get,
    put,
    stacked,
)
from pyvm.compiler.ir.rules import condition, simplified
from pyvm.compiler.lower.pending import Pending
from pyvm.wasm.opcodes import OPCODES

_COMPARISONS = {
    row.name
    for row in OPCODES.values()
    if row.results == ("i32",) and row.params and len(row.params) == 2 and not row.immediate
    and row.name.partition(".")[2] in "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
}  # fmt: skip


@dataclass
class Handler:
    """Where exceptions go that are thrown in a block, or that a function throws: `height` operands
    stay.

    `labels`: by the number of operands above those that lie there.
    """

    height: int
    labels: dict[int, Label] = field(default_factory=dict)


@dataclass
class Block:
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
    arm: int = 0  # of an else, of the clauses of a try: the index where they begin
    handler: Handler | None = None  # of what a try tries, and of the function
    waiting: bool = False  # of a try: whether exceptions arrive behind the clauses so far
    following: Label | None = None  # of a clause: where those go that it does not catch
    reached: bool = False  # of a try: whether the end of what it tries is
    end: Return | TailCall | None = None  # what a branch to it is, but for the operands, if no jump


@dataclass
class _Stub:
    """Out of line: a branch that has to drop operands, and those when it is taken."""

    label: Label
    block: Block
    operands: list[Expr]
    at: int | None


class Branches:
    """The open blocks of a function, the outermost first, and the branches to them.

    `new_local`: gives a further local of a type its index.
    """

    def __init__(self, out: Pending, outermost: Block, new_local: Callable[[str], int]) -> None:
        self.out, self.new_local = out, new_local
        self.blocks = [outermost]
        self.stubs: list[_Stub] = []

    def place_stubs(self) -> None:
        """The code of the branches that stand out of line, behind all other."""
        for stub in self.stubs:
            self.out.emit(Place(stub.label))
            self.out.stack = stub.operands
            self.jump(stub.block, stub.at)

    def jump(self, block: Block, at: int | None) -> None:
        """An unconditional branch to a block's label, with the operands that it carries."""
        block.targeted = True
        start = len(self.out.stack) - len(block.carried)
        extra, carried = self.out.stack[block.height : start], self.out.stack[start:]
        if extra and (any(value.stacked for value in carried) or _waits_behind(extra)):
            self.out.flush()
            aside = [self.new_local(kind) for kind in block.carried]
            for local, kind in zip(reversed(aside), reversed(block.carried)):
                self.out.emit(put(local, stacked(kind), at))
            for value in reversed(extra):
                self.out.emit(Drop(Expr(STACKED, value.type, at=at)))
            for local, kind in zip(aside, block.carried):
                self.out.emit(Eval(get(local, kind, at)))
        else:
            pending = [value for value in extra if value.op != STACKED]
            for value in pending:
                self.out.emit(Drop(value))
            for value in reversed(extra[: len(extra) - len(pending)]):
                self.out.emit(Drop(Expr(STACKED, value.type, at=at)))
            for value in carried:
                if value.op != STACKED:
                    self.out.emit(Eval(value))
        self.out.emit(replace(block.end, at=at) if block.end else Jump(block.label, at=at))

    def label_for(self, depth: int, at: int | None) -> Label:
        """A label for a conditional branch; operands are flushed."""
        block = self.blocks[-1 - depth]
        block.targeted = True
        if len(self.out.stack) == len(block.carried) + block.height and block.op != "function":
            return block.label
        label = Label("stub")
        self.out.surroundings.spend(len(self.out.stack))
        self.stubs.append(_Stub(label, block, list(self.out.stack), at))
        return label


def _waits_behind(extra: list[Expr]) -> bool:
    """Whether an operand that is still to be evaluated begins with one on the stack."""
    return any(value.stacked and value.op != STACKED for value in extra)


def jump_if(label: Label, value: Expr, negated: bool, at: int | None) -> Jump:
    """A branch where the value is not zero, or where it is; comparisons are turned."""
    if value.op == "i32.eqz":
        return jump_if(label, condition(value.args[0]), not negated, at)
    if negated and value.op in _COMPARISONS:
        opposite = simplified(Expr("i32.eqz", "i32", (value,), at=value.at))
        return Jump(label, opposite, False, at)
    return Jump(label, value, negated, at)
