"""Counts over a trace: instructions and tokens per opcode.

Enters: the tokens of a run.  Leaves: `Statistics` and its table as text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.trace.classes import token_classes, trace_begin
from pyvm.trace.listing import NAMES, Listing
from pyvm.trace.reader import CHUNK, Reader


@dataclass(frozen=True)
class Statistics:
    """counts and tokens: per opcode, in the order of listing.NAMES (input_base: the input)."""

    counts: np.ndarray
    tokens: np.ndarray
    deepest_stack: int

    @property
    def instructions(self) -> int:
        return int(self.counts.sum())

    def lines(self) -> list[str]:
        """A table, the opcode with most tokens first."""
        total = max(int(self.tokens.sum()), 1)
        lines = [f"{'instruction':14} {'count':>12} {'tokens':>12} {'share':>7}"]
        for i in np.argsort(-self.tokens, kind="stable"):
            if self.counts[i]:
                share = 100 * self.tokens[i] / total
                lines.append(
                    f"{NAMES[i]:14} {self.counts[i]:12,} {self.tokens[i]:12,} {share:6.1f}%"
                )
        lines.append(f"{'all':14} {self.instructions:12,} {total:12,} {100:6.1f}%")
        return lines


def statistics(tokens: np.ndarray, vocabulary: tuple[str, ...], listing: Listing) -> Statistics:
    classes = token_classes(vocabulary)
    begin = trace_begin(tokens, classes)
    reader = Reader(classes, begin)
    counts = np.zeros(len(NAMES), dtype=np.int64)
    lengths = np.zeros(len(NAMES), dtype=np.int64)
    deepest = 0
    for first in range(begin, tokens.size, CHUNK):
        rows = reader.feed(tokens[first : first + CHUNK])
        opcodes = listing.opcodes[rows.cursor]
        counts += np.bincount(opcodes, minlength=len(NAMES))
        lengths += np.bincount(opcodes, rows.length, minlength=len(NAMES)).astype(np.int64)
        deepest = max(deepest, int(rows.stack_depth.max(initial=0)))
    return Statistics(counts, lengths, deepest)
