"""What a page is told of a run: arrays, and names.

Enters: a run, and the program where it is known.  Leaves: `PageData`, which html.py packs.

The page replays the trace from its tokens, and computes the network's values where somebody looks
(network.py), so it holds few numbers a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import pyvm.compiler
from pyvm.graph.machine import build_machine
from pyvm.graph.primitives import AVERAGE, Graph
from pyvm.isa import instructions as isa
from pyvm.isa.classes import token_classes
from pyvm.isa.errors import ProgramError
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.program import Program
from pyvm.isa.prompt import Listing, read_listing, trace_begin
from pyvm.isa.tokens import BASE_VOCABULARY, VOCABULARY
from pyvm.isa.traps import TrapSite
from pyvm.schedule.schedule import Schedule, lifetimes, shipped
from pyvm.schedule.units import fetches, is_gather
from pyvm.view.network import network

MOST_TOKENS = (1 << 21) - 1  # a page keeps a position in 21 bits of a float64
_MOST_SOURCE = 1 << 20  # characters of a source file

_KINDS = ("byte", "output", "error", "trap", "completes", "jumps", "stack_delta", "call_delta")


class Shown(Protocol):
    """What is asked of a run (pyvm/engine/run.py)."""

    @property
    def tokens(self) -> np.ndarray: ...
    @property
    def prompt_length(self) -> int: ...
    @property
    def stopped(self) -> str: ...
    @property
    def trap(self) -> TrapSite | None: ...
    @property
    def status(self) -> int: ...
    @property
    def vocabulary(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class PageData:
    """`header` is JSON; `arrays` are packed one behind the other."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def page_data(run: Shown, program: Program | None = None, at: int | None = None) -> PageData:
    """The data of a page; `at`: where it opens, by default the first generated token."""
    if run.tokens.size > MOST_TOKENS:
        raise ProgramError(
            f"a page shows at most {MOST_TOKENS:,} tokens, and the run has {run.tokens.size:,}: "
            "limit them (--max-tokens)"
        )
    if at is not None and not 0 <= at < run.tokens.size:
        raise ProgramError(f"position {at} is not one of the run's {run.tokens.size:,}")
    listing = program.listing if program is not None else read_listing(run.tokens, run.vocabulary)
    if listing is None:
        raise ProgramError("the run's prompt has no program: give it, too")
    classes = token_classes(run.vocabulary)
    header: dict[str, Any] = {
        "name": program.name if program is not None else "run",
        "vocabulary": run.vocabulary,
        "at": min(run.prompt_length, run.tokens.size - 1) if at is None else at,
        "begin": trace_begin(run.tokens, classes),
        "prompt": run.prompt_length,
        "halt": classes.halt,
        "end": _end(run),
        "trapped": None if run.trap is None else str(run.trap),
        "globals": isa.GLOBALS,
        "locals": isa.LOCALS,
        "opcodes": [_opcode(name) for name in INSTRUCTIONS],
    }
    arrays = {name: getattr(classes, name) for name in _KINDS}
    arrays["tokens"] = run.tokens.astype(np.uint16)
    arrays["code"] = listing.opcodes
    arrays["immediates"] = listing.immediates
    _add_places(header, arrays, program, listing)
    _add_network(header, arrays, run)
    return PageData(header, arrays)


def _end(run: Shown) -> str:
    """How a run ended, in words."""
    if run.trap is not None:
        return str(run.trap)
    if run.stopped != "halt":
        return "cut at the limit" if run.stopped == "limit" else run.stopped
    return f"exit status {run.status}" if run.status else "normal end"


def _opcode(name: str) -> dict[str, Any]:
    row = INSTRUCTIONS[name]
    return {
        "name": name,
        "pops": row.pops,
        "pushes": row.pushes,
        "bytes": row.value_bytes,
        "cell": row.cell,
        "writes": row.writes,
        "access": row.access_bytes or row.value_bytes,
        "immediate": row.immediate,
        "given": row.completion == isa.NEVER,
    }


def _add_places(
    header: dict[str, Any], arrays: dict[str, np.ndarray], program: Program | None, listing: Listing
) -> None:
    """Function and source line of each instruction: 0 where nobody knows."""
    functions, lines = {"": 0}, {"": 0}
    function = np.zeros(len(listing), dtype=np.uint32)
    line = np.zeros(len(listing), dtype=np.uint32)
    if program is not None:
        starts = [first for first, _ in program.debug.units] + [len(listing)]
        for (first, unit), end in zip(program.debug.units, starts[1:]):
            function[first:end] = functions.setdefault(unit, len(functions))
        for i, (name, offset) in enumerate(program.places):
            if name is not None:
                function[i] = functions.setdefault(name, len(functions))
            line[i] = lines.setdefault(program.debug.line(offset) or "", len(lines))
    files = {text.rpartition(":")[0] for text in lines if text}
    header["functions"], header["lines"] = list(functions), list(lines)
    header["sources"] = {name: text for name in sorted(files) if (text := source(name))}
    arrays["function"], arrays["line"] = function, line


def source(name: str) -> str | None:
    """The text of a source file that is still there, or is one of the small C runtime's."""
    runtime = Path(pyvm.compiler.__file__).parent / "runtime"
    for path in (Path(name), runtime / Path(name).name):
        try:
            return path.read_text(errors="replace")[:_MOST_SOURCE]
        except OSError:
            continue
    return None


def machine_of(vocabulary: tuple[str, ...]) -> tuple[Graph, Schedule] | None:
    """The machine that speaks this vocabulary, and its schedule; None for others."""
    for name, spelled in (("standard", VOCABULARY), ("base", BASE_VOCABULARY)):
        if vocabulary == spelled:
            return build_machine(name), shipped(name)
    return None


def layout(graph: Graph, schedule: Schedule) -> dict[str, Any]:
    """Who lives in which slot from which half to which; of each fetch its layer and its kind."""
    spans = lifetimes(graph, schedule.layers, schedule.layer)
    heads = {}
    for persist in graph.persists:
        for fetch in fetches(persist):
            kind = "gather" if is_gather(fetch, graph) else "lookup"
            kind = "mean" if fetch.tie == AVERAGE else kind
            heads[fetch.name] = [schedule.layer[persist.name], kind, len(fetch.values)]
    return {
        "layers": schedule.layers,
        "width": schedule.width,
        # In the half in which one is read last, the next may be made: it is drawn over it.
        "slots": sorted(
            ([dim.name, schedule.slot[dim.name], *span] for dim, span in spans.items()),
            key=lambda row: row[1:],
        ),
        "heads": heads,
    }


def _add_network(header: dict[str, Any], arrays: dict[str, np.ndarray], run: Shown) -> None:
    found = machine_of(run.vocabulary)
    if found is None:
        return
    described, more = network(found[0], run.tokens)
    header["network"] = {**layout(*found), **described}
    arrays.update(more)
