"""What C++ has of the instruction table and the token language is what pyvm/isa writes out."""

from pathlib import Path

from pyvm.isa.header import header

HEADER = Path(__file__).parents[2] / "lib" / "executor" / "isa.hpp"


def test_the_generated_header_is_up_to_date():
    assert HEADER.read_text() == header(), "run: python -m pyvm.isa.header > lib/executor/isa.hpp"
