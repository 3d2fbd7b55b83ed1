#!/usr/bin/env python3
"""Makes the pictures of README and the pages: SVG files in tools/figures/.

    python tools/pictures.py

Enters: the standard machine, bundled programs in the native executor, and the tables of
tools/README.md.  Leaves: tools/figures/*.svg, the same bytes every time; a test makes them again.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from svg import Drawing, bars, lines  # noqa: E402

import pyvm  # noqa: E402
from pyvm.engine.executor import execute  # noqa: E402
from pyvm.isa.tokens import VOCABULARY  # noqa: E402
from pyvm.trace.statistics import statistics  # noqa: E402
from pyvm.view.data import layout, machine_of  # noqa: E402
from pyvm.view.evaluate import evaluate  # noqa: E402

FOLDER = ROOT / "tools" / "figures"
_KINDS = {"gather": "c0", "lookup": "c1", "mean": "c2"}


def schedule() -> str:
    """Layers across, slots down: who lives where, and when."""
    found = machine_of(VOCABULARY)
    assert found is not None
    shown = layout(*found)
    halves = 2 * shown["layers"] + 2
    left, top, cell, tall = 34, 54, 74, 13
    title = f"The standard machine: {shown['layers']} layers, {shown['width']} slots"
    drawing = Drawing(left + halves * cell + 14, top + shown["width"] * tall + 34, title)
    for half in range(halves):
        x = left + half * cell
        name = f"{(half + 1) // 2} {'attention' if half % 2 else 'neurons'}"
        name = {0: "embedding", halves - 1: "output"}.get(half, name)
        drawing.line(x, top - 6, x, top + shown["width"] * tall)
        drawing.text(x + 3, top - 10, name, "soft")
    for slot in range(0, shown["width"]):
        drawing.text(left - 6, top + slot * tall + 10, f"{slot}", "soft small", "end")
    for name, slot, first, last in shown["slots"]:
        made = 0 if first == 0 else 1 if first % 2 else 2
        wide = (last - first + 1) * cell - 2
        x, y = left + first * cell, top + slot * tall
        drawing.rect(x, y, wide, tall - 2, f"p{made}")
        fits = int(wide / 4.9)
        shown_name = name if len(name) <= fits else name[: fits - 1] + "\u2026"
        drawing.text(x + 3, y + 8.5, shown_name, "small")
    for i, made_by in enumerate(("from the token", "made by attention", "made by neurons")):
        x, y = left + 150 * i, drawing.height - 22
        drawing.rect(x, y, 16, 10, f"p{i}")
        drawing.text(x + 22, y + 9, made_by, "soft")
    return drawing.svg()


def heads() -> str:
    """One head of each kind on a stretch of a trace, and how many each layer has."""
    found = machine_of(VOCABULARY)
    assert found is not None
    run = execute(pyvm.compile("hello"))
    count = 26
    first = run.prompt_length + 53  # the loop that writes: loads, stores, a branch
    positions = np.arange(first, first + count)
    values = evaluate(found[0], run.tokens, positions)
    kinds = layout(*found)["heads"]
    left, cell, tall = 150, 33, 110
    title = "The kinds of heads, along a stretch of a trace"
    drawing = Drawing(left + count * cell + 16, 558, title)
    shown = (
        ("gather", "byte 1 back", "attends to a position that it computes"),
        ("lookup", "stack top", "attends to the newest position with its key"),
        ("mean", next(n for n in kinds if kinds[n][1] == "mean"), "weighs all positions alike"),
    )
    for row, (kind, name, what) in enumerate(shown):
        base = 44 + (row + 1) * tall
        drawing.text(14, base - 56, kind, "title")
        drawing.text(14, base - 40, f"\u201c{name}\u201d", "soft")
        drawing.text(left, base - 68, what, "soft")
        drawing.line(left, base, left + count * cell, base)
        sources = values.sources[:, values.fetches.index(name)]
        for i in range(count):
            x = left + (i + 0.5) * cell
            targets = range(i) if kind == "mean" else [int(sources[i]) - first]
            if kind == "mean" and i != count - 1:
                continue  # one position's arcs are enough to see: it is the same everywhere
            for target in targets:
                if target < 0:
                    drawing.path(f"M{x:.1f} {base} v-9", _KINDS[kind], 1)  # further back
                    continue
                to = left + (target + 0.5) * cell
                high = base - min(72.0, 8 + (x - to) / 3.2)
                arc = f"C{x:.1f} {high:.1f} {to:.1f} {high:.1f} {to:.1f} {base}"
                if target == i:
                    arc = "c-9 -18 9 -18 0 0"
                width = 0.9 if kind == "mean" else 1.4
                drawing.path(f"M{x:.1f} {base} {arc}", _KINDS[kind], width)
    base = 44 + 3 * tall
    for i, token in enumerate(run.tokens[positions]):
        x = left + (i + 0.5) * cell + 3
        word = VOCABULARY[int(token)]
        drawing.add(
            "text",
            {"transform": f"rotate(-60 {x:.1f} {base + 12})", "x": x, "y": base + 12.0,
             "class": "small", "text-anchor": "end"},
            word if len(word) < 16 else word[:15] + "\u2026",
        )  # fmt: skip
    top = base + 126
    drawing.text(14, top - 18, "Heads of each layer", "title")
    layers = max(layer for layer, _, _ in kinds.values())
    for layer in range(1, layers + 1):
        x = 14 + (layer - 1) * 140.0
        drawing.text(x, top, f"layer {layer}", "soft")
        for i, kind in enumerate(_KINDS):
            amount = sum(k == kind and at == layer for at, k, _ in kinds.values())
            drawing.rect(x, top + 8 + 14 * i, max(0.5, amount * 2.2), 10, _KINDS[kind])
            drawing.text(x + amount * 2.2 + 5, top + 17 + 14 * i, f"{amount} {kind}", "small")
    return drawing.svg()


def profile() -> str:
    """Where the tokens of the Sudoku solver go."""
    program = pyvm.compile("sudoku")
    run = execute(program)
    found = statistics(run.tokens, run.vocabulary, program.listing, program.debug)
    total = sum(tokens for _, tokens in found.unit_tokens)
    rows = [
        (name, float(tokens), f"{tokens:,} ({100 * tokens / total:.1f} %)")
        for name, tokens in found.unit_tokens[:10]
    ]
    return bars(f"sudoku: {total:,} tokens by function", rows)


def table(heading: str, text: str) -> list[list[str]]:
    """The cells of the first table whose header begins so; the header comes first."""
    begin = text.index(f"| {heading} ")
    rows = text[begin:].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    return [cells[0], *cells[2:]]


def number(cell: str) -> float:
    """The figure that a cell begins with."""
    found = re.match(r"[\d,.]+", cell)
    assert found is not None, cell
    return float(found[0].replace(",", ""))


def ablation() -> str:
    """What each shortcut of the layer path is worth."""
    header, *rows = table("variant       | seconds", _published())
    rate, speed = header.index("tokens/s"), header.index("speed-up")
    return bars(
        "What each shortcut of the layer path is worth: sudoku, tokens/s",
        [(row[0], number(row[rate]), f"{row[rate]} ({row[speed]})") for row in rows],
        "tools/bench_bypass.py --tokens 150000",
    )


def sparsity() -> str:
    """Where sparse projections begin to pay."""
    header, *rows = table("zeros | sequential dense", _published())
    across = [number(row[0]) for row in rows]
    series = {name: [number(row[i]) for row in rows] for i, name in enumerate(header) if i}
    title = "Sparse against dense projections: tools/sweep_sparsity.py --tokens 500"
    return lines(title, across, series, "zeros among the weights, %", "tokens/s")


def _published() -> str:
    return (ROOT / "tools" / "README.md").read_text(encoding="utf-8")


PICTURES: dict[str, Callable[[], str]] = {
    "schedule": schedule,
    "heads": heads,
    "profile": profile,
    "ablation": ablation,
    "sparsity": sparsity,
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
        print(f"tools/figures/{name}.svg")


if __name__ == "__main__":
    main()
