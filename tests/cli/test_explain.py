"""`pyvm model explain`: its text, and the strings that it shares with libtvm."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import program_file, pyvm
from pyvm.commands import explain
from pyvm.engine import node_names
from pyvm.engine.model import Model

GOLDEN = Path(__file__).with_name("explain.txt")


def test_golden_text(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """All stages, and the tapes of three instructions, of the base machine, whose text is short.
    `pytest --update-golden` writes it anew."""
    path = program_file(tmp_path, "i32.const 72\noutput\nhalt")
    done = pyvm("model", "explain", "base", "--program", path)
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text.splitlines() == GOLDEN.read_text().splitlines()


def test_kinds_and_units_are_those_of_the_library(model: Model) -> None:
    plan = model.explain()
    never_live = "opaque"
    assert {"one", "position", never_live, *explain._FOUND} == set(plan["kinds"])
    assert {"input", *node_names._NAMED, *node_names._SLOTS} == set(plan["units"])
