"""Shifts and rotations by a constant: bytes move through memory, bits by doubling or by tables.

Enters and leaves: as in selector.py.
"""

from __future__ import annotations

from pyvm.compiler.ir.expression import Node, const, node, slot
from pyvm.compiler.link.assembly import MASK
from pyvm.compiler.select.selector import STACKED, Selector


def shl(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        s.call_routine(item)
        return
    skip, bits = divmod(count, 8)
    if skip:
        s.through_cell(x, s.address["WINDOW"], "i32.store", "i32.load", -skip)
    else:
        s.value(x)
    s.double(bits)


def shr_u(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        s.call_routine(item)
        return
    skip, bits = divmod(count, 8)
    if not x.may >> count:  # evaluated for its effect alone
        s.value(x)
        s.emit("drop")
        s.const(0)
    elif count == 31:
        s.value(x)
        s.const(0)
        s.emit("i32.lt_s")
    elif bits and x.may >> count <= 3:
        with s.held(x) as t:
            for step in range(1, (x.may >> count) + 1):
                s.emit("local.get", t)
                s.const(step << count)
                s.emit("i32.ge_u")
                if step > 1:
                    s.emit("i32.add")
    elif skip:
        window = s.address["WINDOW"]
        load = {1: "i32.load", 2: "i32.load16_u", 3: "i32.load8_u"}[skip]
        if bits == 0:
            s.through_cell(x, window, "i32.store", load, skip)
        else:
            s.store_cell(x, window)
            rest = Node("i32.load", "i32", (const(0),), window + skip, may=x.may >> 8 * skip)
            with s.unchecked():
                _shift_right(s, rest, bits)
    else:
        _shift_right(s, x, bits)


def _shift_right(s: Selector, x: Node, bits: int) -> None:
    """x >> bits for 0 < bits < 8: a table, or x << 8 - bits and then one byte down."""
    left = 8 - bits
    if x.may <= 0xFF:
        table = s.shared.byte_table(f"shr {bits}", lambda value: value >> bits)
        s.value(x)
        if table is not None:
            s.emit("i32.load8_u", table)
            return
        s.double(left)
        with s.held(STACKED) as t:
            s.through_cell(slot(t), s.address["CELL"], "i32.store16", "i32.load8_u", 1)
        return
    if x.may << left <= MASK:
        window = s.address["WINDOW"]
        if not x.on_stack:
            s.const(0)
            s.value(x)
            s.double(left)
            s.emit("i32.store", window)
            s.load_cell(window + 1)
        else:
            s.value(x)
            s.double(left)
            with s.held(STACKED) as t:
                s.through_cell(slot(t), window, "i32.store", "i32.load", 1)
        return
    if bits <= 3:
        down = s.shared.byte_table(f"shr {bits}", lambda value: value >> bits)
        up = s.shared.byte_table(f"shl {left}", lambda value: value << left)
        if down is not None and up is not None:
            cell, result = s.address["CELL"], s.address["R"]
            s.store_cell(x, cell)
            for i in range(4):
                s.const(0)
                s.load_cell(cell + i, "i32.load8_u")
                s.emit("i32.load8_u", down)
                if i < 3:
                    s.load_cell(cell + i + 1, "i32.load8_u")
                    s.emit("i32.load8_u", up)
                    s.emit("i32.add")
                s.emit("i32.store8", result + i)
            s.load_cell(result)
            return
    merge = s.address["MERGE"]
    with s.held(x) as t:
        s.const(0)
        s.through_cell(slot(t), s.address["CELL"], "i32.store", "i32.load8_u", 3)
        s.double(left)
        s.emit("i32.store", merge + 2)
        s.const(0)
        s.emit("local.get", t)
        s.double(left)
        s.emit("i32.store", merge - 1)
    s.load_cell(merge)


def shr_s(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        s.call_routine(item)
    elif count == 31:
        if x.on_stack:
            with s.held(x) as t:
                shr_s(s, node("i32.shr_s", "i32", (slot(t), item.args[1])))
            return
        s.const(0)
        s.value(x)
        s.const(0)
        s.emit("i32.lt_s")
        s.emit("i32.sub")
    elif count in (16, 24):
        load = "i32.load16_s" if count == 16 else "i32.load8_s"
        s.through_cell(x, s.address["CELL"], "i32.store", load, count // 8)
    else:  # shift x + 2^31, which is not negative
        biased = Node("i32.add", "i32", (x, const(1 << 31)), may=MASK)
        s.value(node("i32.shr_u", "i32", (biased, const(count))))
        s.const(-(1 << 31 - count))
        s.emit("i32.add")


def rotate(s: Selector, item: Node) -> None:
    x, count = item.args[0], item.args[1].constant
    if count is None:
        s.call_routine(item)
        return
    if item.name == "rotr":
        count = 32 - count
    with s.held(x) as t:
        s.value(node("i32.shl", "i32", (slot(t), const(count))))
        s.value(node("i32.shr_u", "i32", (slot(t), const(32 - count))))
        s.emit("i32.add")
