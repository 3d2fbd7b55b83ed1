"""The pictures of the pages: those that are checked in are those that the command makes."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import pages.text as text

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import pictures  # noqa: E402
import svg  # noqa: E402

FILES = {path.stem for path in (ROOT / "tools" / "figures").glob("*")}


def test_there_are_no_others():
    assert FILES == set(pictures.PICTURES)


@pytest.mark.parametrize("name", sorted(pictures.PICTURES))
def test_a_picture_is_what_the_command_makes(name):
    made = pictures.PICTURES[name]()
    assert made == (ROOT / "tools" / "figures" / f"{name}.svg").read_text("utf-8"), (
        "python tools/pictures.py makes the pictures again"
    )
    drawn = ElementTree.fromstring(made)
    assert "prefers-color-scheme: dark" in made
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    for shape in drawn.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, wide, tall = (float(shape.attrib[k]) for k in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width and 0 <= y <= y + tall <= height


@pytest.mark.parametrize("name", sorted(pictures.PICTURES))
def test_a_page_shows_it(name):
    assert any(f"figures/{name}.svg)" in page.read_text("utf-8") for page in text.PAGES)


def test_published_tables_are_read_as_they_are():
    page = "\n| zeros | a b |\n|---|---|\n| 5 % | 1,234.5 (3) |\n| 7 % | 8 |\n\n| other |\n"
    assert pictures.table("zeros", page) == [["zeros", "a b"], ["5 %", "1,234.5 (3)"], ["7 %", "8"]]
    assert pictures.number("1,234.5 (3)") == 1234.5


def test_text_is_escaped_and_curves_go_through_their_figures():
    drawing = svg.Drawing(10, 10, "a < b")
    assert "a &lt; b" in drawing.svg()
    made = svg.lines("t", [0, 10], {"x": [1.0, 100.0]}, "across", "unit")
    (path,) = (e for e in ElementTree.fromstring(made).iter() if e.tag.endswith("path"))
    (x0, y0), (x1, y1) = (map(float, p.strip("ML").split()) for p in path.attrib["d"].split(" L"))
    assert x0 < x1 and y0 > y1
