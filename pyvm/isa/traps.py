"""Traps: why a program ended, and where.

In the standard machine the token trap(kind) says it, and `halt` follows.  The base machine has no
such token and ignores the immediate of a `halt`: there the compiler puts 0 for the normal end, else
the kind of the trap in the low byte and the number of the site in the 24 bits above.

Enters: the kind and site of a trap, or the immediate of a halt.  Leaves: the immediate, or the
kind.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from pyvm.printable import printable


class Trap(IntEnum):
    """Kinds of trap; the descriptions are the WebAssembly specification's terms."""

    UNREACHABLE = 1
    DIVIDE_BY_ZERO = 2
    INTEGER_OVERFLOW = 3
    OUT_OF_BOUNDS = 4
    UNDEFINED_ELEMENT = 5
    UNINITIALIZED_ELEMENT = 6
    TYPE_MISMATCH = 7
    CALL_STACK_EXHAUSTED = 8
    UNSUPPORTED = 9  # no trap of WebAssembly: code that could not be compiled was reached
    DATA_SEGMENT = 10  # when the program starts
    ELEMENT_SEGMENT = 11
    BEYOND_MACHINE = 12  # no trap of WebAssembly: memory that is the program's, but is not there
    INVALID_CONVERSION = 13
    TABLE_OUT_OF_BOUNDS = 14
    NULL_REFERENCE = 15
    UNCAUGHT_EXCEPTION = 16  # of the exception handling proposal: nobody catches what was thrown
    UNKNOWN = 255  # a halt that no compiler of ours wrote

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]

    @property
    def of_wasm(self) -> bool:
        """Whether WebAssembly traps here, too; else pyvm could not go on."""
        return self not in (Trap.UNSUPPORTED, Trap.BEYOND_MACHINE, Trap.UNKNOWN)


_DESCRIPTIONS = {
    Trap.UNREACHABLE: "unreachable executed",
    Trap.DIVIDE_BY_ZERO: "integer division by zero",
    Trap.INTEGER_OVERFLOW: "integer overflow",
    Trap.OUT_OF_BOUNDS: "out-of-bounds memory access",
    Trap.UNDEFINED_ELEMENT: "undefined table element",
    Trap.UNINITIALIZED_ELEMENT: "uninitialized table element",
    Trap.TYPE_MISMATCH: "indirect call type mismatch",
    Trap.CALL_STACK_EXHAUSTED: "call stack exhausted",
    Trap.UNSUPPORTED: "an instruction that is not supported",
    Trap.DATA_SEGMENT: "out-of-bounds memory access of a data segment",
    Trap.ELEMENT_SEGMENT: "out-of-bounds table access of an element segment",
    Trap.BEYOND_MACHINE: "an access to the last addresses below 4 GiB, which pyvm needs itself",
    Trap.INVALID_CONVERSION: "invalid conversion to integer",
    Trap.TABLE_OUT_OF_BOUNDS: "out-of-bounds table access",
    Trap.NULL_REFERENCE: "null reference",
    Trap.UNCAUGHT_EXCEPTION: "uncaught exception",
    Trap.UNKNOWN: "a halt whose immediate names no kind of trap",
}

NORMAL_END = 0


def halt_immediate(kind: Trap, site: int) -> int:
    """The immediate of the halt of a trap site (sites beyond 24 bits share a number)."""
    return kind | (site & 0xFFFFFF) << 8


def trap_kind(immediate: int) -> Trap | None:
    """The kind of trap that a halt's immediate names; None for the normal end."""
    kind = immediate & 0xFF
    if kind == NORMAL_END:
        return None
    try:
        return Trap(kind)
    except ValueError:
        return Trap.UNKNOWN


class TrapSite(NamedTuple):
    """A trap that happened, and where.

    Attributes:
        kind: why.
        function: name of the wasm function, None when the program has no debug map.
        offset: byte offset in the .wasm file of the instruction that trapped, or None.
        line: the source line ("file:line") where the program has debug data, or None.
        instruction: the wasm instruction that is not supported, the tag of an uncaught exception,
            or None.
        caller: where the function is one of a library that ends programs, such as abort: the
            function that called it; offset and line are of the call.
    """

    kind: Trap
    function: str | None = None
    offset: int | None = None
    line: str | None = None
    instruction: str | None = None
    caller: str | None = None

    def __str__(self) -> str:
        place = f" in {printable(self.function)}" if self.function else ""
        if self.caller:
            place += f", called by {printable(self.caller)}"
        at = f" at offset {self.offset:#x}" if self.offset is not None else ""
        source = f" ({printable(self.line)})" if self.line else ""
        if self.kind is Trap.UNSUPPORTED and self.instruction:
            what = self.instruction
            if " needs " in what:  # it says all (wasm/missing.py)
                return f"stopped: {what}{source}"
            return f"stopped: {what}{place}{at}{source}: the base machine has no floats"
        if self.kind is Trap.UNCAUGHT_EXCEPTION and self.instruction:
            return f"trap: {self.kind.description} of {self.instruction}{place}{at}{source}"
        if not self.kind.of_wasm:
            return f"stopped: {self.kind.description}{place}{at}{source}"
        return f"trap: {self.kind.description}{place}{at}{source}"
