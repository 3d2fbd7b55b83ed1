"""A trace in words: one line per executed instruction.

Enters: the tokens of a run.  Leaves: lines, made as they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pyvm.isa import instructions as isa
from pyvm.isa.classes import TokenClasses, token_classes
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.prompt import Listing, trace_begin
from pyvm.isa.traps import Trap, trap_kind
from pyvm.trace.reader import Executed, TraceReader

CHUNK = 1 << 14  # small: the first lines should appear at once


def _immediate(name: str, immediate: int) -> str:
    kind = INSTRUCTIONS[name].immediate
    if kind == isa.UNUSED:
        return ""
    if kind == isa.JUMP:
        return f"{immediate - (immediate >> 31 << 32):+d}"
    trap = trap_kind(immediate) if kind == isa.KIND else None
    if trap is not None:
        return trap.name.lower()
    return f"{immediate}"


def _end(name: str, immediate: int, rows: Executed, i: int) -> str:
    """What ends a program: a trap, an exit, or a halt whose immediate may name a trap."""
    trap = Trap(int(rows.trap[i])) if rows.trap[i] else None
    if name == "exit" and trap is None:
        return f"exits with status {int(rows.value[i])}"
    if name == "halt":
        trap = trap_kind(immediate)
    return "normal end" if trap is None else f"trap: {trap.description}"


def _given(name: str, count: int) -> str:
    """What the prompt has for a row that stands before the program's first instruction."""
    if name == "input_base":
        return f"reads {count - 1} bytes of input"
    return f"data: {count} bytes" if name == "data" else f"table entries: {count // 8}"


def _effect(name: str, rows: Executed, i: int, classes: TokenClasses) -> str:
    row, last = INSTRUCTIONS[name], rows.last[i]
    if classes.output[last] >= 0:
        return f"writes {_character(classes.output[last])}"
    if classes.error[last] >= 0:
        return f"writes {_character(classes.error[last])} (errors)"
    if not rows.value_bytes[i]:
        return ""
    value = int(rows.value[i])
    bits = 64 if row.value_bytes == 8 else 32
    signed = value - (value >> bits - 1 << bits)
    text = f"{signed}"
    if signed != value and bits == 32:  # both fit the column
        text = f"{value} ({signed})"
    if row.jumps:
        target = int(rows.cursor[i]) + 1 + signed
        return f"to {target}"
    return f"= {text}"


def _character(byte: int) -> str:
    return repr(bytes([int(byte)])).removeprefix("b")


def explain(tokens: np.ndarray, vocabulary: tuple[str, ...], listing: Listing) -> Iterator[str]:
    """Lines: position, cursor, instruction, its effect, stack depth after it."""
    classes = token_classes(vocabulary)
    begin = trace_begin(tokens, classes)
    reader = TraceReader(classes, begin)
    yield f"{'position':>10} {'cursor':>7}  {'instruction':24} {'effect':28} stack"
    for first in range(begin, tokens.size, CHUNK):
        rows = reader.feed(tokens[first : first + CHUNK])
        for i in range(rows.cursor.size):
            cursor = int(rows.cursor[i])
            name, immediate = listing.name(cursor), listing.immediate(cursor)
            if INSTRUCTIONS[name].completion == isa.NEVER:
                effect = _given(name, int(rows.value_bytes[i]))
            elif rows.last[i] == classes.halt:
                effect = _end(name, immediate, rows, i)
            else:
                effect = _effect(name, rows, i, classes)
            what = f"{name} {_immediate(name, immediate)}".rstrip()
            depth = int(rows.stack_depth[i])
            yield f"{int(rows.position[i]):10} {cursor:7}  {what:24} {effect:28} {depth:5}".rstrip()
