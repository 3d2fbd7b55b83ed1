"""How much a command says on stderr: `--quiet` and `--verbose`.

Enters: parsed options; what a command has done.  Leaves: lines on stderr.  Errors, traps and
verdicts that are not "ok" are said in any case.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pyvm import notes
from pyvm.commands.colours import Painted
from pyvm.commands.common import say

if TYPE_CHECKING:
    from pyvm.engine.model import Model
    from pyvm.engine.run import Timings


def add(parser: argparse.ArgumentParser, quiet: str = "say nothing but what went wrong") -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quiet", action="store_true", help=quiet)
    group.add_argument(
        "--verbose", action="store_true", help="say what is compiled, kept and taken on the way"
    )


def listen(arguments: argparse.Namespace) -> None:
    """From here on notes of all rooms are lines on stderr, if that was asked for."""
    notes.listener = say if getattr(arguments, "verbose", False) else None


def tell(arguments: argparse.Namespace, *parts: str | Painted) -> None:
    """What a command says in passing."""
    if not arguments.quiet:
        say(*parts)


def note_model(model: Model) -> None:
    kernel = "no kernel" if model.kernel is None else f"kernel {model.kernel}"
    notes.note(f"model: {model!r}, {model.why_no_plan or 'it has a plan'}; {kernel}")


def note_path(timings: Timings, covered: int, positions: int) -> None:
    """Which path ran: only the layer path measures its phases."""
    phases = {
        "projections": timings.projection,
        "attention": timings.attention,
        "the output head": timings.output,
    }
    if any(phases.values()):
        shares = ", ".join(f"{n} {s / timings.seconds:.0%}" for n, s in phases.items())
        notes.note(f"path: layers; {shares} of the time")
    else:
        notes.note(f"path: plan; the kernel ran {covered:,} of {positions:,} positions")


def note_memory() -> None:
    """The most that this process has taken."""
    if notes.listener is None:
        return
    try:
        import resource
    except ImportError:  # Windows
        return
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    notes.note(f"memory: {most * (1 if sys.platform == 'darwin' else 1024) / 1e6:,.0f} MB at most")
