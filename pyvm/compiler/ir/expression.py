"""Expressions: trees of wasm instructions between two statements, with what is known of their
values.

Enters: wasm instructions with their operands.  Leaves: a `Node`, simplified: constants folded,
identities removed, operations of the machine preferred.  The order of evaluation is never changed:
operands from left to right, then the operation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyvm.compiler.ir.variables import Variable
from pyvm.isa.arithmetic import fold

FULL = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF}
COMPARISONS = {
    "eq": "ne", "lt_s": "ge_s", "lt_u": "ge_u", "gt_s": "le_s", "gt_u": "le_u",
    "ne": "eq", "ge_s": "lt_s", "ge_u": "lt_u", "le_s": "gt_s", "le_u": "gt_u",
}  # fmt: skip
_DIVISIONS = {"div_s", "div_u", "rem_s", "rem_u"}
_IMPURE = {"stacked", "call", "memory.grow", "local.tee"}
_COMMUTATIVE = {"add", "mul", "and", "or", "xor", "eq", "ne"}


Imm = int | str | tuple[Variable, ...] | None


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        op: wasm instruction, or `stacked`: a value that already lies on the operand stack.
        type: of the result.
        args: operands.
        imm: immediate: a number (constant, machine local, offset), the variables that are read, or
            the unit that is called.
        at: byte offset in the wasm file.
        may: mask of the bits that may be one.
        on_stack: its evaluation begins with values that already lie on the stack.
        pure: dropping it changes nothing (it cannot trap, and has no effect).
        depth: of the tree.
    """

    op: str
    type: str
    args: tuple[Node, ...] = ()
    imm: Imm = None
    at: int | None = None
    may: int = 0
    on_stack: bool = field(init=False)
    pure: bool = field(init=False)
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        args = self.args
        on_stack = [arg.on_stack for arg in args]
        if on_stack != sorted(on_stack, reverse=True) and self.op != "i32.sub":
            raise AssertionError(f"{self.op}: an operand on the stack comes after one that is not")
        pure = self.op not in _IMPURE and "load" not in self.op and all(arg.pure for arg in args)
        derived = {
            "on_stack": self.op == "stacked" or any(on_stack),
            "pure": pure and self.name not in _DIVISIONS,
            "depth": 1 + max((arg.depth for arg in args), default=0),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        return self.op.partition(".")[2]

    @property
    def constant(self) -> int | None:
        if self.op in ("i32.const", "i64.const") and isinstance(self.imm, int):
            return self.imm
        return None

    @property
    def number(self) -> int:
        return number(self.imm)

    @property
    def variables(self) -> tuple[Variable, ...]:
        if not isinstance(self.imm, tuple):
            raise AssertionError(f"{self.op}: its immediate {self.imm!r} is no variables")
        return self.imm

    @property
    def unit(self) -> str:
        if not isinstance(self.imm, str):
            raise AssertionError(f"{self.op}: its immediate {self.imm!r} is no unit")
        return self.imm


def number(imm: Imm) -> int:
    if not isinstance(imm, int):
        raise AssertionError(f"the immediate {imm!r} is no number")
    return imm


def const(value: int, kind: str = "i32", at: int | None = None) -> Node:
    value &= FULL[kind]
    return Node(f"{kind}.const", kind, (), value, at, value)


def stacked(kind: str, may: int | None = None) -> Node:
    return Node("stacked", kind, may=FULL[kind] if may is None else may)


def slot(index: int) -> Node:
    """The value of a machine local."""
    return Node("slot", "i32", imm=index, may=FULL["i32"])


def node(
    op: str, kind: str, args: tuple[Node, ...] = (), imm: Imm = None, at: int | None = None
) -> Node:
    """The simplified node of an operation."""
    values = [arg.constant for arg in args]
    if args and None not in values:
        folded = fold(op, [value for value in values if value is not None])
        if folded is not None:
            return const(folded, kind, at)
    prefix, _, name = op.partition(".")
    if name in _COMMUTATIVE and values[0] is not None:
        args, values = (
            args[::-1],
            values[::-1],
        )  # a constant has no effect: moving it is no reordering
    if len(args) == 2 and values[1] is not None:
        better = _with_constant(op, kind, args[0], values[1], at)
        if better is not None:
            return better
    if len(args) == 2 and name in ("or", "xor") and not args[0].may & args[1].may:
        return node(f"{prefix}.add", kind, args, imm, at)
    if "load" in name and args[0].op == "i32.add":
        base, constant = args[0].args[0], args[0].args[1].constant
        offset = number(imm)
        if constant is not None and base.may + constant + offset <= FULL["i32"]:  # no overflow
            return node(op, kind, (base,), offset + constant, at)
    if op == "i32.eqz" and args[0].op.startswith("i32.") and args[0].name in COMPARISONS:
        inner = args[0]
        return node(f"i32.{COMPARISONS[inner.name]}", "i32", inner.args, None, inner.at)
    return Node(op, kind, args, imm, at, _may(op, kind, args, values))


def _with_constant(op: str, kind: str, left: Node, value: int, at: int | None) -> Node | None:
    """A better node for `left op value`, or None."""
    prefix, _, name = op.partition(".")
    full, bits = FULL[kind], 64 if prefix == "i64" else 32
    pure = left.pure
    zero = const(0, kind, at)
    if name in ("add", "sub", "or", "xor") and value == 0:
        return left
    if name == "sub":
        return node(f"{prefix}.add", kind, (left, const(-value, kind, at)), None, at)
    if name == "add" and left.name == "add" and left.args[1].constant is not None:
        total = left.args[1].constant + value
        return node(op, kind, (left.args[0], const(total, kind, at)), None, at)
    if name in ("shl", "shr_s", "shr_u", "rotl", "rotr"):
        count = value % bits
        if count == 0:
            return left
        if name == "shr_u" and left.may >> count == 0 and pure:
            return zero
        if name == "shr_s" and not left.may >> bits - 1:
            return node(f"{prefix}.shr_u", kind, (left, const(count, kind)), None, at)
        if name == "shr_s" and left.name == "shl" and left.args[1].constant == count:
            if count in (bits - 8, bits - 16, bits - 32):
                return node(f"{prefix}.extend{bits - count}_s", kind, left.args[:1], None, at)
        if name == "shr_u" and left.name == "shl" and left.args[1].constant == count:
            return node(f"{prefix}.and", kind, (left.args[0], const(full >> count, kind)), None, at)
        if name == "shl" and left.name == "shl" and left.args[1].constant is not None:
            total = left.args[1].constant + count
            if total < bits:
                return node(op, kind, (left.args[0], const(total, kind)), None, at)
        if value != count:
            return node(op, kind, (left, const(count, kind)), None, at)
    if name == "and":
        if left.may & value == 0 and pure:
            return zero
        if left.may & ~value == 0:
            return left
        if left.name == "and" and left.args[1].constant is not None:
            mask = left.args[1].constant & value
            return node(op, kind, (left.args[0], const(mask, kind)), None, at)
        if left.name == "shr_s" and left.args[1].constant is not None:
            if value >> bits - left.args[1].constant == 0:  # the copies of the sign are masked out
                shifted = node(f"{prefix}.shr_u", kind, left.args, None, at)
                return node(op, kind, (shifted, const(value, kind)), None, at)
    if name == "mul":
        if value == 1:
            return left
        if value == 0 and pure:
            return zero
        if value & value - 1 == 0 and value:
            return node(
                f"{prefix}.shl", kind, (left, const(value.bit_length() - 1, kind)), None, at
            )
    if name == "div_u" and value and value & value - 1 == 0:
        return node(f"{prefix}.shr_u", kind, (left, const(value.bit_length() - 1, kind)), None, at)
    if name == "rem_u" and value and value & value - 1 == 0:
        return node(f"{prefix}.and", kind, (left, const(value - 1, kind)), None, at)
    if name in ("div_s", "rem_s") and not left.may >> bits - 1 and 0 < value < 1 << bits - 1:
        return node(f"{prefix}.{name[:-1]}u", kind, (left, const(value, kind)), None, at)
    if name in ("div_u", "div_s") and value == 1:
        return left
    if name == "xor" and value == full and prefix == "i32":  # the selector knows the odd order
        return node(f"{prefix}.sub", kind, (const(full, kind, at), left), None, at)
    if name == "eq" and value == 0:
        return node(f"{prefix}.eqz", "i32", (left,), None, at)
    if name == "ne" and value == 0 and left.may == 1 and prefix == "i32":
        return left
    if name in ("eq", "ne") and value == 1 and left.may == 1 and prefix == "i32":
        return left if name == "eq" else node("i32.eqz", "i32", (left,), None, at)
    return None


def _may(op: str, kind: str, args: tuple[Node, ...], values: list[int | None]) -> int:
    """The bits of the result that may be one."""
    full = FULL[kind]
    prefix, _, name = op.partition(".")
    may = [arg.may for arg in args]
    last = values[-1] if values else None
    if name in COMPARISONS or name == "eqz":
        return 1
    if name.startswith("load") and name.endswith("_u"):
        return (1 << int(name[4:-2])) - 1
    if name == "and":
        return may[0] & may[1]
    if name in ("or", "xor"):
        return may[0] | may[1]
    if op == "select":
        return may[0] | may[1]
    if name in ("clz", "ctz", "popcnt"):
        return 0x7F
    if name == "add" and may[0] + may[1] <= full:
        low = (may[0] | may[1]) & -(may[0] | may[1])
        top = (1 << (may[0] + may[1]).bit_length()) - 1
        return may[0] | may[1] if not may[0] & may[1] else top & -low
    if name in ("add", "sub", "mul"):
        both = may[0] | may[1] if name != "mul" else may[0]
        return full & -(both & -both) if both else 0
    if last is not None:
        if name == "shl":
            return may[0] << last & full
        if name == "shr_u":
            return may[0] >> last
        if name == "div_u" and last:
            return (1 << (may[0] // last).bit_length()) - 1
        if name == "rem_u" and last:
            return (1 << min(last - 1, may[0]).bit_length()) - 1
    if name == "extend_i32_u":
        return may[0]
    if name in ("wrap_i64",):
        return may[0] & 0xFFFFFFFF
    if name in ("extend8_s", "extend16_s", "extend32_s", "extend_i32_s"):
        width = {"extend8_s": 8, "extend16_s": 16}.get(name, 32)
        return may[0] & (1 << width) - 1 if not may[0] >> width - 1 & 1 else full
    return full
