"""The pages that pdoc makes of the public modules, without a warning."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = ("pyvm", "pyvm.machine")


def test_pdoc_makes_the_pages(tmp_path):
    pytest.importorskip("pdoc")
    command = [sys.executable, "-W", "error", "-m", "pdoc", *MODULES, "-o", tmp_path]
    subprocess.run(command, capture_output=True, check=True)
    page = (tmp_path / "pyvm.html").read_text(encoding="utf-8")
    for name in ("compile", "load", "Model.generate", "Model.verify", "Run", "Check"):
        assert f'id="{name}"' in page
