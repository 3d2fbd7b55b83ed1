"""Tables that are read or changed: they lie in the memory, beyond what the program can own.

Enters: operands, and last the address of the table: of the number of its elements, how many it may
have, and the elements.  Leaves: the result.  An element segment looks the same.

While a routine works, the memory is as large as it can be.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines
from pyvm.isa.traps import Trap

_WIDE = "memory.size; i32.const 65536; memory.resize"  # the old size lies on the stack


def _outside(kind: Trap = Trap.TABLE_OUT_OF_BOUNDS) -> str:
    return lines(f"outside:; trap {int(kind)}")


def _element(index: str) -> str:
    """Pushes the address of an element, which lies eight bytes before it."""
    return f"local.get t; local.get {index}; i32.const 2; i32.shl; i32.add"


def _inside(first: str, table: str) -> str:
    """Traps unless the table has n elements from `first` on."""
    return lines(
        f"local.get {table}; i32.load; local.tee size; local.get n; i32.lt_u; br_if outside",
        f"local.get size; local.get n; i32.sub; local.get {first}; i32.lt_u; br_if outside",
    )


def _one() -> str:
    """Traps unless there is an element i."""
    return lines(_WIDE, "local.get i; local.get t; i32.load; i32.ge_u; br_if outside")


def _get(outside: Trap = Trap.TABLE_OUT_OF_BOUNDS) -> Routine:
    text = lines("local.set t; local.set i") + _one()
    text += lines(_element("i"), "i32.load 8; local.set v; memory.resize; local.get v; return")
    return Routine(text + _outside(outside))


def _set() -> Routine:
    text = lines("local.set t; local.set v; local.set i") + _one()
    text += lines(_element("i"), "local.get v; i32.store 8; memory.resize; return")
    return Routine(text + _outside())


def _size() -> Routine:
    return Routine(
        lines(
            "local.set t", _WIDE,
            "local.get t; i32.load; local.set size; memory.resize; local.get size; return",
        )
    )  # fmt: skip


def _filled() -> str:
    """Writes v to the n elements from i on."""
    return lines(
        _element("i"), "local.set t",
        "next:; local.get n; i32.eqz; br_if done; local.get t; local.get v; i32.store 8",
        "local.get t; i32.const 4; i32.add; local.set t",
        "local.get n; i32.const -1; i32.add; local.set n; br next",
        "done:; memory.resize",
    )  # fmt: skip


def _fill() -> Routine:
    text = lines("local.set t; local.set n; local.set v; local.set i", _WIDE) + _inside("i", "t")
    return Routine(text + _filled() + lines("return") + _outside())


def _grow() -> Routine:
    """Elements that were never there are 0."""
    text = lines(
        "local.set t; local.set n; local.set v", _WIDE,
        "local.get t; i32.load 4; local.get t; i32.load; local.tee i; i32.sub",
        "local.get n; i32.lt_u; br_if refused",
        "local.get t; local.get i; local.get n; i32.add; i32.store",
    )  # fmt: skip
    text += _filled() + lines("local.get i; return")
    return Routine(text + lines("refused:; memory.resize; i32.const -1; return"))


def _copy() -> Routine:
    """The operands end with two tables: the one that is read, and the one that is written."""
    text = lines("local.set t; local.set from; local.set n; local.set s; local.set d", _WIDE)
    text += _inside("s", "from") + _inside("d", "t")
    text += lines(
        _element("d"), "i32.const 8; i32.add",
        "local.get from; local.get s; i32.const 2; i32.shl; i32.add; i32.const 8; i32.add",
        "local.get n; i32.const 2; i32.shl; call memory.copy; memory.resize; return",
    )  # fmt: skip
    return Routine(text + _outside())


def _drop() -> Routine:
    return Routine(
        lines("local.set t", _WIDE, "local.get t; i32.const 0; i32.store; memory.resize; return")
    )


STANDARD: Family = {
    "table.get": _get,
    "table.callee": lambda: _get(Trap.UNDEFINED_ELEMENT),  # what call_indirect reads
    "table.set": _set,
    "table.size": _size,
    "table.fill": _fill,
    "table.grow": _grow,
    "table.copy": _copy,
    "elem.drop": _drop,
}
