"""Lowering of control: structured blocks -> labels and branches.

The machine's stack is one for all functions, so a branch must drop what lies between the target's
operands and its own.

Enters: the instructions of control, in the order of the code.  Leaves: labels and branches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyvm.compiler.ir.expression import FULL, Node, node, stacked
from pyvm.compiler.ir.known_bits import join
from pyvm.compiler.ir.variables import TEMPORARIES, Variable, words
from pyvm.compiler.link.assembly import Label
from pyvm.compiler.lower.module_code import runs_of_equals
from pyvm.compiler.lower.operands import Block, Operands
from pyvm.isa.traps import Trap
from pyvm.wasm import limits
from pyvm.wasm.module import FunctionType

# Words that a branch sets aside in temporaries; one is for moving them to cells.
_MOST_ASIDE = TEMPORARIES - 1


def _words(types: tuple[str, ...]) -> int:
    return sum(words(kind) for kind in types)


class Control(Operands):
    def _skip(self, op: str) -> None:
        """Code that cannot be reached: only its nesting counts."""
        if op in ("block", "loop", "if"):
            self.dead += 1
        elif op == "else" and self.dead == 1:
            self.dead = 0
            self._start_else(self.blocks[-1])
        elif op == "end":
            self.dead -= 1
            if not self.dead:
                self._close(reached=False)

    def _die(self) -> None:
        self.known.now = None
        del self.stack[self.blocks[-1].height :]
        self.dead = 1

    def _open(self, op: str, kind: FunctionType, at: int) -> Block:
        self._flush()
        block = Block(
            op,
            Label(op),
            kind.params if op == "loop" else kind.results,
            kind.results,
            len(self.stack) - len(kind.params),
            params=kind.params,
            at=at,
        )
        self.blocks.append(block)
        return block

    def _op_block(self, kind: FunctionType, at: int) -> None:
        self._open("block", kind, at)

    def _op_loop(self, kind: FunctionType, at: int) -> None:
        block = self._open("loop", kind, at)
        self._forget(len(kind.params))
        self.known.start_loop(at)
        self.s.place(block.label)

    def _forget(self, count: int) -> None:
        """The topmost operands, which are flushed, may be anything."""
        for i in range(len(self.stack) - count, len(self.stack)):
            self.stack[i] = stacked(self.stack[i].type)

    def _op_if(self, kind: FunctionType, at: int) -> None:
        condition = self._pop()
        block = self._open("if", kind, at)
        block.start = self.known.copy()
        block.otherwise = Label("else")
        self._branch_unless(condition, block.otherwise)

    def _branch_unless(self, condition: Node, label: Label) -> None:
        negated = node("i32.eqz", "i32", (condition,))
        if negated.op != "i32.eqz":
            self.s.value(negated)
            self.s.emit("br_if", label)
        elif condition.op == "i32.eqz":
            self.s.value(condition.args[0])
            self.s.emit("br_if", label)
        else:  # cheaper than eqz
            then = Label("then")
            self.s.value(condition)
            self.s.emit("br_if", then)
            self.s.emit("br", label)
            self.s.place(then)

    def _op_else(self, _: object, at: int) -> None:
        block = self.blocks[-1]
        self._flush()
        block.targeted = True
        self._note_branch(block)
        self.s.emit("br", block.label)
        self._start_else(block)

    def _start_else(self, block: Block) -> None:
        del self.stack[block.height :]
        if block.otherwise is None:
            raise AssertionError("an else has an if, in valid code")
        self.s.place(block.otherwise)
        block.otherwise = None
        self.known.now = block.start
        self.stack += [stacked(kind) for kind in block.params]

    def _op_end(self, _: object, at: int) -> None:
        self._close(reached=True)

    def _close(self, reached: bool) -> None:
        block = self.blocks[-1]
        if block.op == "function":
            if reached:
                self._jump(block)
            return
        if reached:
            self._flush()
            self._note_end(block)
        self.blocks.pop()
        if block.otherwise:  # an if without else
            self.s.place(block.otherwise)
            block.leaving = join(block.leaving, block.start)
            block.masks = None
            reached = True
        if block.op != "loop":
            self.s.place(block.label)
            reached = reached or block.targeted
        del self.stack[block.height :]
        masks = block.masks or [FULL[kind] for kind in block.results]
        self.stack += [stacked(kind, mask) for kind, mask in zip(block.results, masks)]
        self.known.now = block.leaving
        if not reached:
            self._die()

    def _note_branch(self, block: Block) -> None:
        """A branch to the block's label leaves from here, its operands on top of the stack."""
        if block.op == "loop":
            self.known.back_to_loop(block.at)
        else:
            self._note_end(block)

    def _note_end(self, block: Block) -> None:
        """The same for the block's end, which in a loop is not its label."""
        block.leaving = join(block.leaving, self.known.copy())
        masks = [item.may for item in self.stack[len(self.stack) - len(block.results) :]]
        if block.masks is not None:
            masks = [a | b for a, b in zip(masks, block.masks)]
        block.masks = masks

    @contextmanager
    def _aside(self, count: int) -> Iterator[tuple[Variable, ...]]:
        """Variables for words that nothing runs in between: temporaries, or cells if they are
        many.
        """
        if count > _MOST_ASIDE:
            first = self.context.shared.layout.cells("ASIDE", 4 * limits.TYPE_WORDS * 2)
            yield tuple(Variable("memory", first + 4 * i) for i in range(count))
            return
        with self.s.temporaries(count) as slots:
            yield tuple(Variable("local", t) for t in slots)

    def _jump(self, block: Block) -> None:
        """An unconditional branch to a block's label, with the operands that it carries."""
        block.targeted = True
        self._note_branch(block)
        count = len(block.carried)
        start = len(self.stack) - count
        extra, carried = self.stack[block.height : start], self.stack[start:]
        if extra and any(
            item.on_stack for item in [*carried, *extra] if item.op != "stacked" or item in carried
        ):
            # set the carried operands aside, which lie above the extra ones
            self._flush()
            with self._aside(_words(block.carried)) as variables:
                self.s.pop_into(variables)
                self._discard([stacked(item.type) for item in extra])
                for variable in variables:
                    self.s.read(variable)
        else:
            stack, self.stack = self.stack, self.stack[: block.height]
            self._flush()
            self._discard(extra)
            for item in carried:
                self.s.value(item)
            self.stack = stack  # blocks between here and the target still count on it
        if block.op != "function":
            self.s.emit("br", block.label)
            return
        if self.frame.frame_bytes:
            self.s.emit("global.get", self.context.shared.stack_global)
            self.s.const(self.frame.frame_bytes)
            self.s.emit("i32.add")
            self.s.emit("global.set", self.context.shared.stack_global)
        self.s.emit("return")

    def _target(self, depth: int) -> tuple[Block, bool]:
        """The block that a branch leaves for, and whether a plain branch does it."""
        block = self.blocks[-1 - depth]
        block.targeted = True
        self._note_branch(block)
        extra = len(self.stack) - len(block.carried) - block.height
        return block, extra == 0 and block.op != "function"

    def _label_for(self, depth: int) -> Label:
        """A label for a conditional branch; operands must be flushed."""
        block, plain = self._target(depth)
        if plain:
            return block.label
        stub = Label("stub")
        self.context.shared.spend(len(self.stack))
        self.stubs.append((stub, block, list(self.stack)))
        return stub

    def _op_br(self, depth: int, at: int) -> None:
        self._jump(self.blocks[-1 - depth])
        self._die()

    def _op_br_if(self, depth: int, at: int) -> None:
        condition = self._pop()
        if condition.constant is not None:
            if condition.constant:
                self._op_br(depth, at)
            return
        while condition.op == "i32.ne" and condition.args[1].constant == 0:
            condition = condition.args[0]
        while condition.op == "i32.eqz" and condition.args[0].op == "i32.eqz":
            condition = condition.args[0].args[0]
        self._flush()
        self.s.value(condition)
        self.s.at = at
        self.s.emit("br_if", self._label_for(depth))

    def _op_br_table(self, depths: tuple[int, ...], at: int) -> None:
        index = self._pop()
        self._flush()
        labels = {depth: self._label_for(depth) for depth in dict.fromkeys(depths)}
        targets = [labels[depth] for depth in depths[:-1]]
        with self.s.held(index) as t:
            self._dispatch(t, targets, labels[depths[-1]])
        self._die()

    def _dispatch(self, t: int, targets: list[Label], default: Label) -> None:
        """Binary search: branches to targets[local t], or to default beyond them."""
        self._search(t, runs_of_equals([*targets, default]))

    def _search(self, t: int, ranges: list[tuple[int, Label]]) -> None:
        """The same with the first index of each run of equal targets."""
        self.context.shared.spend(len(ranges) // 4)

        def search(low: int, high: int) -> None:
            if high - low == 1:
                self.s.emit("br", ranges[low][1])
                return
            middle = (low + high) // 2
            less = ranges[low][1] if middle - low == 1 else Label("less")
            self.s.emit("local.get", t)
            if ranges[middle][0] == 1:
                self.s.emit("i32.eqz")
            else:
                self.s.const(ranges[middle][0])
                self.s.emit("i32.lt_u")
            self.s.emit("br_if", less)
            search(middle, high)
            if middle - low > 1:
                self.s.place(less)
                search(low, middle)

        search(0, len(ranges))

    def _op_return(self, _: object, at: int) -> None:
        self._jump(self.blocks[0])
        self._die()

    def _op_unreachable(self, _: object, at: int) -> None:
        self._flush()
        self.s.at = at
        self.s.trap(Trap.UNREACHABLE)
        self._die()
