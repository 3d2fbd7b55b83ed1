"""Joins page/ and the data of a run into one HTML file.

Enters: a run.  Leaves: a `View`: text of the page, a file, or a frame in a notebook.
"""

from __future__ import annotations

import base64
import html
import json
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from pyvm.view.data import PageData, Shown, page_data

if TYPE_CHECKING:
    import os

    from pyvm.isa.program import Program

_SCRIPTS = (
    "unpack.js", "trace.js", "state.js", "lists.js", "panels.js", "graph.js", "network.js",
    "search.js", "main.js",
)  # fmt: skip
_TYPES = {"bool": "Uint8Array", "float64": "Float64Array"}


@dataclass(frozen=True)
class View:
    """A page of one run.  `at`: where it opens, by default the first generated token."""

    run: Shown = field(repr=False)
    program: Program | None = None
    at: int | None = None

    @cached_property
    def html(self) -> str:
        """The whole page."""
        return join(page_data(self.run, self.program, self.at))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page to a file."""
        from pyvm.files import write_file

        write_file(path, self.html.encode())

    def _repr_html_(self) -> str:
        """A frame: a notebook's own page and this one do not meet."""
        return frame(self.html, "Trace")


def frame(page: str, title: str) -> str:
    """A page inside another: its style and its scripts stay in it."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" '
        f'title="{title}" style="width:100%;height:900px;border:1px solid #8888"></iframe>'
    )


def join(data: PageData) -> str:
    """The page with its data: a header in JSON, and all arrays as one compressed block."""
    header = dict(data.header)
    block, header["arrays"] = _packed(data.arrays)
    text = json.dumps(header, separators=(",", ":")).replace("<", "\\u003c")
    read = resources.files(__package__).joinpath("page").joinpath
    parts = {
        "@STYLE@": read("page.css").read_text("utf-8"),
        "@HEADER@": text,
        "@BLOCK@": block,
        "@SCRIPT@": "\n".join(read(name).read_text("utf-8") for name in _SCRIPTS),
    }
    page = read("page.html").read_text("utf-8")
    page = page.replace("@TITLE@", html.escape(str(header["name"])))
    for mark, part in parts.items():
        before, _, after = page.partition(mark)
        page = before + part + after
    return page


def _packed(arrays: dict[str, np.ndarray]) -> tuple[str, list[list[str | int]]]:
    """The block in base64; per array its name, JavaScript type, offset in bytes and length."""
    rows: list[list[str | int]] = []
    parts = []
    offset = 0
    for name, array in arrays.items():
        kind = _TYPES.get(str(array.dtype)) or str(array.dtype).title() + "Array"
        rows.append([name, kind, offset, int(array.size)])
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        data += bytes(-len(data) % 8)
        parts.append(data)
        offset += len(data)
    return base64.b64encode(zlib.compress(b"".join(parts), 6)).decode(), rows
