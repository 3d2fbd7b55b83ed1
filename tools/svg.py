"""Pictures as text: SVG with the colours of the reader's scheme, and charts of rows of figures.

Enters: shapes, or figures with their names.  Leaves: SVG, the same bytes for the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

# Colours are classes, so that a reader's scheme, light or dark, has its own. Each pair was chosen
# to be told apart without seeing red or green.
_STYLE = """
text { font: 11px system-ui, sans-serif; fill: #1c2024; }
.title { font-size: 14px; font-weight: 600; }
.soft { fill: #58606a; }
.small { font-size: 9px; }
.back { fill: #ffffff; }
.rule { stroke: #d8dade; fill: none; }
.c0 { fill: #0b57c4; stroke: #0b57c4; } .c1 { fill: #b3401f; stroke: #b3401f; }
.c2 { fill: #2e7d32; stroke: #2e7d32; } .c3 { fill: #7b3fa0; stroke: #7b3fa0; }
.c4 { fill: #8a6d00; stroke: #8a6d00; } .c5 { fill: #58606a; stroke: #58606a; }
.p0 { fill: #dfe7f5; stroke: #a9bfe3; } .p1 { fill: #f8e0d8; stroke: #e0ac9b; }
.p2 { fill: #dcefdd; stroke: #a3cfa6; }
path.c0, path.c1, path.c2, path.c3, path.c4, path.c5 { fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e8ea; } .soft { fill: #a2abb6; } .back { fill: #1c2026; } .rule { stroke: #363c45; }
.c0 { fill: #82b4ff; stroke: #82b4ff; } .c1 { fill: #ff9b7a; stroke: #ff9b7a; }
.c2 { fill: #86d68a; stroke: #86d68a; } .c3 { fill: #d3a6f0; stroke: #d3a6f0; }
.c4 { fill: #e5c84f; stroke: #e5c84f; } .c5 { fill: #a2abb6; stroke: #a2abb6; }
.p0 { fill: #2b3a52; stroke: #46608a; } .p1 { fill: #4d3128; stroke: #84503f; }
.p2 { fill: #28402a; stroke: #456e48; }
}
"""


def _shown(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    """Shapes on a ground of its own; coordinates are pixels."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._title = title
        self._parts: list[str] = []
        self.rect(0, 0, width, height, "back")
        self.text(14, 22, title, "title")

    def add(self, tag: str, attributes: Mapping[str, float | str], text: str | None = None) -> None:
        shown = "".join(
            f' {name}="{value if isinstance(value, str) else _shown(value)}"'
            for name, value in attributes.items()
        )
        end = "/>" if text is None else f">{escape(text, quote=False)}</{tag}>"
        self._parts.append(f"<{tag}{shown}{end}")

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self.add("rect", {"x": x, "y": y, "width": width, "height": height, "class": kind})

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        self.add("text", {"x": x, "y": y, "class": kind, "text-anchor": anchor}, text)

    def line(self, x: float, y: float, to_x: float, to_y: float, kind: str = "rule") -> None:
        self.add("line", {"x1": x, "y1": y, "x2": to_x, "y2": to_y, "class": kind})

    def path(self, data: str, kind: str, width: float = 1.5) -> None:
        self.add("path", {"d": data, "class": kind, "stroke-width": width})

    def svg(self) -> str:
        size = f"{_shown(self.width)} {_shown(self.height)}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
            f'width="{_shown(self.width)}" height="{_shown(self.height)}" role="img">\n'
            f"<title>{escape(self._title)}</title>\n<style>{_STYLE}</style>\n"
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def bars(title: str, rows: Sequence[tuple[str, float, str]], note: str = "") -> str:
    """Bars beside each other's ends: (name, figure, the figure as it is told)."""
    left, wide, tall = 210, 420, 24
    drawing = Drawing(760, 50 + tall * len(rows) + (24 if note else 0), title)
    most = max(figure for _, figure, _ in rows)
    for i, (name, figure, told) in enumerate(rows):
        y = 38 + i * tall
        drawing.text(left - 10, y + 14, name, anchor="end")
        drawing.rect(left, y, max(1.0, wide * figure / most), tall - 7, "c0")
        drawing.text(left + max(1.0, wide * figure / most) + 8, y + 14, told, "soft")
    if note:
        drawing.text(14, drawing.height - 12, note, "soft")
    return drawing.svg()


def lines(
    title: str,
    across: Sequence[float],
    series: Mapping[str, Sequence[float]],
    label: str,
    unit: str,
) -> str:
    """Curves over `across`; figures above 0, on a logarithmic scale."""
    left, top, wide, tall = 70, 50, 480, 300
    drawing = Drawing(760, top + tall + 56, title)
    figures = [figure for curve in series.values() for figure in curve]
    low, high = math.log10(min(figures)), math.log10(max(figures))
    low, high = low - 0.05 * (high - low + 1), high + 0.05 * (high - low + 1)
    first, last = min(across), max(across)

    def x(value: float) -> float:
        return left + wide * (value - first) / ((last - first) or 1)

    def y(figure: float) -> float:
        return top + tall * (high - math.log10(figure)) / (high - low)

    for power in range(math.floor(low), math.ceil(high) + 1):
        for tick in (1, 2, 5):
            figure = tick * 10.0**power
            if low <= math.log10(figure) <= high:
                drawing.line(left, y(figure), left + wide, y(figure))
                drawing.text(left - 8, y(figure) + 4, f"{figure:,.0f}", "soft", "end")
    size = 10.0 ** math.floor(math.log10((last - first) or 1))
    step = next(size * part for part in (0.1, 0.2, 0.5, 1, 2) if (last - first) / size / part < 8)
    for i in range(math.ceil(first / step), math.floor(last / step) + 1):
        drawing.text(x(i * step), top + tall + 18, f"{i * step:g}", "soft", "middle")
    drawing.text(left + wide / 2, top + tall + 40, label, "soft", "middle")
    drawing.text(14, 40, unit, "soft")
    ends: list[float] = []
    for i, (name, curve) in sorted(enumerate(series.items()), key=lambda entry: -entry[1][1][-1]):
        points = " L".join(f"{_shown(x(a))} {_shown(y(f))}" for a, f in zip(across, curve))
        drawing.path(f"M{points}", f"c{i % 6}", 2)
        end = y(curve[-1])
        while any(abs(end - other) < 14 for other in ends):
            end += 1
        ends.append(end)
        drawing.rect(left + wide + 6, end - 1, 14, 2, f"c{i % 6}")
        drawing.text(left + wide + 26, end + 4, name)
    return drawing.svg()
