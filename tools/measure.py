"""What the benchmarks share: a measurement, rounds of alternatives, tables, traces to measure on.

Every figure comes with the build info and the thread count, and alternatives are timed in turn
within one run: a machine that others use slows all of them alike.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from findings import share

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyvm.engine.model import Model  # noqa: E402


class Options(TypedDict):
    """Options of a call, as in tvm.h."""

    path: str
    projection: str
    attention: str
    bypass: str
    threads: int


@dataclass(frozen=True)
class Variant:
    """One way to run: `mode` is generate or verify, the rest are the options of tvm.h."""

    name: str
    mode: str = "generate"
    path: str = "layers"
    projection: str = "auto"
    attention: str = "auto"
    bypass: str = "all"
    threads: int = 1

    def options(self) -> Options:
        return {
            "path": self.path,
            "projection": self.projection,
            "attention": self.attention,
            "bypass": self.bypass,
            "threads": self.threads,
        }


@dataclass
class Samples:
    """Timings of one variant, one entry per round."""

    tokens: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)  # of all threads: others do not count
    projection: list[float] = field(default_factory=list)
    attention: list[float] = field(default_factory=list)
    output: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Tokens per second of the median round."""
        return self.tokens / statistics.median(self.seconds)

    def rate_of_cpu(self) -> float:
        """Tokens per second of processor time: what remains comparable on a busy machine."""
        return self.tokens / statistics.median(self.cpu_seconds)

    def in_projections(self) -> float | None:
        """The share of the time in projections; None in the plan, which has none."""
        return share(sum(self.projection), sum(self.seconds))

    def spread(self) -> float:
        """(slowest - fastest) / median."""
        return (max(self.seconds) - min(self.seconds)) / statistics.median(self.seconds)


def run_once(
    model: Model, variant: Variant, tokens: np.ndarray, prompt: int, samples: Samples
) -> np.ndarray:
    """Times one run over `tokens`; returns the tokens after the prompt as the model says them."""
    begin = time.process_time()
    if variant.mode == "generate":
        run = model.generate(tokens[:prompt], limit=tokens.size - prompt, **variant.options())
        found, timings = run.generated, run.timings
    else:
        check = model.verify(tokens, prompt, **variant.options())
        if not check.ok:
            raise SystemExit(f"{variant.name}: {check}")
        found, timings = tokens[prompt:], check.timings
    samples.cpu_seconds.append(time.process_time() - begin)
    samples.tokens = found.size
    samples.seconds.append(timings.seconds)
    samples.projection.append(timings.projection)
    samples.attention.append(timings.attention)
    samples.output.append(timings.output)
    return found


def alternate(
    model: Model,
    variants: Sequence[Variant],
    tokens: np.ndarray,
    prompt: int,
    rounds: int,
    say: Callable[[str], None] = lambda _: None,
) -> dict[Variant, Samples]:
    """`rounds` times every variant in turn; each must give the tokens after the prompt."""
    results = {variant: Samples() for variant in variants}
    for index in range(rounds):
        for variant in variants:
            found = run_once(model, variant, tokens, prompt, results[variant])
            different = np.flatnonzero(found != tokens[prompt:])
            if different.size:
                raise SystemExit(
                    f"{variant.name}: token {prompt + different[0]} differs from the reference"
                )
            rate = found.size / results[variant].seconds[-1]
            say(f"round {index + 1}: {variant.name}: {rate:,.0f} tokens/s")
    return results


def reference_trace(name: str, limit: int) -> tuple[np.ndarray, int]:
    """Tokens of a program by the native executor, and the prompt's length.

    The name is a bundled one or a file, with ":INPUT" behind it for another input than its own.
    At most `limit` tokens are generated (0: no limit).
    """
    import pyvm
    from pyvm.engine.executor import execute

    name, colon, text = name.partition(":")
    run = execute(pyvm.compile(name, input=text if colon else None), limit=limit)
    return run.tokens, run.prompt_length


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def note(message: str) -> None:
    """Progress, kept apart from results."""
    print(message, file=sys.stderr, flush=True)
