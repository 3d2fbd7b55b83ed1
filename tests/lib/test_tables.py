"""The executor's opcode table is the instruction table, in order and spelling."""

import re
from pathlib import Path

from pyvm.program.instructions import INSTRUCTIONS

HEADER = Path(__file__).parents[2] / "lib" / "trace" / "opcodes.hpp"


def test_opcode_names_match_the_instruction_table():
    text = HEADER.read_text()
    names = re.findall(r'"([a-z0-9_.]+)"', text[text.index("kOpNames") :])
    assert names == list(INSTRUCTIONS)


def test_enumerators_are_in_the_order_of_the_names():
    text = HEADER.read_text()
    body = re.search(r"enum class Op.*?\{(.*?)past_end", text, re.DOTALL).group(1)
    enumerators = [name.rstrip("_") for name in re.findall(r"\w+", body)]
    assert enumerators == [re.sub(r"^i32\.", "", n).replace(".", "_") for n in INSTRUCTIONS]
