"""What linked code remembers of the module that it comes from.

Enters: linked code and its module.  Leaves: `Debug` (pyvm/isa/debug.py).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from pyvm.compiler.link.assembly import (
    Function,
    Group,
    Key,
    Linked,
    Member,
    Routine,
    Start,
    Uncaught,
)
from pyvm.isa.debug import Debug
from pyvm.wasm.debug_lines import read_lines
from pyvm.wasm.module import Instr, Module

# What is free where wasmtime counts fuel; every other instruction, and the entry of a function,
# counts one.
_MARKS = (
    "block", "loop", "else", "end", "nop", "drop", "return", "unreachable", "try", "try_table",
    "catch", "catch_all", "delegate",
)  # fmt: skip
# A straight run of instructions ends behind each of these.
_ENDS = (
    "loop", "if", "else", "end", "br", "br_if", "br_table", "return", "unreachable", "return_call",
    "return_call_indirect", "throw", "throw_ref", "rethrow", "catch", "catch_all", "delegate",
)  # fmt: skip


def debug_of(module: Module, linked: Linked) -> Debug:
    starts, weights = _straight_runs([body.code for body in module.bodies], module.code.stop)
    units = []
    for key, first in linked.starts.items():
        units.append((first, _name(module, key)))
    runs = _runs_of(linked.places, starts)
    lines = read_lines(module.debug, module.code)
    return Debug(tuple(units), runs, weights, linked.refused, lines)


def _name(module: Module, key: Key) -> str:
    if isinstance(key, (Function, Member, Uncaught)):
        return module.function_name(key.index)
    if isinstance(key, Routine):
        return key.name if key.divisor is None else f"{key.name} {key.divisor}"
    if isinstance(key, Group):
        return "tail calls"
    return "start" if isinstance(key, Start) else "call from deeper"


def _straight_runs(bodies: list[list[Instr]], end: int) -> tuple[array[int], array[int]]:
    """(offset of the first instruction, number of executed instructions) of all straight runs.

    Beyond `end` are the host and what computes with floats, which are not the program's.
    """
    starts: list[int] = []
    weights: list[int] = []
    for code in bodies:
        fresh = True
        for op, _, at in code:
            if fresh:
                starts.append(at)
                weights.append(at == code[0].at and at < end)
            weights[-1] += op not in _MARKS and at < end
            fresh = op in _ENDS
    return array("q", starts), array("q", weights)


def _runs_of(places: list[tuple[str | None, int | None]], starts: array[int]) -> array[int]:
    """The run of each machine instruction, by the offset in `places`."""
    offsets = (-1 if at is None else at for _, at in places)
    return array("i", (bisect_right(starts, offset) - 1 for offset in offsets))
