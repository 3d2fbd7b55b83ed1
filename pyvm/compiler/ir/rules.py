"""Rewrites of expressions, as data: a pattern, a condition, and what takes its place.

Enters: an operation and its operands, which are simple already.  Leaves: an expression of the same
value, traps and effects, which costs no more.

A pattern is an operation's name without its type and the patterns of its operands; `x`, `y`, `z`
stand for any expression, `c`, `d` for constants.  A rule holds for i32 and i64 alike, unless its
name has a type.  Operands are never reordered, except where one of them is a constant.
"""

# ruff: noqa: E501  (a rule is a line)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar, Union

from pyvm.compiler.ir.bits import may
from pyvm.compiler.ir.function import HIGH, LOW, Expr, const
from pyvm.isa.arithmetic import fold
from pyvm.wasm.opcodes import ACCESS_BYTES, OPCODES

T = TypeVar("T")
R = TypeVar("R")
Pattern = Union[str, tuple["str | Pattern", ...]]  # noqa: UP007  (it names itself)

_TYPES = {row.name: row.results[0] for row in OPCODES.values() if row.results}
_INVERSE = {
    "eq": "ne", "lt_s": "ge_s", "lt_u": "ge_u", "gt_s": "le_s", "gt_u": "le_u",
    "ne": "eq", "ge_s": "lt_s", "ge_u": "lt_u", "le_s": "gt_s", "le_u": "gt_u",
}  # fmt: skip
_TURNED = {
    "add": "add", "mul": "mul", "and": "and", "or": "or", "xor": "xor", "eq": "eq", "ne": "ne",
    "lt_s": "gt_s", "lt_u": "gt_u", "gt_s": "lt_s", "gt_u": "lt_u",
    "le_s": "ge_s", "le_u": "ge_u", "ge_s": "le_s", "ge_u": "le_u",
}  # fmt: skip
_SHIFTS = ("shl", "shr_s", "shr_u", "rotl", "rotr")


class Match:
    """What a pattern's letters stand for, and the expression that it was found in."""

    def __init__(self, root: Expr):
        self.root = root
        self.bound: dict[str, Expr] = {}
        operand = root.args[0].type if root.args else root.type
        self.kind = operand or root.type
        self.bits = 64 if self.kind == "i64" else 32
        self.full = (1 << self.bits) - 1

    @property
    def x(self) -> Expr:
        return self.bound["x"]

    @property
    def y(self) -> Expr:
        return self.bound["y"]

    @property
    def z(self) -> Expr:
        return self.bound["z"]

    @property
    def c(self) -> int:
        return self.bound["c"].imm

    @property
    def d(self) -> int:
        return self.bound["d"].imm

    def make(self, name: str, *args: Expr | int, imm: int = 0) -> Expr:
        """An operation on operands of the same type; numbers are constants of it."""
        operands = [const(self.kind, arg) if isinstance(arg, int) else arg for arg in args]
        op = name if "." in name else f"{self.kind}.{name}"
        return simplified(Expr(op, _TYPES[op], tuple(operands), imm, self.root.at))


@dataclass(frozen=True)
class Rule:
    pattern: tuple[Pattern, ...]
    when: Callable[[Match], bool]
    then: Callable[[Match], Expr]


def _always(m: Match) -> bool:
    return True


def _power(value: int) -> bool:
    return value > 0 and not value & value - 1


def _log(value: int) -> int:
    return value.bit_length() - 1


def _no_wrap(m: Match) -> bool:
    """The sum in an address stays below 2^32, with its constant moved into the offset."""
    return may(m.x) + m.c + m.root.imm < 1 << 32


def _with(given: T, then: Callable[[Match, T], R]) -> Callable[[Match], R]:
    """A condition or a result that knows which of several rules it belongs to."""
    return lambda m: then(m, given)


def _loaded(m: Match, load: str) -> Expr:
    """The same load, which extends in another way."""
    return m.make(load, m.x, imm=m.root.args[0].imm)


def _at_offset(m: Match) -> Expr:
    return replace(m.root, args=(m.x, *m.root.args[1:]), imm=m.root.imm + m.c)


_LOADS = tuple(name for name in ACCESS_BYTES if "load" in name)
_STORES = tuple(name for name in ACCESS_BYTES if "store" in name)

RULES: tuple[Rule, ...] = (
    # A constant has no effect: it goes to the right.
    *(
        Rule((name, "c", "x"), lambda m: m.x.constant is None,
             _with(turned, lambda m, turned: m.make(turned, m.x, m.c)))
        for name, turned in _TURNED.items()
    ),
    # Nothing changes.
    *(Rule((name, "x", "c"), lambda m: m.c == 0, lambda m: m.x) for name in ("add", "sub", "or", "xor")),
    *(Rule((name, "x", "c"), lambda m: m.c % m.bits == 0, lambda m: m.x) for name in _SHIFTS),
    *(Rule((name, "x", "c"), lambda m: m.c == 1, lambda m: m.x) for name in ("mul", "div_u", "div_s")),
    Rule(("and", "x", "c"), lambda m: not may(m.x) & ~m.c, lambda m: m.x),
    # Zero.
    *(Rule((name, "x", "c"), lambda m: m.c == 0 and m.x.pure, lambda m: const(m.kind, 0)) for name in ("mul", "and")),
    Rule(("and", "x", "c"), lambda m: not may(m.x) & m.c and m.x.pure, lambda m: const(m.kind, 0)),
    # Two constants become one.
    Rule(("sub", "x", "c"), _always, lambda m: m.make("add", m.x, -m.c)),
    Rule(("add", ("add", "x", "c"), "d"), _always, lambda m: m.make("add", m.x, m.c + m.d)),
    Rule(("and", ("and", "x", "c"), "d"), _always, lambda m: m.make("and", m.x, m.c & m.d)),
    Rule(("or", ("or", "x", "c"), "d"), _always, lambda m: m.make("or", m.x, m.c | m.d)),
    Rule(("xor", ("xor", "x", "c"), "d"), _always, lambda m: m.make("xor", m.x, m.c ^ m.d)),
    *(
        Rule((name, (name, "x", "c"), "d"), lambda m: m.c % m.bits + m.d % m.bits < m.bits,
             _with(name, lambda m, name: m.make(name, m.x, m.c % m.bits + m.d % m.bits)))
        for name in ("shl", "shr_u", "shr_s")
    ),
    # Cheaper operations.
    Rule(("mul", "x", "c"), lambda m: _power(m.c), lambda m: m.make("shl", m.x, _log(m.c))),
    Rule(("div_u", "x", "c"), lambda m: _power(m.c), lambda m: m.make("shr_u", m.x, _log(m.c))),
    Rule(("rem_u", "x", "c"), lambda m: _power(m.c), lambda m: m.make("and", m.x, m.c - 1)),
    *(
        Rule(("shr_s", ("shl", "x", "c"), "d"), _with(width, lambda m, width: m.c == m.d == m.bits - width),
             _with(width, lambda m, width: m.make(f"extend{width}_s", m.x)))
        for width in (8, 16)
    ),
    Rule(("i64.shr_s", ("shl", "x", "c"), "d"), lambda m: m.c == m.d == 32, lambda m: m.make("extend32_s", m.x)),
    Rule(("shr_u", ("shl", "x", "c"), "d"), lambda m: 0 < m.c == m.d < m.bits,
         lambda m: m.make("and", m.x, m.full >> m.c)),
    *(
        Rule((f"{kind}.extend{width}_s", (f"{kind}.load{width}_{sign}", "x")), _always,
             _with(f"{kind}.load{width}_s", _loaded))
        for kind in ("i32", "i64") for width in (8, 16) for sign in "su"
    ),
    *(
        Rule((f"i64.extend_i32_{sign}", ("i32.load", "x")), _always,
             _with(f"i64.load32_{sign}", _loaded))
        for sign in "su"
    ),
    *(
        Rule((f"i64.extend_i32_{sign}", (f"i32.load{width}_u", "x")), _always,
             _with(f"i64.load{width}_u", _loaded))
        for sign in "su" for width in (8, 16)
    ),
    *(
        Rule(("i64.extend_i32_s", (f"i32.load{width}_s", "x")), _always,
             _with(f"i64.load{width}_s", _loaded))
        for width in (8, 16)
    ),
    # Comparisons, and with zero.
    Rule(("eq", "x", "c"), lambda m: m.c == 0, lambda m: m.make("eqz", m.x)),
    Rule(("i64.ne", "x", "c"), lambda m: m.c == 0, lambda m: m.make("i32.eqz", m.make("eqz", m.x))),
    Rule(("i32.ne", "x", "c"), lambda m: m.c == 0 and may(m.x) == 1, lambda m: m.x),
    Rule(("i32.eq", "x", "c"), lambda m: m.c == 1 and may(m.x) == 1, lambda m: m.x),
    Rule(("i32.and", "x", "c"), lambda m: m.c & 1 == 1 and may(m.x) == 1, lambda m: m.x),
    *(
        Rule(("i32.eqz", (f"{kind}.{name}", "x", "y")), _always,
             _with(f"{kind}.{inverse}", lambda m, op: m.make(op, m.x, m.y)))
        for kind in ("i32", "i64") for name, inverse in _INVERSE.items()
    ),
    Rule(("i32.eqz", ("i32.eqz", "x")), lambda m: may(m.x) == 1, lambda m: m.x),
    # Halves of eight bytes.
    Rule(("i32.wrap_i64", ("i64.extend_i32_u", "x")), _always, lambda m: m.x),
    Rule(("i32.wrap_i64", ("i64.extend_i32_s", "x")), _always, lambda m: m.x),
    Rule(("i32.wrap_i64", ("i64.and", "x", "c")), lambda m: m.c & 0xFFFFFFFF == 0xFFFFFFFF,
         lambda m: m.make("i32.wrap_i64", m.x)),
    Rule(("i32.wrap_i64", ("local.get", )), _always, lambda m: replace(m.root.args[0], op=LOW, type="i32")),
    *(
        Rule(("i32.wrap_i64", (f"i64.{name}", ("local.get",), "c")), lambda m: m.c == 32,
             lambda m: replace(m.root.args[0].args[0], op=HIGH, type="i32"))
        for name in ("shr_u", "shr_s")
    ),
    *(
        Rule((f"i64.shr_{sign}", ("local.get",), "c"), lambda m: m.c == 32,
             _with(f"i64.extend_i32_{sign}", lambda m, op: Expr(
                 op, "i64", (replace(m.root.args[0], op=HIGH, type="i32"),), at=m.root.at)))
        for sign in "us"
    ),
    Rule(("i64.and", "x", "c"), lambda m: m.c == 0xFFFFFFFF,
         lambda m: m.make("i64.extend_i32_u", m.make("i32.wrap_i64", m.x))),
    # Of what is stored only the lowest bits count.
    *(
        Rule((op, "x", (f"{kind}.and", "y", "c")),
             _with((1 << 8 * ACCESS_BYTES[op]) - 1, lambda m, mask: m.c & mask == mask),
             lambda m: rewritten(m.root.with_args(m.x, m.y)))
        for kind in ("i32", "i64") for op in _STORES if op.startswith(kind)
    ),
    *(
        Rule((op, "x", (f"i32.extend{width}_s", "y")), _always,
             lambda m: rewritten(m.root.with_args(m.x, m.y)))
        for op, width in (("i32.store8", 8), ("i32.store8", 16), ("i32.store16", 16))
    ),
    *(
        Rule((f"i64.store{width}", "x", ("local.get",)), _always,
             _with(f"i32.store{width}".removesuffix("32"), lambda m, op: replace(
                 m.root, op=op, args=(m.x, replace(m.root.args[1], op=LOW, type="i32")))))
        for width in ("8", "16", "32")
    ),
    *(
        Rule((f"i64.store{width}", "x", (f"i64.extend_i32_{sign}", "y")), _always,
             _with(f"i32.store{width}".removesuffix("32"), lambda m, op:
                   rewritten(replace(m.root, op=op, args=(m.x, m.y)))))
        for width in ("8", "16", "32") for sign in "us"
    ),
    *(
        Rule((f"i32.store{width}", "x", ("i32.wrap_i64", "y")), _always,
             _with(f"i64.store{width or 32}", lambda m, op: replace(m.root, op=op, args=(m.x, m.y))))
        for width in ("", "8", "16")
    ),
    # Addresses.
    *(Rule((op, ("i32.add", "x", "c")), _no_wrap, _at_offset) for op in _LOADS),
    *(Rule((op, ("i32.add", "x", "c"), "y"), _no_wrap, _at_offset) for op in _STORES),
    # A choice that is made.
    Rule(("select", "x", "y", "c"), lambda m: bool(m.c) and m.y.pure, lambda m: m.x),
    Rule(("select", "x", "y", "c"), lambda m: not m.c and m.x.pure, lambda m: m.y),
    Rule(("select", "x", "y", ("i32.ne", "z", "c")), lambda m: m.c == 0,
         lambda m: replace(m.root, args=(m.x, m.y, m.z))),
)  # fmt: skip

# The same where only matters whether the value is zero.
CONDITIONS: tuple[Rule, ...] = (
    Rule(("i32.ne", "x", "c"), lambda m: m.c == 0, lambda m: m.x),
    Rule(("i32.eqz", ("i32.eqz", "x")), _always, lambda m: m.x),
)


def _matches(pattern: Pattern, value: Expr, found: Match) -> bool:
    if isinstance(pattern, str):
        if pattern in ("c", "d") and value.constant is None:
            return False
        found.bound[pattern] = value
        return True
    name, *operands = pattern
    if value.op not in (name, f"{found.kind}.{name}"):
        return False
    if operands and len(operands) != len(value.args):
        return False
    return all(_matches(each, arg, found) for each, arg in zip(operands, value.args))


def _by_operation(rules: tuple[Rule, ...]) -> dict[str, list[Rule]]:
    index: dict[str, list[Rule]] = {}
    for rule in rules:
        name = str(rule.pattern[0])
        for op in (
            (name,) if name in (*_TYPES, *_STORES, "select") else (f"i32.{name}", f"i64.{name}")
        ):
            index.setdefault(op, []).append(rule)
    return index


_RULES, _CONDITIONS = _by_operation(RULES), _by_operation(CONDITIONS)


def _apply(index: dict[str, list[Rule]], value: Expr) -> Expr | None:
    for rule in index.get(value.op, ()):
        found = Match(value)
        if _matches(rule.pattern, value, found) and rule.when(found):
            return rule.then(found)
    return None


def rewritten(value: Expr) -> Expr:
    """The value, after the first rule that fits (whose result is simple again)."""
    better = _apply(_RULES, value)
    return value if better is None else better


def simplified(value: Expr) -> Expr:
    """The value of an operation whose operands are simple."""
    values = [arg.imm for arg in value.args if arg.constant is not None]
    if value.args and len(values) == len(value.args) and value.type:
        folded = fold(value.op, values)
        if folded is not None:
            return const(value.type, folded, value.at)
    return rewritten(value)


def half(value: Expr, upper: bool) -> Expr:
    """The lower or the upper four bytes of eight."""
    if upper:
        value = simplified(Expr("i64.shr_u", "i64", (value, const("i64", 32)), at=value.at))
    return simplified(Expr("i32.wrap_i64", "i32", (value,), at=value.at))


def condition(value: Expr) -> Expr:
    """A value that is zero where this one is."""
    while (better := _apply(_CONDITIONS, value)) is not None:
        value = better
    return value
