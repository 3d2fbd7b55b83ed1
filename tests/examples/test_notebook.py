"""The notebook runs from its first cell to its last, and shows what it says.

`pytest --update-golden` on this file writes what the cells print into the notebook. With another
version of the C compiler than it was written with, other things are printed, and not compared.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pyvm import helpers

NOTEBOOK = Path(str(resources.files("pyvm.examples"))) / "tour.ipynb"


def executed(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """Runs a cell as a notebook does: what it prints, and the value of a last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        value = None
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return printed.getvalue(), value


def outputs(printed: str, value: Any, count: int) -> list[dict[str, Any]]:
    """As the notebook's format has them; a page is too long to be kept."""
    found: list[dict[str, Any]] = []
    if printed:
        text = printed.splitlines(keepends=True)
        found.append({"name": "stdout", "output_type": "stream", "text": text})
    if value is not None and not hasattr(value, "_repr_html_"):
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        result = {"data": data, "execution_count": count, "metadata": {}}
        found.append({**result, "output_type": "execute_result"})
    return found


def words(found: list[dict[str, Any]]) -> list[str]:
    """The outputs without their figures."""
    text = "".join("".join(o.get("text") or o["data"]["text/plain"]) for o in found)
    return re.sub(r"\b[\d,.]+\b", "0", text).split()


@pytest.mark.skipif(helpers.zig() is None, reason="the zig wheel is not installed")
def test_it_runs_and_shows_what_it_says(request, tmp_path, monkeypatch):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    compiler, update = version("ziglang"), request.config.getoption("--update-golden")
    same = notebook["metadata"].get("ziglang") == compiler
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(cells, 1):
        printed, value = executed("".join(cell["source"]), names)
        found = outputs(printed, value, count)
        shown["".join(cell["source"]).strip()] = value
        if same and not update:
            assert words(found) == words(cell["outputs"]), f"{cell['id']}: --update-golden helps"
        cell["outputs"], cell["execution_count"] = found, count
    if update:
        notebook["metadata"]["ziglang"] = compiler
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        NOTEBOOK.write_text(text, encoding="utf-8")
    names["model"].close()
    assert names["run"].output == b"16 steps\n" and names["run"].ok
    assert names["check"].ok and names["check"].complete
    assert names["values"].predicted[0] == names["run"].tokens[names["at"] + 1]
    assert shown["run.view(program)"]._repr_html_().startswith("<iframe srcdoc=")
    assert (names["folder"] / "base.safetensors").stat().st_size > 100_000
