"""Instruction selection for i64: a value is a pair of words, the low one below the high one.

Enters: i64 expressions (and i32 ones with i64 operands).  Leaves: machine code, by way of i32
expressions over the halves, which are made cheap like any other.  Multiplication, division and
variable shifts are library routines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyvm.compiler.ir.expression import COMPARISONS, Node, const, node, slot, stacked
from pyvm.compiler.link.assembly import MASK, Label
from pyvm.compiler.select.selector import Selector
from pyvm.isa.traps import Trap
from pyvm.wasm.opcodes import ACCESS_BYTES

WIDE = stacked("i64")  # the two words on top of the stack


def value(s: Selector, item: Node) -> None:
    """Pushes the value of an expression that has to do with i64."""
    name = item.name
    if item.op == "i64.const":
        s.const(item.number & MASK)
        s.const(item.number >> 32)
    elif item.op == "select":
        _select(s, item)
    elif name == "wrap_i64":
        _low_word(s, item.args[0])
    elif name == "eqz":
        _eqz(s, item)
    elif name in COMPARISONS:
        _compare(s, item)
    elif item.op in ACCESS_BYTES:
        _load(s, item)
    elif name.startswith("extend"):
        _extend(s, item)
    elif name in ("add", "sub"):
        _add(s, item)
    elif name in ("and", "or", "xor"):
        _bitwise(s, item)
    elif name in ("clz", "ctz", "popcnt"):
        _count(s, item)
    elif name in ("shl", "shr_s", "shr_u", "rotl", "rotr"):
        _shift(s, item)
    else:
        _routine(s, item)


@contextmanager
def _words(s: Selector, *items: Node) -> Iterator[tuple[int, ...]]:
    """Evaluates i64 expressions in order; the locals that hold their words, low ones first."""
    if all(item.op == "local.get" and item.variables[0].kind == "local" for item in items):
        yield tuple(variable.index for item in items for variable in item.variables)
        return
    for item in items:
        s.value(item)
    with s.all_held(*[stacked("i32")] * (2 * len(items))) as slots:
        yield slots


def _routine(s: Selector, item: Node) -> None:
    for arg in item.args:
        s.value(arg)
    s.here(item)
    if item.name[:3] in ("div", "rem"):
        _check_divisor(s, item)
    s.routine(item.op)


def _check_divisor(s: Selector, item: Node) -> None:
    divisor = item.args[1].constant
    if divisor not in (None, 0) and (item.name != "div_s" or divisor != (1 << 64) - 1):
        return
    with _words(s, WIDE, WIDE) as (a_low, a_high, low, high):
        both_zero = node("i32.eqz", "i32", (slot(low),))
        s.value(node("select", "i32", (both_zero, const(0), node("i32.eqz", "i32", (slot(high),)))))
        s.trap_if(Trap.DIVIDE_BY_ZERO)
        if item.name == "div_s":
            # -2^63 / -1: the four words are 0, 2^31, -1, -1
            for word, expected in ((a_high, 1 << 31), (a_low, 0), (low, MASK), (high, MASK)):
                s.value(node("i32.eq", "i32", (slot(word), const(expected))))
            for _ in range(3):
                s.emit("i32.add")
            s.const(4)
            s.emit("i32.eq")
            s.trap_if(Trap.INTEGER_OVERFLOW)
        for word in (a_low, a_high, low, high):
            s.emit("local.get", word)


# -- halves -------------------------------------------------------------------------------------


def low_half(s: Selector, item: Node) -> Node | None:
    """An i32 expression for the low word; None where the high word must be computed too."""
    name = item.name
    if item.op == "i64.const":
        return const(item.number & MASK)
    if item.op in ("i64.extend_i32_u", "i64.extend_i32_s"):
        return item.args[0]
    if item.op == "local.get" or item.op == "global.get":
        return Node(item.op, "i32", (), item.variables[:1], item.at, MASK)
    if name in ("add", "sub", "and", "or", "xor", "mul"):
        found = [low_half(s, arg) for arg in item.args]
        halves = tuple(half for half in found if half is not None)
        if len(halves) < len(found):
            return None
        return node(f"i32.{name}", "i32", halves, None, item.at)
    if name == "shl" and item.args[1].constant is not None and item.args[1].constant < 32:
        half = low_half(s, item.args[0])
        count = const(item.args[1].constant)
        return half and node("i32.shl", "i32", (half, count), None, item.at)
    if name in ("load8_u", "load8_s", "load16_u", "load16_s"):
        return Node(f"i32.{name}", "i32", item.args, item.imm, item.at, MASK)
    if name in ("load32_u", "load32_s") or (name == "load" and not s.shared.checked):
        return Node("i32.load", "i32", item.args, item.imm, item.at, MASK)
    return None


def _low_word(s: Selector, item: Node) -> None:
    half = low_half(s, item)
    if half is not None:
        s.value(half)
    elif item.name in ("shr_u", "shr_s") and (shift := item.args[1].constant or 0) >= 32:
        with _words(s, item.args[0]) as pair:
            count = const(shift % 64 - 32)
            s.value(node(f"i32.{item.name}", "i32", (slot(pair[1]), count)))
    else:
        s.value(item)
        s.emit("drop")


def _sign(s: Selector, word: Node) -> None:
    """Pushes the high word of a sign-extended low word."""
    s.value(node("i32.shr_s", "i32", (word, const(31))))


# -- memory -------------------------------------------------------------------------------------


def _load(s: Selector, item: Node) -> None:
    name, size = item.name, ACCESS_BYTES[item.op]
    s.checked_address(item.args[0], item.number, size, item.at)
    with s.temporary() as t:
        if name == "load":
            s.emit("local.tee", t)
            s.emit("i32.load", item.number)
            s.emit("local.get", t)
            _add_offset(s, item.number, "i32.load")
            return
        s.emit("i32.load" if size == 4 else f"i32.{name}", item.number)
        if name.endswith("_u"):
            s.const(0)
        else:
            s.emit("local.tee", t)
            _sign(s, slot(t))


def _add_offset(s: Selector, offset: int, op: str) -> None:
    """An access four bytes behind `offset` (where that is no offset, far beyond any memory)."""
    s.emit(op, min(offset + 4, MASK))


def store(s: Selector, op: str, address: Node, item: Node, offset: int, at: int | None) -> None:
    """A store statement of an i64."""
    if op != "i64.store":
        half = low_half(s, item)
        small = {"i64.store8": "i32.store8", "i64.store16": "i32.store16"}.get(op, "i32.store")
        if half is not None:
            s.store(small, address, half, offset, at)
            return
        s.value(address)
        s.value(item)
        s.emit("drop")
        with s.held(stacked("i32")) as t:
            _check(s, address, offset, ACCESS_BYTES[op], at)
            s.emit("local.get", t)
            s.emit(small, offset)
        return
    s.value(address)
    if item.constant is not None:
        _check(s, address, offset, 8, at)
        _store_words(s, const(item.constant), const(item.constant >> 32), offset)
    else:
        with _words(s, item) as (low, high):
            _check(s, address, offset, 8, at)
            _store_words(s, slot(low), slot(high), offset)


def _store_words(s: Selector, low: Node, high: Node, offset: int) -> None:
    """Stores two words at the address on top of the stack, which it takes."""
    with s.temporary() as a:
        s.emit("local.tee", a)
        s.value(low)
        s.emit("i32.store", offset)
        s.emit("local.get", a)
        s.value(high)
        _add_offset(s, offset, "i32.store")


def _check(s: Selector, address: Node, offset: int, size: int, at: int | None) -> None:
    """A bounds check of `address`, which is on top of the stack and stays there."""
    s.at = at
    if s.needs_check(address, offset, size):
        s.check_top(offset, size)


# -- operations ---------------------------------------------------------------------------------


def _extend(s: Selector, item: Node) -> None:
    name, inner = item.name, item.args[0]
    if name in ("extend_i32_u", "extend_i32_s"):
        s.value(inner)
        if name == "extend_i32_u" or not inner.may >> 31:
            s.const(0)
            return
    else:
        _low_word(s, inner)
        if name != "extend32_s":
            s.value(node(f"i32.{name}", "i32", (stacked("i32"),)))
    with s.temporary() as t:
        s.emit("local.tee", t)
        _sign(s, slot(t))


def _select(s: Selector, item: Node) -> None:
    for arg in item.args:
        s.value(arg)
    with s.all_held(*[stacked("i32")] * 4) as (a_high, b_low, b_high, condition):
        s.value(slot(b_low))
        s.value(slot(condition))
        s.emit("select")
        for t in (a_high, b_high, condition):
            s.value(slot(t))
        s.emit("select")


def _eqz(s: Selector, item: Node) -> None:
    s.value(item.args[0])
    with s.held(stacked("i32")) as high:
        s.emit("i32.eqz")
        s.const(0)
        s.value(node("i32.eqz", "i32", (slot(high),)))
        s.emit("select")


@contextmanager
def _operands(s: Selector, item: Node) -> Iterator[list[Node]]:
    """Evaluates two i64 operands; expressions for their four words (constants stay constants)."""
    left, right = item.args
    if right.constant is None:
        with _words(s, left, right) as slots:
            s.here(item)
            yield [slot(t) for t in slots]
    else:
        with _words(s, left) as slots:
            s.here(item)
            yield [*map(slot, slots), const(right.constant), const(right.constant >> 32)]


def _compare(s: Selector, item: Node) -> None:
    with _operands(s, item) as (a_low, a_high, b_low, b_high):
        name = item.name
        equal = node("i32.eq", "i32", (a_high, b_high))
        if name in ("eq", "ne"):
            low = node(f"i32.{name}", "i32", (a_low, b_low))
            s.value(Node("select", "i32", (low, const(name == "ne"), equal)))
        else:
            low = node(f"i32.{name[:2]}_u", "i32", (a_low, b_low))
            high = node(f"i32.{name}", "i32", (a_high, b_high))
            s.value(Node("select", "i32", (low, high, equal)))


def _add(s: Selector, item: Node) -> None:
    with _operands(s, item) as (a_low, a_high, b_low, b_high), s.temporary() as low:
        if item.name == "add":
            s.value(node("i32.add", "i32", (a_low, b_low)))
            s.emit("local.tee", low)
            s.value(node("i32.add", "i32", (a_high, b_high)))
            s.value(node("i32.lt_u", "i32", (slot(low), b_low)))  # the carry
            s.emit("i32.add")
        else:
            s.value(node("i32.sub", "i32", (a_low, b_low)))
            s.value(node("i32.sub", "i32", (a_high, b_high)))
            s.value(node("i32.lt_u", "i32", (a_low, b_low)))
            s.emit("i32.sub")


def _bitwise(s: Selector, item: Node) -> None:
    with _operands(s, item) as (a_low, a_high, b_low, b_high):
        may = [(arg.may & MASK, arg.may >> 32) for arg in item.args]
        for i, pair in enumerate(((a_low, b_low), (a_high, b_high))):
            halves = tuple(
                half
                if half.constant is not None
                else Node("slot", "i32", imm=half.imm, may=known[i])
                for half, known in zip(pair, may)
            )
            s.value(node(f"i32.{item.name}", "i32", halves))


def _count(s: Selector, item: Node) -> None:
    with _words(s, item.args[0]) as (low, high):
        if item.name == "popcnt":
            for t in (low, high):
                s.value(node("i32.popcnt", "i32", (slot(t),)))
            s.emit("i32.add")
        else:  # of the half that is looked at first, or 32 more if that is zero
            first, second = (high, low) if item.name == "clz" else (low, high)
            some, done = Label("some"), Label("done")
            s.value(slot(first))
            s.emit("br_if", some)
            s.value(node(item.op.replace("i64", "i32"), "i32", (slot(second),)))
            s.const(32)
            s.emit("i32.add")
            s.emit("br", done)
            s.place(some)
            s.value(node(item.op.replace("i64", "i32"), "i32", (slot(first),)))
            s.place(done)
        s.const(0)


def _shift(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        for arg in item.args:
            s.value(arg)
        s.emit("drop")  # the count's high word
        s.routine(item.op)
        return
    name = item.name
    with _words(s, x) as (low, high):
        words = slot(low), slot(high)
        if name in ("rotl", "rotr"):
            count = count if name == "rotl" else 64 - count
            if count >= 32:
                words = words[::-1]
                count -= 32
            _joined(s, words[0], words[1], count)
            _joined(s, words[1], words[0], count)
        elif name == "shl":
            if count >= 32:
                s.const(0)
                s.value(node("i32.shl", "i32", (words[0], const(count - 32))))
            else:
                s.value(node("i32.shl", "i32", (words[0], const(count))))
                _joined(s, words[1], words[0], count)
        elif count >= 32:
            s.value(node(f"i32.{name}", "i32", (words[1], const(count - 32))))
            if name == "shr_u":
                s.const(0)
            else:
                _sign(s, words[1])
        else:
            _joined(s, words[1], words[0], 32 - count)
            s.value(node(f"i32.{name}", "i32", (words[1], const(count))))


def _joined(s: Selector, upper: Node, lower: Node, count: int) -> None:
    """Pushes upper << count | lower >> 32 - count, for 0 <= count <= 32."""
    if count == 0:
        s.value(upper)
    elif count == 32:
        s.value(lower)
    else:
        s.value(node("i32.shl", "i32", (upper, const(count))))
        s.value(node("i32.shr_u", "i32", (lower, const(32 - count))))
        s.emit("i32.add")
