"""What WebAssembly does before the first function runs: constant expressions, tables, segments.

Enters: a valid module and the size of its memory.  Leaves: the tables' functions, the data to write
and where, and the segment that does not fit, if one does not: the program traps there, after all
segments before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from pyvm.isa.traps import Trap
from pyvm.wasm import limits
from pyvm.wasm.module import Instr, Module, number

# Bytes from one that is not zero to the next one before a run of zeros that is longer than a row of
# the program for what follows it.
_WRITTEN = re.compile(rb"[^\0](?:\0{0,6}[^\0])*", re.DOTALL)


@dataclass(frozen=True)
class StartTrap:
    """A trap at a segment, and the segment's offset in the file."""

    kind: Trap
    at: int


class Instantiation:
    """Segments in the order of the specification: elements, then data.

    Attributes:
        tables: functions by index; None: a null reference.
        data: (address, content) of the active data segments.
        trap: what ends it, or None.
    """

    def __init__(self, module: Module, memory_bytes: int):
        self.tables: list[list[int | None]] = []
        self.data: list[tuple[int, bytes]] = []
        self.trap: StartTrap | None = None
        total = sum(table.minimum for table in module.tables)
        limits.bounded(total, limits.TABLE_ELEMENTS, "elements of all tables")
        self.tables = [[None] * table.minimum for table in module.tables]
        for element in module.elements:
            if element.offset is None:
                continue
            first = constant(element.offset)
            last = first + len(element.functions)
            table = self.tables[element.table]
            if last > len(table):
                self.trap = StartTrap(Trap.ELEMENT_SEGMENT, element.at)
                return
            table[first:last] = element.functions
        for segment in module.data:
            if segment.offset is None:
                continue
            address = constant(segment.offset)
            if address + len(segment.content) > memory_bytes:
                self.trap = StartTrap(Trap.DATA_SEGMENT, segment.at)
                return
            self.data.append((address, segment.content))


def constant(code: list[Instr]) -> int:
    """The value of a constant expression: the bits of a float."""
    value = code[0].arg
    return int.from_bytes(value, "little") if isinstance(value, bytes) else number(value)


def runs(segments: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """(address, bytes) of the consecutive addresses that the segments write, in ascending order;
    later segments overwrite earlier ones.
    """
    spans: list[list[int]] = []  # first address and end of each run
    for address, content in sorted((address, content) for address, content in segments if content):
        if spans and address <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], address + len(content))
        else:
            spans.append([address, address + len(content)])
    memory = [bytearray(end - start) for start, end in spans]
    starts = [start for start, _ in spans]
    for address, content in segments:
        if content:
            i = bisect_right(starts, address) - 1
            memory[i][address - starts[i] : address - starts[i] + len(content)] = content
    for start, written in zip(starts, memory):
        yield start, bytes(written)


def pieces(address: int, content: bytes) -> Iterator[tuple[int, bytes]]:
    """The same without long runs of zeros, which need not be written."""
    for found in _WRITTEN.finditer(content):
        yield address + found.start(), found.group()
