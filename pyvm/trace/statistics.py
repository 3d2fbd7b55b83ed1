"""Counts over a trace: instructions and tokens per opcode, per function, per wasm instruction.

Enters: the tokens of a run, and what is known of the program.  Leaves: `Statistics` and its tables
as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyvm.isa.classes import token_classes
from pyvm.isa.debug import Debug
from pyvm.isa.prompt import NAMES, Listing, given_rows, trace_begin
from pyvm.printable import printable
from pyvm.trace.pieces import in_pieces
from pyvm.trace.reader import TraceReader

_UNITS_SHOWN = 15


@dataclass(frozen=True)
class Statistics:
    """What was counted.

    Attributes:
        counts, tokens: per opcode, in the order of prompt.NAMES.
        deepest_stack: operands on the stack at most.
        unit_tokens: tokens of each function and library routine, the largest first.
        wasm_instructions: executed ones, 0 when the program does not come from a module.
    """

    counts: np.ndarray
    tokens: np.ndarray
    deepest_stack: int
    unit_tokens: tuple[tuple[str, int], ...] = ()
    wasm_instructions: int = 0

    @property
    def instructions(self) -> int:
        return int(self.counts.sum())

    def fields(self) -> dict[str, Any]:
        """The counts by name, for a report."""
        return {
            "instructions": {
                NAMES[i]: {"count": int(self.counts[i]), "tokens": int(self.tokens[i])}
                for i in np.flatnonzero(self.counts)
            },
            "functions": dict(self.unit_tokens),
            "deepest_stack": self.deepest_stack,
            "wasm_instructions": self.wasm_instructions or None,
        }

    def lines(self) -> list[str]:
        """Tables, what takes most tokens first."""
        total = max(int(self.tokens.sum()), 1)
        lines = [f"{'instruction':16} {'count':>12} {'tokens':>12} {'share':>7}"]
        for i in np.argsort(-self.tokens, kind="stable"):
            if self.counts[i]:
                share = 100 * self.tokens[i] / total
                lines.append(
                    f"{NAMES[i]:16} {self.counts[i]:12,} {self.tokens[i]:12,} {share:6.1f}%"
                )
        lines.append(f"{'all':16} {self.instructions:12,} {total:12,} {100:6.1f}%")
        if self.unit_tokens:
            lines.append(f"{'function or routine':40} {'tokens':>12} {'share':>7}")
            for name, tokens in self.unit_tokens[:_UNITS_SHOWN]:
                lines.append(f"{printable(name)[:40]:40} {tokens:12,} {100 * tokens / total:6.1f}%")
        lines.append(f"deepest operand stack: {self.deepest_stack}")
        if self.wasm_instructions:
            ratio = total / self.wasm_instructions
            lines.append(
                f"wasm instructions executed: {self.wasm_instructions:,}, "
                f"{ratio:.1f} tokens for each"
            )
        return lines


@dataclass(frozen=True)
class Spent:
    """What each instruction of a program took: how often it was executed, its tokens in all."""

    executed: np.ndarray
    tokens: np.ndarray
    deepest_stack: int


def spent_by_instruction(
    pieces: Iterable[np.ndarray], vocabulary: tuple[str, ...], listing: Listing
) -> Spent:
    """Counts a trace in pieces, from trace_begin() on; what the prompt completes does not count."""
    reader = TraceReader(token_classes(vocabulary), 0)
    executed = np.zeros(len(listing), dtype=np.int64)
    spent = np.zeros(len(listing), dtype=np.int64)
    deepest = 0
    for piece in pieces:
        rows = reader.feed(piece)
        executed += np.bincount(rows.cursor, minlength=len(listing))
        spent += np.bincount(rows.cursor, rows.length, minlength=len(listing)).astype(np.int64)
        deepest = max(deepest, int(rows.stack_depth.max(initial=0)))
    given = len(given_rows(map(listing.name, range(len(listing)))))
    executed[:given] = spent[:given] = 0
    return Spent(executed, spent, deepest)


def statistics(
    tokens: np.ndarray,
    vocabulary: tuple[str, ...],
    listing: Listing,
    debug: Debug | None = None,
) -> Statistics:
    begin = trace_begin(tokens, token_classes(vocabulary))
    return statistics_of(in_pieces(tokens, begin), vocabulary, listing, debug)


def statistics_of(
    pieces: Iterable[np.ndarray],
    vocabulary: tuple[str, ...],
    listing: Listing,
    debug: Debug | None = None,
) -> Statistics:
    """The same of a trace in pieces, from trace_begin() on."""
    spent = spent_by_instruction(pieces, vocabulary, listing)
    counts = np.zeros(len(NAMES), dtype=np.int64)
    lengths = np.zeros(len(NAMES), dtype=np.int64)
    np.add.at(counts, listing.opcodes, spent.executed)
    np.add.at(lengths, listing.opcodes, spent.tokens)
    deepest = spent.deepest_stack
    if debug is None or not debug.units:
        return Statistics(counts, lengths, deepest)
    sums = np.add.reduceat(spent.tokens, [first for first, _ in debug.units])
    units = [(name, int(total)) for (_, name), total in zip(debug.units, sums) if total]
    units.sort(key=lambda row: -row[1])
    return Statistics(
        counts, lengths, deepest, tuple(units), debug.wasm_instructions(spent.executed)
    )
