"""Schedule -> model: the standard machine and specialised machines as model files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pyvm.isa.program import code_digest
from pyvm.weights.model_file import ModelFile, ModelFileError

if TYPE_CHECKING:
    from pyvm.graph.primitives import Graph
    from pyvm.schedule.solve import Progress

__all__ = ["ModelFile", "ModelFileError", "machine_model", "specialize"]


def machine_model(
    machine: str = "standard",
    solve_layers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ModelFile:
    """The "base" or the "standard" machine, from the shipped schedule, or solved anew for a number
    of layers."""
    from pyvm.graph.machine import build_machine

    return _model(build_machine(machine), machine, solve_layers, on_progress)


def specialize(instructions: Sequence[tuple[str, int]], machine: str = "standard") -> ModelFile:
    """The machine with a program (opcode, immediate) folded into its weights; its prompt is
    `start`, then what stands behind the program.  Its metadata names the program by its digest."""
    from pyvm.graph.machine import build_machine
    from pyvm.graph.specialize import ProgramTable

    model = _model(build_machine(machine, ProgramTable(instructions)), f"special_{machine}", None)
    labels = {**(model.metadata or {}), "program": code_digest(instructions)}
    return replace(model, metadata=labels)


def _model(
    graph: Graph,
    name: str,
    solve_layers: int | None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ModelFile:
    from pyvm.schedule.schedule import shipped
    from pyvm.weights.graph_to_weights import build_weights

    if solve_layers is None:
        schedule = shipped(name)
    else:
        from pyvm.schedule.solve import solve

        schedule = solve(graph, solve_layers, on_progress)
    return build_weights(graph, schedule)
