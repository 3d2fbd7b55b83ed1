"""Numbers that stand in Python and in C++ must agree: each pair that neither side can derive."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pyvm
from pyvm.commands.common import Parser, add_engine_options
from pyvm.compiler.wasm_to_machine import GROWTH_LIMIT, OWN_BYTES
from pyvm.engine import dense, library, options
from pyvm.graph.primitives import BIG, RECENCY_SHARE
from pyvm.schedule.schedule import shipped
from pyvm.wasm.module import PAGE
from pyvm.weights.graph_to_weights import SCALE

ROOT = Path(__file__).resolve().parents[1]


def number(path: str, pattern: str) -> float:
    """The only number that the pattern finds in a file."""
    (found,) = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"))
    return float(found)


def test_the_scales_of_queries():
    assert SCALE == dense.SCALE
    places = (("lib/model/head_rows.cpp", "QueryScale"), ("tests/lib/machine.hpp", "Scale"))
    for path, name in places:
        assert number(path, rf"k{name} = ([\d.e]+);") == dense.SCALE
        assert number(path, rf"kOld{name} = ([\d.e]+);") == dense.OLD_SCALE


def test_what_outranks_every_score():
    """What the builder writes is above the library's bound, and everything else far below it."""
    bound = number("lib/model/head_rows.cpp", r"kBig = ([\d.e]+);")
    assert BIG > 1e3 * bound and bound > SCALE * 2.0**32
    assert number("tools/model_truth.py", r"(?m)^BIG = ([\d.e]+)") == bound
    assert number("tests/lib/machine.hpp", r"-= ([\d.e]+) \* w") == BIG


def test_the_share_of_recency():
    assert number("tests/lib/machine.hpp", r"head, 1, 1\) = ([\d.]+);") == RECENCY_SHARE
    bound = number("lib/model/model.hpp", r"kRecencyBound = ([\d.]+);")
    assert 1 / math.log(2) < bound < 1.4428
    assert RECENCY_SHARE * bound < 0.5  # two positions never change the order of distances


def test_the_slots_of_position_recency_and_squared_position():
    text = (ROOT / "lib/model/model.hpp").read_text()
    slots = shipped("base").slot
    for name, enumerator in (
        ("position", "kPosition"), ("recency", "kRecency"), ("position_sq", "kPositionSquared"),
    ):  # fmt: skip
        assert re.findall(rf"\b{enumerator} = (\d)", text) == [str(slots[name])]


def test_addresses_whose_squares_float64_holds():
    largest = number("lib/layers/attention/finder.cpp", r"kRounded = ([\d.]+);")
    assert largest == math.isqrt(1 << 53)
    assert GROWTH_LIMIT * PAGE + OWN_BYTES <= largest


def test_one_version():
    """Meson reads the package's, and no other file that builds something has one of its own."""
    assert library.build_info()["version"] == pyvm.__version__
    for name in ("meson.build", "pyproject.toml", "lib/tvm.h"):
        assert pyvm.__version__ not in (ROOT / name).read_text("utf-8")


def test_one_list_of_options():
    """The keywords of Model.generate are the options of the command."""
    parser = Parser()
    add_engine_options(parser)
    given = vars(parser.parse_args([]))
    assert {name: given[name] for name in options._DEFAULTS} == options._DEFAULTS
