"""The page of what programs can use is what the tests show."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_up_to_date(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    from features import page

    words = "write it anew: python tools/features.py > pyvm/host/SUPPORTED.md"
    assert (ROOT / "pyvm/host/SUPPORTED.md").read_text() == page(), words
