"""The intermediate representation: a function as statements and expression trees.

Enters: nothing.  Leaves: the classes, which lowering builds, the rewrites change and selection
reads.

An expression is evaluated from left to right: its operands, then its operation.  Statements follow
each other; labels and jumps connect them.  Values wait between statements on the operand stack:
`Eval` leaves one there, and `STACKED` leaves of later trees take them, the newest last.  So code
that runs in the order of the trees is always a stack machine's code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pyvm.compiler.link.assembly import Label as Label
from pyvm.isa.traps import Trap
from pyvm.wasm.opcodes import OPCODES

# What an operation does beside computing.
READS = 1  # the memory, a global, the memory's size
WRITES = 2  # these, or the output; or it calls something that may
TRAPS = 4
JOINS = 8  # two halves, perhaps in the local that one of them is of

STACKED = "stacked"  # the value lies on the operand stack already
# A call of a function that does nothing but compute, of one that may trap as well.
COMPUTE, COMPUTE_OR_TRAP = "compute", "compute.or_trap"
LOW, HIGH = "local.low", "local.high"  # half of a local of type i64
JOIN = "i64.join"  # a number of eight bytes from its halves, the lower one first
_ACTS: dict[str, int] = {
    JOIN: JOINS,
    "element": TRAPS,
    "global.get": READS,
    "memory.size": READS,
    "global.set": WRITES,
    "output": WRITES,
    "output_error": WRITES,
    "exit": WRITES,
    **dict.fromkeys(("call", "call_indirect", "memory.grow", "data.drop"), READS | WRITES | TRAPS),
    COMPUTE_OR_TRAP: TRAPS,
    "table.get": READS | TRAPS,
    "table.callee": READS | TRAPS,
    "table.size": READS,
    "elem.drop": WRITES,
    **dict.fromkeys(
        ("table.set", "table.grow", "table.fill", "table.copy"), READS | WRITES | TRAPS
    ),
    "memory.resize": READS | WRITES | TRAPS,
    **dict.fromkeys(("memory.copy", "memory.fill", "memory.init"), READS | WRITES | TRAPS),
}
for _row in OPCODES.values():
    if _row.immediate == "memory":
        _ACTS[_row.name] = (READS if _row.results else WRITES) | TRAPS
    if _row.name.partition(".")[2] in ("div_s", "div_u", "rem_s", "rem_u"):
        _ACTS[_row.name] = TRAPS
# Bits of a set of locals: more of them share bits, so that a node stays below a kilobyte.
LOCAL_BITS = 4096
_READ_LOCALS = ("local.get", LOW, HIGH)
_WRITTEN_LOCALS = ("local.set", "local.tee")


@lru_cache(maxsize=LOCAL_BITS)
def local_bit(index: int) -> int:
    """The bit of a local in a set; who asks whether a local is in it may get a wrong yes."""
    return 1 << index % LOCAL_BITS


@dataclass(frozen=True)
class Expr:
    """One operation on operands.

    Attributes:
        op: a wasm instruction, or STACKED, LOW, HIGH, or what an import stands for.
        type: of the result: i32 or i64; "" for none.
        args: operands.
        imm: a constant, the index of a local, global, function, type or segment, or the offset of
            an address; of JOIN one more than the local whose upper half is set, 0: of none.
        at: byte offset in the wasm file.
        reads, writes: sets of the locals, see `local_bit`.
        acts: READS, WRITES, TRAPS, JOINS of the whole tree.
        stacked: how many values it takes that lie on the operand stack.
        depth: of the tree.
    """

    op: str
    type: str
    args: tuple[Expr, ...] = ()
    imm: int = 0
    at: int | None = None
    reads: int = field(init=False, compare=False)
    writes: int = field(init=False, compare=False)
    acts: int = field(init=False, compare=False)
    stacked: int = field(init=False, compare=False)
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        reads = local_bit(self.imm) if self.op in _READ_LOCALS else 0
        writes = local_bit(self.imm) if self.op in _WRITTEN_LOCALS else 0
        if self.op == JOIN and self.imm:
            writes = local_bit(self.imm - 1)
        acts, stacked, depth = _ACTS.get(self.op, 0), int(self.op == STACKED), 0
        for arg in self.args:
            reads = reads | arg.reads if reads else arg.reads
            writes = writes | arg.writes if writes else arg.writes
            acts |= arg.acts
            stacked += arg.stacked
            depth = max(depth, arg.depth)
        derived = (
            ("reads", reads), ("writes", writes), ("acts", acts), ("stacked", stacked),
            ("depth", depth + 1),
        )  # fmt: skip
        for name, value in derived:
            object.__setattr__(self, name, value)

    @property
    def constant(self) -> int | None:
        return self.imm if self.op in ("i32.const", "i64.const") else None

    @property
    def pure(self) -> bool:
        """Dropping it changes nothing."""
        return not (self.acts & (WRITES | TRAPS) or self.writes or self.stacked)

    def with_args(self, *args: Expr) -> Expr:
        return replace(self, args=args)


def const(kind: str, value: int, at: int | None = None) -> Expr:
    return Expr(f"{kind}.const", kind, imm=value & (1 << (64 if kind == "i64" else 32)) - 1, at=at)


def stacked(kind: str) -> Expr:
    return Expr(STACKED, kind)


def get(index: int, kind: str, at: int | None = None) -> Expr:
    return Expr("local.get", kind, imm=index, at=at)


def put(index: int, value: Expr, at: int | None = None) -> Eval:
    """Sets a local."""
    return Eval(Expr("local.set", "", (value,), index, at))


@dataclass(frozen=True)
class Eval:
    """Evaluates; what comes out, if anything, stays on the operand stack."""

    value: Expr


@dataclass(frozen=True)
class Attempt:
    """Evaluates a call that may throw; with an exception, it goes on at the label."""

    value: Expr
    label: Label
    at: int | None = None


@dataclass(frozen=True)
class Drop:
    """Evaluates and forgets."""

    value: Expr


@dataclass(frozen=True)
class Place:
    label: Label
    value: None = None


@dataclass(frozen=True)
class Jump:
    """To a label: always, or where the value is not zero (`negated`: where it is)."""

    label: Label
    value: Expr | None = None
    negated: bool = False
    at: int | None = None


@dataclass(frozen=True)
class JumpTable:
    """To labels[value], or to the last one beyond them."""

    labels: tuple[Label, ...]
    value: Expr
    at: int | None = None


@dataclass(frozen=True)
class Return:
    """`skips` the row behind the call: that is for a return with an exception."""

    skips: bool = False
    value: None = None
    at: int | None = None


@dataclass(frozen=True)
class TailCall:
    """To a function that is in the same group (tails.py), or to that of the table's entry whose
    row is the value.
    """

    value: Expr | None = None
    label: Label | None = None
    at: int | None = None


@dataclass(frozen=True)
class Stop:
    """A trap; `refused` is the wasm instruction that could not be compiled."""

    kind: Trap
    refused: str | None = None
    at: int | None = None
    value: None = None


Statement = Eval | Attempt | Drop | Place | Jump | JumpTable | Return | TailCall | Stop


@dataclass
class Function:
    """A function: `kinds` has the types of its locals, parameters first.

    Where it is entered, the arguments lie on the operand stack; where it returns, the results do.
    """

    index: int
    name: str
    kinds: list[str]
    code: list[Statement]


def targets(statement: Statement) -> tuple[Label, ...]:
    if isinstance(statement, (Jump, Attempt)):
        return (statement.label,)
    return statement.labels if isinstance(statement, JumpTable) else ()


def falls_through(statement: Statement) -> bool:
    if isinstance(statement, Jump):
        return statement.value is not None
    return not isinstance(statement, (JumpTable, Return, TailCall, Stop))


def in_order(value: Expr) -> Iterator[Expr]:
    """The nodes in the order of evaluation."""
    for arg in value.args:
        yield from in_order(arg)
    yield value
