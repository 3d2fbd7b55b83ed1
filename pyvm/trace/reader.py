"""Reads a trace, chunk by chunk, as executed instructions.

Enters: tokens from trace_begin() on (input and data, when there are any, read as one instruction
each: input_base, data, elements).
Leaves: `Executed`, one row per completed instruction, as arrays.

An instruction is its optional `branch_taken`, or its scratch tokens, then its value bytes, then the
token that completes it.  `halt` completes what ends the program: alone, behind the status of an
exit, or behind the trap of any instruction.  Cursor and stack depth are running sums, as in the
machine itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pyvm.isa.classes import TokenClasses


@dataclass(frozen=True)
class Executed:
    """One row per instruction.

    Attributes:
        cursor: index in the program, before the instruction.
        position: of its first token.
        length: its tokens.
        value_bytes: how many bytes it emitted.
        value: the last eight of them, little endian (uint64).
        trap: the kind of the trap that it ended in, or 0.
        last: its last token.
        stack_depth: after it.
    """

    cursor: np.ndarray
    position: np.ndarray
    length: np.ndarray
    value_bytes: np.ndarray
    value: np.ndarray
    trap: np.ndarray
    last: np.ndarray
    stack_depth: np.ndarray


class TraceReader:
    """Feed it the chunks in order; it keeps the tokens of an instruction that is not complete."""

    def __init__(self, classes: TokenClasses, position: int, cursor: int = 0):
        self._classes = classes
        self._ends = classes.completes.astype(bool)
        if classes.halt >= 0:
            self._ends[classes.halt] = True
        self._rest = np.empty(0, dtype=np.int32)
        self._position = position  # of the first token in _rest
        self.cursor = cursor
        self.stack_depth = 0

    def feed(self, chunk: np.ndarray) -> Executed:
        c = self._classes
        tokens = np.concatenate((self._rest, chunk)) if self._rest.size else chunk
        ends = np.flatnonzero(self._ends[tokens])
        starts = np.empty_like(ends)
        if ends.size:
            starts[0], starts[1:] = 0, ends[:-1] + 1
        last = tokens[ends]
        # Bytes stand at the end; what comes before them is no byte.
        octets = np.concatenate(([0], np.cumsum(c.byte[tokens] >= 0)))
        value_bytes = octets[ends] - octets[starts]
        value = np.zeros(ends.size, dtype=np.uint64)
        for k in range(8):  # byte k of the last eight
            back = np.minimum(value_bytes, 8) - k
            has = np.flatnonzero(back > 0)
            byte = c.byte[tokens[ends[has] - back[has]]]
            value[has] |= byte.astype(np.uint8).astype(np.uint64) << np.uint64(8 * k)
        offset = value.astype(np.uint32).view(np.int32).astype(np.int64)
        moves = c.completes[last] + np.where(c.jumps[last] == 1, offset, 0)
        trap = c.trap[tokens[np.maximum(ends - 1, starts)]]
        after = self.cursor + np.cumsum(moves)
        depth = self.stack_depth + np.cumsum(c.stack_delta[last], dtype=np.int64)
        rows = Executed(
            cursor=after - moves,
            position=self._position + starts,
            length=ends - starts + 1,
            value_bytes=value_bytes,
            value=value,
            trap=trap,
            last=last,
            stack_depth=depth,
        )
        used = 0
        if ends.size:
            used = int(ends[-1]) + 1
            self.cursor, self.stack_depth = int(after[-1]), int(depth[-1])
        self._rest = tokens[used:].copy()
        self._position += used
        return rows


def open_calls(pieces: Iterable[np.ndarray], classes: TokenClasses) -> list[int]:
    """Where the calls stand that have not returned at the end of a trace, the last first."""
    reader = TraceReader(classes, 0)
    stack: list[int] = []
    for piece in pieces:
        rows = reader.feed(piece)
        change = classes.call_delta[rows.last]
        places = np.flatnonzero(change)
        depth = len(stack) + np.cumsum(change[places], dtype=np.int64)
        lowest = np.minimum.accumulate(depth[::-1])[::-1]  # from here on
        del stack[max(0, int(lowest.min(initial=len(stack)))) :]
        still = (change[places] > 0) & (lowest >= depth)
        stack += rows.cursor[places[still]].tolist()
    return stack[::-1]
