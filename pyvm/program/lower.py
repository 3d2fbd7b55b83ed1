"""Lowering of one wasm function: structured control -> labels and branches, operands ->
expressions.

Enters: a decoded, valid function.  Leaves: a `Unit` of machine code.

Operands are kept as expressions until a statement needs them; then all of them are evaluated in
their order ("flushed") and stand on the machine's stack.  Nothing is ever reordered.  The machine's
stack is one for all functions, so a branch must drop what lies between the target's operands and
its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pyvm.program.assembly import Label, Unit
from pyvm.program.errors import Unsupported
from pyvm.program.expression import FULL, Node, const, node, stacked
from pyvm.program.floats import integer_code, integer_function, integer_types
from pyvm.program.known_bits import KnownBits, State, join, loop_assignments
from pyvm.program.module import FunctionType, Instr, Module
from pyvm.program.opcodes import ACCESS_BYTES, OPCODES
from pyvm.program.selection import OPERATIONS, Selector, Shared, Silent
from pyvm.program.traps import Trap
from pyvm.program.variables import MACHINE_LOCALS, Variable, allocate, words

_ROWS = {row.name: row for row in OPCODES.values()}

_LOOKS = 3  # at a function before its code is emitted; more find little
MAX_DEPTH = 60  # of an expression: what is deeper is evaluated in parts


@dataclass
class ModuleCode:
    """What lowering knows about the module around the function."""

    module: Module
    types: list[FunctionType]
    globals: list[tuple[Variable, ...]]
    shared: Shared
    table: list[int | None]  # functions by table index
    pages_global: int | None  # with the memory's size in pages, if it can grow
    max_pages: int
    min_pages: int
    wanted: list[int] = field(default_factory=list)  # functions that are called
    calls: dict[int | None, set[int]] = field(default_factory=dict)  # direct ones, by caller
    refused: dict[int, Unsupported] = field(default_factory=dict)  # by function, the first one

    def unit_of(self, index: int, caller: int | None = None, direct: bool = True) -> str:
        """The unit to call for a function; `caller` is None for the start code."""
        imports = self.module.imported("func")
        if index < len(imports):
            raise Unsupported(
                f"{imports[index].module}.{imports[index].name}: the only import is env.output_byte"
            )
        if index not in self.wanted:
            self.wanted.append(index)
        if direct:
            self.calls.setdefault(caller, set()).add(index)
        return f"function {index}"

    def check_refusals(self) -> None:
        """Raises what was refused in a function that direct calls may reach.

        A function that is only in the table is often there for others than its callers: it ends the
        run where it comes to what is not supported.
        """
        reached: set[int] = set()
        queue = list(self.calls.get(None, ()))
        while queue:
            index = queue.pop()
            if index not in reached:
                reached.add(index)
                queue += self.calls.get(index, ())
        for index in sorted(reached & set(self.refused)):
            raise self.refused[index]

    def is_output(self, index: int) -> bool:
        imports = self.module.imported("func")
        return index < len(imports) and (imports[index].module, imports[index].name) == (
            "env",
            "output_byte",
        )


@dataclass
class _Block:
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


def _words(types) -> int:
    return sum(words(kind) for kind in types)


def lower_function(context: ModuleCode, index: int) -> Unit:
    """The code of function `index` (not an imported one).

    Before its code is emitted, a function with loops is gone through to learn what the loops bring
    back to their starts.
    """
    heads: dict[int, State] | None = None
    for _ in range(_LOOKS):
        aside = replace(context, wanted=[], calls={}, refused={})
        known = _Function(aside, index, heads, Silent()).known
        if not known.loops or known.heads == heads:
            break
        heads = known.heads
    return _Function(context, index, heads).unit


class _Function:
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
        code = integer_code(body.code)
        self.known = KnownBits(self.kinds, len(self.type.params), loop_assignments(code), heads)
        self.stack: list[Node] = []
        self.stubs: list[tuple[Label, _Block, list[Node]]] = []
        self.blocks = [_Block("function", Label("exit"), self.type.results, self.type.results, 0)]
        self.dead = 0  # depth of blocks that were opened in code that cannot be reached; 0: alive
        self._enter()
        self._body(code)
        if self.frame.locals_used + self.s.most > MACHINE_LOCALS:
            raise AssertionError("instruction selection took more temporaries than are kept free")

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
        """Evaluates all pending operands onto the machine's stack."""
        for i, item in enumerate(self.stack):
            if item.op != "stacked":
                self.s.value(item)
                self.stack[i] = stacked(item.type, item.may)

    def _discard(self, items: list[Node]) -> None:
        """Drops the topmost operands: some on the machine's stack, then pending ones that are not
        rooted.
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

    # -- control --------------------------------------------------------------------------------

    def _body(self, code: list[Instr]) -> None:
        for op, arg, at in code:
            if self.dead:
                self._skip(op)
                continue
            self.s.at = at
            handler = getattr(self, "_op_" + op.replace(".", "_"), None)
            if handler:
                handler(arg, at)
            elif op in ACCESS_BYTES and "store" in op:
                self._store(op, arg[1], at)
            else:
                self._expression(op, arg, at)
        self.known.now = None  # the branches of the stubs are noted
        for label, block, operands in self.stubs:
            self.s.place(label)
            self.s.at = None  # the place of the branch is known, and this is another one
            self.stack = operands
            self._jump(block)
        self.s.place_traps()

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

    def _open(self, op: str, kind: FunctionType, at: int) -> _Block:
        self._flush()
        block = _Block(
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

    def _op_block(self, kind, at) -> None:
        self._open("block", kind, at)

    def _op_loop(self, kind, at) -> None:
        block = self._open("loop", kind, at)
        self._forget(len(kind.params))
        self.known.start_loop(at)
        self.s.place(block.label)

    def _forget(self, count: int) -> None:
        """The topmost operands, which are flushed, may be anything."""
        for i in range(len(self.stack) - count, len(self.stack)):
            self.stack[i] = stacked(self.stack[i].type)

    def _op_if(self, kind, at) -> None:
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

    def _op_else(self, _, at) -> None:
        block = self.blocks[-1]
        self._flush()
        block.targeted = True
        self._note_branch(block)
        self.s.emit("br", block.label)
        self._start_else(block)

    def _start_else(self, block: _Block) -> None:
        del self.stack[block.height :]
        self.s.place(block.otherwise)
        block.otherwise = None
        self.known.now = block.start
        self.stack += [stacked(kind) for kind in block.params]

    def _op_end(self, _, at) -> None:
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

    def _note_branch(self, block: _Block) -> None:
        """A branch to the block's label leaves from here, its operands on top of the stack."""
        if block.op == "loop":
            self.known.back_to_loop(block.at)
        else:
            self._note_end(block)

    def _note_end(self, block: _Block) -> None:
        """The same for the block's end, which in a loop is not its label."""
        block.leaving = join(block.leaving, self.known.copy())
        masks = [item.may for item in self.stack[len(self.stack) - len(block.results) :]]
        if block.masks is not None:
            masks = [a | b for a, b in zip(masks, block.masks)]
        block.masks = masks

    def _jump(self, block: _Block) -> None:
        """An unconditional branch to a block's label, with the operands that it carries."""
        block.targeted = True
        self._note_branch(block)
        count = len(block.carried)
        start = len(self.stack) - count
        extra, carried = self.stack[block.height : start], self.stack[start:]
        if extra and any(
            item.rooted for item in [*carried, *extra] if item.op != "stacked" or item in carried
        ):
            # set the carried operands aside, which lie above the extra ones
            self._flush()
            variables = _words(block.carried)
            with self.s.temporaries(variables + 1) as slots:
                for t in reversed(slots[:variables]):
                    self.s.emit("local.set", t)
                self._discard([stacked(item.type) for item in extra])
                for t in slots[:variables]:
                    self.s.emit("local.get", t)
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

    def _target(self, depth: int) -> tuple[_Block, bool]:
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
        self.stubs.append((stub, block, list(self.stack)))
        return stub

    def _op_br(self, depth, at) -> None:
        self._jump(self.blocks[-1 - depth])
        self._die()

    def _op_br_if(self, depth, at) -> None:
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

    def _op_br_table(self, depths, at) -> None:
        index = self._pop()
        self._flush()
        labels = {depth: self._label_for(depth) for depth in dict.fromkeys(depths)}
        targets = [labels[depth] for depth in depths[:-1]]
        with self.s.held(index) as t:
            self._dispatch(t, targets, labels[depths[-1]])
        self._die()

    def _dispatch(self, t: int, targets: list[Label], default: Label) -> None:
        """Binary search: branches to targets[local t], or to default beyond them."""
        ranges: list[tuple[int, Label]] = []  # first index of each run of equal targets
        for i, label in enumerate([*targets, default]):
            if not ranges or ranges[-1][1] is not label:
                ranges.append((i, label))

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

    def _op_return(self, _, at) -> None:
        self._jump(self.blocks[0])
        self._die()

    def _op_unreachable(self, _, at) -> None:
        self._flush()
        self.s.at = at
        self.s.trap(Trap.UNREACHABLE)
        self._die()

    # -- statements -----------------------------------------------------------------------------

    def _op_nop(self, _, at) -> None:
        pass

    def _op_drop(self, _, at) -> None:
        item = self._pop()
        if item.op != "stacked" and item.pure and not item.rooted:
            return
        self._flush()
        self.s.value(item)
        self._drop(item.type)

    def _op_local_get(self, index, at) -> None:
        kind = self.kinds[index]
        may = self.known.get(index)
        self._push(self._variable_node("local.get", kind, self.frame.variables[index], at, may))

    def _variable_node(
        self, op: str, kind: str, variables: tuple[Variable, ...], at: int, may: int | None = None
    ) -> Node:
        return Node(op, kind, (), variables, at, FULL[kind] if may is None else may)

    def _op_local_set(self, index, at) -> None:
        item = self._pop()
        self.known.set(index, item.may)
        self._flush()
        self.s.set(self.frame.variables[index], item)

    def _op_local_tee(self, index, at) -> None:
        item = self._pop()
        self.known.set(index, item.may)
        variables = self.frame.variables[index]
        if len(variables) == 1 and variables[0].kind == "local":
            self._push(Node("local.tee", "i32", (item,), variables[0].index, at, item.may))
            return
        self._flush()
        self.s.set(variables, item)
        self._push(self._variable_node("local.get", self.kinds[index], variables, at, item.may))

    def _op_global_get(self, index, at) -> None:
        variables = self.context.globals[index]
        kind = "i64" if len(variables) == 2 else "i32"
        self._push(self._variable_node("global.get", kind, variables, at))

    def _op_global_set(self, index, at) -> None:
        variables = self.context.globals[index]
        item = self._pop()
        self._flush()
        self.s.set(variables, item)

    def _store(self, op: str, offset: int, at: int) -> None:
        item, address = self._pop(), self._pop()
        self._flush()
        if item.rooted and not address.rooted:
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
                f"{op} in {self.name} at offset {at:#x} of the import {error}"
            ) from None

    def _op_call(self, index, at) -> None:
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

    def _op_call_indirect(self, type_index, at) -> None:
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
        targets = []
        for function in self.context.table:
            if function is None:
                targets.append(traps.setdefault(Trap.UNINITIALIZED_ELEMENT, Label()))
            elif self.context.types[function] != signature:
                targets.append(traps.setdefault(Trap.TYPE_MISMATCH, Label()))
            else:
                targets.append(functions.setdefault(function, Label()))
        beyond = traps.setdefault(Trap.UNDEFINED_ELEMENT, Label())
        with self.s.held(index) as t:
            self.s.at = at
            self._dispatch(t, targets, beyond)
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

    def _op_memory_size(self, _, at) -> None:
        if self.context.pages_global is None:
            self._push(const(self.context.min_pages, at=at))
        else:
            variables = (Variable("global", self.context.pages_global),)
            self._push(self._variable_node("global.get", "i32", variables, at))

    def _op_memory_grow(self, _, at) -> None:
        context = self.context
        name = (
            f"memory.grow.{context.pages_global}.{context.shared.limit_global}.{context.max_pages}"
        )
        args = (self._pop(),)
        self._push(Node("memory.grow", "i32", args, name, at, FULL["i32"]))

    def _op_memory_copy(self, _, at) -> None:
        self._bulk("memory.copy", 2, at)

    def _op_memory_fill(self, _, at) -> None:
        self._bulk("memory.fill", 1, at)

    def _bulk(self, name: str, ranges: int, at: int) -> None:
        """The first `ranges` operands are addresses, the last is the length of what lies there."""
        arguments = self._arguments(("", "", ""))
        self._flush()
        with self.s.held(*arguments) as slots:
            self.s.at = at
            for address in slots[:ranges]:
                self.s.range_check(address, slots[2])
            for t in slots:
                self.s.emit("local.get", t)
            self.s.routine(name)

    def _op_select(self, _, at) -> None:
        args = self._arguments(("", "", ""))
        kind = args[0].type
        if args[2].constant is not None and args[0].pure and args[1].pure:
            self._push(args[0] if args[2].constant else args[1])
            return
        self._push(node("select", kind, args, None, at))

    def _expression(self, op: str, arg, at: int) -> None:
        row = _ROWS[op]
        if any(kind in ("f32", "f64") for kind in row.params + row.results):
            refusal = Unsupported(
                f"{op} in {self.name} at offset {at:#x}: there is no arithmetic of floats"
            )
            self.context.refused.setdefault(self.index, refusal)
            self._flush()
            self.s.at = at
            self.s.trap(Trap.UNSUPPORTED, op)
            self._die()
            return
        args = self._arguments(row.params)
        imm = arg[1] if row.immediate == "memory" else arg
        if op.endswith(".const"):
            self._push(const(imm, row.results[0], at))
        else:
            self._push(node(op, row.results[0], args, imm, at))
