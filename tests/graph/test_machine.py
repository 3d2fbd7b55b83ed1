"""The machine's arithmetic at the boundaries of bytes, against Python's integers."""

import pytest

from pyvm.graph.evaluate import generate
from pyvm.graph.machine import build_machine
from pyvm.graph.specialize import ProgramTable
from pyvm.isa.tokens import TOKEN_ID, VOCABULARY, byte_token, encode

GRAPHS = {machine: build_machine(machine) for machine in ("base", "standard")}
WORDS = [0, 1, 0xFF, 0x100, 0x10000, 0xFFFFFFE0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def run(machine: str, code: list[tuple[str, int]]) -> list[str]:
    words = [byte_token(b) for _, imm in code for b in imm.to_bytes(4, "little")]
    prompt = ["{"]
    for i, (op, _) in enumerate(code):
        prompt += [op, *words[4 * i : 4 * i + 4]]
    ids = encode([*prompt, "}"])
    return [VOCABULARY[t] for t in generate(GRAPHS[machine], ids, TOKEN_ID["halt"], 10_000)]


def last_value(trace: list[str]) -> int:
    """The four bytes before the last commit."""
    return int.from_bytes(bytes(int(token[:2], 16) for token in trace[-6:-2]), "little")


PAIRS = [("base", a, b) for a in WORDS for b in WORDS]
# The standard machine has larger tests of its own (tests/engine/test_instructions.py).
PAIRS += [("standard", a, b) for a, b in zip(WORDS[::4], WORDS[::-4])]


@pytest.mark.parametrize("machine, a, b", PAIRS)
def test_add_and_subtract(machine, a, b):
    operands = [("i32.const", a), ("i32.const", b)]
    assert last_value(run(machine, [*operands, ("i32.add", 0), ("halt", 0)])) == (a + b) % 2**32
    assert last_value(run(machine, [*operands, ("i32.sub", 0), ("halt", 0)])) == (a - b) % 2**32


@pytest.mark.parametrize("machine", GRAPHS)
def test_the_specialised_machine_generates_the_same_trace(machine):
    code = [("i32.const", 65), ("local.set", 0), ("local.get", 0), ("output", 0)]
    code += [("call", 1), ("halt", 0), ("return", 0xFFFFFFFF)]
    special = build_machine(machine, ProgramTable(code))
    ids = {token: i for i, token in enumerate(special.vocabulary)}
    tokens = generate(special, [ids["start"]], ids["halt"], 10_000)
    assert [special.vocabulary[t] for t in tokens] == run(machine, code)
