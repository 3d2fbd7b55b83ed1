"""What C++ and Python must both know: the instruction table and the constants of the weights."""

import math
import re
from pathlib import Path

from pyvm.engine import dense
from pyvm.graph.primitives import BIG, RECENCY_SHARE
from pyvm.isa.header import header
from pyvm.weights import graph_to_weights

LIB = Path(__file__).parents[2] / "lib"
HEADER = LIB / "executor" / "isa.hpp"


def test_the_generated_header_is_up_to_date():
    assert HEADER.read_text() == header(), "run: python -m pyvm.isa.header > lib/executor/isa.hpp"


def constant(path: str, name: str) -> float:
    """A constant of the C++ source."""
    found = re.search(rf"constexpr \w+ {name} = ([^;]+);", (LIB / path).read_text())
    assert found, f"{path} has no {name}"
    return float(found[1])


def test_the_scale_of_queries_is_one_number():
    scale = constant("model/head_rows.cpp", "kQueryScale")
    assert scale == graph_to_weights.SCALE == dense.SCALE


def test_a_clear_coefficient_is_told_from_a_key():
    big = constant("model/head_rows.cpp", "kBig")
    assert 2.0**80 < big <= BIG  # beyond squares of keys below 2^40, and not beyond what is written


def test_recency_never_outweighs_a_step_between_keys():
    bound = constant("model/model.hpp", "kRecencyBound")
    assert 1 / math.log(2) < bound < 1.4428
    assert RECENCY_SHARE * bound < 0.5
