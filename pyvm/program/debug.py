"""The way back from machine code to WebAssembly: what traps and statistics say about a program.

Enters: linked code and the module that it comes from.  Leaves: `Debug`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from pyvm.program.module import Instr

# What is free where wasmtime counts fuel; every other instruction, and the entry of a function,
# counts one.
_MARKS = ("block", "loop", "else", "end", "nop", "drop", "return", "unreachable")
# A straight run of instructions ends behind each of these.
_ENDS = ("loop", "if", "else", "end", "br", "br_if", "br_table", "return", "unreachable")


@dataclass(frozen=True)
class Debug:
    """What is known about the instructions of a program; all of it may be missing.

    Attributes:
        units: (first instruction, name) of each function and library routine.
        runs: per instruction the number of the straight run of wasm instructions that it belongs
            to, -1 for none.
        weights: wasm instructions of each run.
        refused: instruction -> the wasm instruction that is not supported there.
        lines: source line ("file:line") by offset in the wasm file.
    """

    units: tuple[tuple[int, str], ...] = ()
    runs: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    weights: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    refused: dict[int, str] = field(default_factory=dict)
    lines: tuple[tuple[int, str | None], ...] = ()  # (offset, line from there on)

    def line(self, offset: int | None) -> str | None:
        if offset is None:
            return None
        index = bisect_right(self.lines, offset, key=lambda row: row[0]) - 1
        return self.lines[index][1] if index >= 0 else None

    def wasm_instructions(self, counts: np.ndarray) -> int:
        """How many wasm instructions were executed, given how often each machine instruction was.

        A run is executed as a whole, and no machine instruction of it more often than that; one of
        them is executed every time, unless the run needs no code at all: then it is not counted.
        Where a program traps, the rest of the run and of those that called it counts as well.
        """
        most = np.zeros(self.weights.size, dtype=np.int64)
        known = self.runs >= 0
        np.maximum.at(most, self.runs[known], counts[known])
        return int(most @ self.weights)


def straight_runs(bodies: list[list[Instr]]) -> tuple[np.ndarray, np.ndarray]:
    """(offset of the first instruction, number of executed instructions) of all straight runs."""
    starts: list[int] = []
    weights: list[int] = []
    for code in bodies:
        fresh = True
        for op, _, at in code:
            if fresh:
                starts.append(at)
                weights.append(at == code[0].at)
            weights[-1] += op not in _MARKS
            fresh = op in _ENDS
    return np.array(starts, dtype=np.int64), np.array(weights, dtype=np.int64)


def runs_of(places: list[tuple[str | None, int | None]], starts: np.ndarray) -> np.ndarray:
    """The run of each machine instruction, by the offset in `places`."""
    offsets = np.array([-1 if at is None else at for _, at in places], dtype=np.int64)
    return (np.searchsorted(starts, offsets, side="right") - 1).astype(np.int32)
