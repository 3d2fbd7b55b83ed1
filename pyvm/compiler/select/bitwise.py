"""and, or, xor with a constant, or of truth values.

Enters and leaves: as in selector.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyvm.compiler.ir.expression import Node, const
from pyvm.compiler.select.selector import Selector

_BYTE: dict[str, Callable[[int, int], int]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}


def bitwise(s: Selector, item: Node) -> None:
    """and, or, xor with a constant: byte by byte, with tables for bytes that are not trivial."""
    x, constant = item.args[0], item.args[1].constant
    if constant is None:
        if item.args[0].may | item.args[1].may == 1:
            _boolean(s, item)
        else:
            s.call_routine(item)
        return
    name, function = item.name, _BYTE[item.name]
    # what each byte becomes: None unchanged, an int a constant, a str the key of a table
    plan: list[None | int | str] = []
    for i in range(4):
        k, may = constant >> 8 * i & 0xFF, x.may >> 8 * i & 0xFF
        values = {v: function(v, k) for v in range(256) if v & ~may == 0}
        if all(v == result for v, result in values.items()):
            plan.append(None)
        elif len(set(values.values())) == 1:
            plan.append(next(iter(values.values())))
        else:
            plan.append(f"{name} {k:#04x}")
    known = [0 if key is None and not x.may >> 8 * i & 0xFF else key for i, key in enumerate(plan)]
    fixed = [key for key in known if isinstance(key, int)]
    if len(fixed) == 4:
        s.value(x)
        s.emit("drop")
        s.const(sum(key << 8 * i for i, key in enumerate(fixed)))
        return
    tables: dict[int, int] = {}
    wanted = {key for key in plan if isinstance(key, str)}
    if len([key for key in wanted if f"byte {key}" not in s.shared.layout.contents]) <= 2:
        for i, key in enumerate(plan):
            if isinstance(key, str):
                k = constant >> 8 * i & 0xFF
                table = s.shared.byte_table(key, partial(function, k))
                if table is not None:
                    tables[i] = table
    if sum(isinstance(key, str) for key in plan) > len(tables):
        s.call_routine(item)
        return
    kept = [
        i for i in range(4) if plan[i] != 0 and not (plan[i] is None and not x.may >> 8 * i & 0xFF)
    ]
    if x.may <= 0xFF and kept == [0]:
        s.value(x)
        if 0 in tables:
            s.emit("i32.load8_u", tables[0])
        return
    cell = s.address["CELL"]
    if kept == [0, 1] and plan[:2] == [None, None]:
        s.through_cell(x, cell, "i32.store16", "i32.load16_u")
        return
    if kept == [0]:
        s.through_cell(x, cell, "i32.store8", "i32.load8_u")
        if 0 in tables:
            s.emit("i32.load8_u", tables[0])
        return
    s.store_cell(x, cell)
    if len(kept) == 1 and name == "and":  # into a word whose other bytes are always zero
        (i,) = kept
        only = s.address[f"ONLY{i}"]
        s.const(0)
        s.load_cell(cell + i, "i32.load8_u")
        if i in tables:
            s.emit("i32.load8_u", tables[i])
        s.emit("i32.store8", only + i)
        s.load_cell(only)
        return
    i = 0
    while i < 4:
        key = plan[i]
        if isinstance(key, str):
            s.const(0)
            s.load_cell(cell + i, "i32.load8_u")
            s.emit("i32.load8_u", tables[i])
            s.emit("i32.store8", cell + i)
        elif key is not None:
            s.const(0)
            after = plan[i + 1] if i < 3 else None
            if isinstance(after, int):
                s.const(key | after << 8)
                s.emit("i32.store16", cell + i)
                i += 1
            else:
                s.const(key)
                s.emit("i32.store8", cell + i)
        i += 1
    s.load_cell(cell)


def _boolean(s: Selector, item: Node) -> None:
    """and, or, xor of two truth values."""
    a, b = item.args
    if item.name == "and" and not b.on_stack:  # b ? a : 0
        order: tuple[Node, ...] = (a, const(0), b)
    elif item.name == "or" and not a.on_stack and not b.on_stack:  # b ? 1 : a
        order = (const(1), a, b)
    else:
        order = (a, b)
    for arg in order:
        s.value(arg)
    s.here(item)
    if len(order) == 3:
        s.emit("select")
    elif item.name == "xor":
        s.emit("i32.ne")
    else:
        s.emit("i32.add")
        s.const(0 if item.name == "or" else 2)
        s.emit("i32.ne" if item.name == "or" else "i32.eq")
