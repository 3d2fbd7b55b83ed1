"""Where the variables of a wasm function live: machine locals while there are enough, else a frame
in memory.

Enters: a function's type and body.  Leaves: for each wasm local its `Variable`s (one word each, an
i64 has two), and which locals must be zeroed at entry because some path reads them first.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.isa.instructions import LOCALS
from pyvm.wasm import limits
from pyvm.wasm.module import Body, FunctionType, Instr, number, numbers

TEMPORARIES = 14  # kept free for instruction selection


@dataclass(frozen=True)
class Variable:
    """One word: `kind` is local | frame | global | memory, `index` its number or address."""

    kind: str
    index: int


@dataclass(frozen=True)
class Frame:
    """Variables of each wasm local (none if it is never used), size of the memory frame, machine
    locals used.
    """

    variables: list[tuple[Variable, ...]]
    frame_bytes: int
    locals_used: int
    zeroed: list[int]


def words(kind: str) -> int:
    return 2 if kind in ("i64", "f64") else 1


def flow_facts(locals: int, code: list[Instr]) -> int:
    """A bound on what is kept and joined when locals are followed through branches and loops."""
    branches = assignments = loops = 0
    for op, arg, _ in code:
        if op in ("local.set", "local.tee"):
            assignments += 1
        elif op == "br_table":
            branches += len(set(numbers(arg)))
        else:
            loops += op == "loop"
            branches += op in ("block", "loop", "if", "else", "end", "br", "br_if")
    return max(locals * branches, assignments * loops)


def allocate(function: FunctionType, body: Body) -> Frame:
    """The most used locals, counted by loop depth, get the machine's locals."""
    kinds = (*function.params, *body.locals)
    weight = [0] * len(kinds)
    blocks: list[bool] = []  # whether each is a loop
    depth = 0  # of loops
    for op, arg, _ in body.code:
        if op in ("block", "loop", "if"):
            blocks.append(op == "loop")
            depth += op == "loop"
        elif op == "end" and blocks:
            depth -= blocks.pop()
        elif op.startswith("local."):
            weight[number(arg)] += 8 ** min(depth, 6)
    variables: list[tuple[Variable, ...]] = [()] * len(kinds)
    used = offset = 0
    for index in sorted(range(len(kinds)), key=lambda i: (-weight[i], i)):
        count = words(kinds[index])
        if not weight[index]:
            continue
        if used + count <= LOCALS - TEMPORARIES:
            variables[index] = tuple(Variable("local", used + i) for i in range(count))
            used += count
        else:
            variables[index] = tuple(Variable("frame", offset + 4 * i) for i in range(count))
            offset += 4 * count
    return Frame(variables, offset, used, _read_before_set(len(function.params), len(kinds), body))


@dataclass
class _Open:
    """A block while it is open, and the locals that are assigned; None: not reachable."""

    op: str
    start: set[int] | None
    branches: set[int] | None = None  # at every branch to its end


def _read_before_set(params: int, count: int, body: Body) -> list[int]:
    """Locals that some path may read before it writes them."""
    if flow_facts(count, body.code) > limits.FLOW_FACTS:
        read = {number(arg) for op, arg, _ in body.code if op == "local.get"}
        return sorted(read - set(range(params)))
    unset: set[int] = set()
    assigned: set[int] | None = set(range(params))  # None: not reachable
    blocks = [_Open("block", None)]

    def join(a: set[int] | None, b: set[int] | None) -> set[int] | None:
        return b if a is None else a if b is None else a & b

    def branch(depth: int) -> None:
        target = blocks[-1 - depth]
        if target.op != "loop":
            target.branches = join(target.branches, None if assigned is None else set(assigned))

    for op, arg, _ in body.code:
        if op in ("block", "loop", "if"):
            blocks.append(_Open(op, None if assigned is None else set(assigned)))
        elif op == "else":
            block = blocks[-1]
            block.branches = join(block.branches, assigned)
            assigned, block.op = block.start, "else"
        elif op == "end":
            block = blocks.pop()
            assigned = join(assigned, block.branches)
            if block.op == "if":
                assigned = join(assigned, block.start)
        elif assigned is None:
            continue
        elif op == "br" or op == "br_if":
            branch(number(arg))
            assigned = None if op == "br" else assigned
        elif op == "br_table":
            for depth in set(numbers(arg)):
                branch(depth)
            assigned = None
        elif op in ("return", "unreachable"):
            assigned = None
        elif op == "local.get" and arg not in assigned:
            unset.add(number(arg))
        elif op in ("local.set", "local.tee"):
            assigned.add(number(arg))
    return sorted(unset)
