"""A trace in words: one line per executed instruction.

Enters: the tokens of a run.  Leaves: lines, made as they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pyvm.isa import instructions as isa
from pyvm.isa.classes import token_classes
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.prompt import Listing, trace_begin
from pyvm.isa.traps import trap_kind
from pyvm.trace.reader import Executed, TraceReader

CHUNK = 1 << 14  # small: the first lines should appear at once


def _immediate(name: str, immediate: int) -> str:
    kind = INSTRUCTIONS[name].immediate
    if kind == isa.UNUSED:
        return ""
    if kind == isa.JUMP:
        return f"{immediate - (immediate >> 31 << 32):+d}"
    return f"{immediate}"


def _effect(name: str, rows: Executed, i: int, output: int) -> str:
    if output >= 0:
        return f"writes {bytes([output])!r}"[0:].replace("b'", "'", 1)
    if not rows.value_bytes[i]:
        return ""
    value = int(rows.value[i])
    signed = value - (value >> 31 << 32)
    text = f"{value}" if signed == value else f"{value} ({signed})"
    if INSTRUCTIONS[name].immediate == isa.JUMP:
        target = int(rows.cursor[i]) + 1 + signed
        return f"to {target}"
    return f"= {text}"


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
            name, immediate = listing.name(cursor), int(listing.immediates[cursor])
            if name == "input_base":
                effect = f"reads {int(rows.value_bytes[i]) - 1} bytes of input"
            elif name == "halt":
                trap = trap_kind(immediate)
                effect = "normal end" if trap is None else f"trap: {trap.description}"
            else:
                effect = _effect(name, rows, i, int(classes.output[rows.last[i]]))
            what = f"{name} {_immediate(name, immediate)}".rstrip()
            depth = int(rows.stack_depth[i])
            yield f"{int(rows.position[i]):10} {cursor:7}  {what:24} {effect:28} {depth:5}".rstrip()
