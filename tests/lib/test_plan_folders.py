"""The folders of lib/plan include only what comes before them on the way from weights to tapes."""

from __future__ import annotations

import re
from pathlib import Path

PLAN = Path(__file__).resolve().parents[2] / "lib" / "plan"
MAY_INCLUDE = {
    "ir": set(),
    "fold": {"ir"},
    "specialize": {"ir"},
    "run": {"ir", "specialize", "plan.hpp"},
    "kernel": {"ir", "specialize", "run", "plan.hpp"},
}


def test_folders_include_what_comes_before_them() -> None:
    assert {path.name for path in PLAN.iterdir() if path.is_dir()} == set(MAY_INCLUDE)
    for folder, allowed in MAY_INCLUDE.items():
        for path in (PLAN / folder).iterdir():
            found = set(re.findall(r'#include "plan/([\w.]+)', path.read_text()))
            assert found <= {folder, *allowed}, path.name
