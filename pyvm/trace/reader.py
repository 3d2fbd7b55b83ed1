"""Reads a trace, chunk by chunk, as executed instructions.

Enters: tokens from trace_begin() on (the input, when there is one, reads as one instruction:
input_base).
Leaves: `Executed`, one row per completed instruction, as arrays.

An instruction is its optional `branch_taken`, its value bytes, then the token that completes it;
`halt` is an instruction of one token.  Cursor and stack depth are running sums, as in the machine
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.isa.classes import TokenClasses

CHUNK = 1 << 20


@dataclass(frozen=True)
class Executed:
    """One row per instruction.

    Attributes:
        cursor: index in the program, before the instruction.
        position: of its first token.
        length: its tokens.
        value_bytes: how many bytes it emitted.
        value: the last four of them, little endian (uint32).
        last: its last token.
        stack_depth: after it.
    """

    cursor: np.ndarray
    position: np.ndarray
    length: np.ndarray
    value_bytes: np.ndarray
    value: np.ndarray
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
        branch = tokens[starts] == c.branch_taken
        value_bytes = ends - starts - branch
        value = np.zeros(ends.size, dtype=np.uint32)
        for k in range(4):  # byte k of the last four
            back = np.minimum(value_bytes, 4) - k
            has = np.flatnonzero(back > 0)
            byte = c.byte[tokens[ends[has] - back[has]]]
            value[has] |= byte.astype(np.uint8).astype(np.uint32) << np.uint32(8 * k)
        moves = c.completes[last] + np.where(c.jumps[last] == 1, value.view(np.int32), 0).astype(
            np.int64
        )
        after = self.cursor + np.cumsum(moves)
        depth = self.stack_depth + np.cumsum(c.stack_delta[last], dtype=np.int64)
        rows = Executed(
            cursor=after - moves,
            position=self._position + starts,
            length=ends - starts + 1,
            value_bytes=value_bytes,
            value=value,
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


def final_cursor(tokens: np.ndarray, begin: int, classes: TokenClasses) -> int:
    """The index of the next instruction (of the `halt`, once halted) after tokens[begin:]."""
    cursor = 0
    for first in range(begin, tokens.size, CHUNK):
        chunk = tokens[first : first + CHUNK]
        ends = np.flatnonzero(classes.completes.take(chunk).view(bool))
        cursor += ends.size
        jumps = first + ends[classes.jumps.take(chunk[ends]).view(bool)]
        offset = np.zeros(jumps.size, dtype=np.uint32)
        for k in range(4):
            byte = classes.byte[tokens[jumps - 4 + k]].astype(np.uint8).astype(np.uint32)
            offset |= byte << np.uint32(8 * k)
        cursor += int(offset.view(np.int32).sum(dtype=np.int64))
    return cursor
