"""What Python says of itself: everything public is described and has an example that runs."""

from __future__ import annotations

import doctest
import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import pytest

import pyvm
import pyvm.export
import pyvm.isa.program
import pyvm.isa.traps
import pyvm.machine
from pyvm import helpers
from pyvm.machine.examples.parity import parity

PROGRAM = "int main(void) { return 0; }\n"
# Fields and properties are described by their class; what a class has beside them has an example.
PLACES = [(pyvm, pyvm.__all__), (pyvm.export, ["export_model"]), (pyvm.machine, ["Machine"])]
NEEDS_NO_EXAMPLE = {"Model.close", "Machine.graph", "Machine.model_file"}
_FORMS = ("product switch step at_zero square running_sum at newest latest next").split()
NEEDS_NO_EXAMPLE |= {f"Machine.{form}" for form in _FORMS}  # README of pyvm/machine has them


def documented() -> Iterator[tuple[str, Any]]:
    yield "pyvm", pyvm
    for place, names in PLACES:
        for name in names:
            found = getattr(place, name)
            yield name, found
            for part, value in vars(found).items() if inspect.isclass(found) else ():
                if inspect.isfunction(value) and not part.startswith("_"):
                    yield f"{name}.{part}", value


EVERYTHING = dict(documented())


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_is_described_with_an_example(name):
    text = inspect.getdoc(EVERYTHING[name])
    assert text, name
    if name not in NEEDS_NO_EXAMPLE and inspect.isfunction(EVERYTHING[name]):
        assert ">>> " in text, name


@pytest.mark.parametrize(
    "name", [name for name, found in EVERYTHING.items() if ">>> " in (found.__doc__ or "")]
)
def test_examples_run(name, model, tmp_path, monkeypatch):
    text = inspect.getdoc(EVERYTHING[name]) or ""
    if "prog.c" in text and helpers.zig() is None:
        pytest.skip("needs the zig wheel")
    if "safetensors" in text and name != "pyvm":
        pytest.importorskip("safetensors")
    if ".build()" in text and name != "pyvm":
        pytest.importorskip("highspy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prog.c").write_text(PROGRAM)
    names = {"pyvm": pyvm, "model": model, "parity": parity()}
    if ">>> run." in text:
        names["run"] = model.generate(pyvm.compile("hello"))
    found = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    failures: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(found, out=failures.append)
    assert found.examples and not failures, "".join(failures)


def test_help_leads_somewhere():
    text = pydoc.plain(pydoc.render_doc(pyvm))
    for name in pyvm.__all__:
        assert name in text
    assert "class Model" in text and "pyvm.machine" in text
    assert set(pyvm.__all__) <= set(dir(pyvm))
