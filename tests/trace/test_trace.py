"""pyvm.trace: output, listings, cursors, statistics and explanations; long traces in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from cases import BY_NAME, CASES, instructions
from pyvm.engine.executor import execute
from pyvm.engine.follow import Follower, error_bytes, output_bytes
from pyvm.isa.classes import token_classes
from pyvm.isa.executor import Executor
from pyvm.isa.program import Program, from_tokens
from pyvm.isa.prompt import NAMES, read_listing, trace_begin
from pyvm.isa.tokens import VOCABULARY, encode
from pyvm.isa.traps import Trap
from pyvm.trace import pieces, statistics
from pyvm.trace.explain import explain
from pyvm.trace.reader import TraceReader

CLASSES = token_classes(VOCABULARY)


def test_output_of_every_out_token():
    tokens = encode([token for token in VOCABULARY if token.startswith("out(")])
    assert sorted(output_bytes(tokens, VOCABULARY)) == list(range(256))
    assert output_bytes(encode(["out(A)", "41", "A", "out(0a)", "halt"]), VOCABULARY) == b"A\n"


def test_every_byte_has_its_tokens():
    byte = CLASSES.byte
    assert [int(np.count_nonzero(byte == b)) for b in (0x00, 0x41, 0x7B)] == [2, 3, 2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_listing_gives_the_program_back(case):
    listing = read_listing(case.prompt, VOCABULARY)
    found = [(NAMES[op], int(imm)) for op, imm in zip(listing.opcodes, listing.immediates)]
    assert found == instructions(case.text)


def test_no_listing_without_a_program():
    for words in (
        "halt",
        "{",
        "{ halt 00 00 00 }",
        "{ 00 00 00 00 00 }",
        "{ halt 00 00 00 out(A) }",
    ):
        assert read_listing(encode(words.split()), VOCABULARY) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_prompt_end(case):
    run = execute(case.prompt)
    assert Follower(VOCABULARY).read(run.tokens).prompt_end == case.prompt.size


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", ["calls", "input", "load store", "i32.sub", "trap"])
def test_reader_follows_the_executor(name, chunk):
    """Cursors, instruction by instruction, whatever the size of the chunks."""
    case = BY_NAME[name]
    run = execute(case.prompt)
    begin = trace_begin(case.prompt, CLASSES)
    read = TraceReader(CLASSES, begin)
    cursors, positions, lengths = [], [], []
    for first in range(begin, run.tokens.size, chunk):
        rows = read.feed(run.tokens[first : first + chunk])
        cursors += rows.cursor.tolist()
        positions += rows.position.tolist()
        lengths += rows.length.tolist()
    expected = executed_cursors(case)
    assert cursors == expected
    assert positions == (begin + np.cumsum([0, *lengths[:-1]])).tolist()
    assert sum(lengths) == run.tokens.size - begin
    assert read.cursor == run.cursor == expected[-1]


def executed_cursors(case) -> list[int]:
    """From the Python executor: the cursor of every instruction executed (the input's first)."""
    cursors = [0] if case.input is not None else []

    class Recorder(Executor):
        def _step(self, op, imm):
            cursors.append(self.cursor)
            return super()._step(op, imm)

    program = from_tokens(case.prompt)
    list(Recorder(program.code, program.given()).run())
    return cursors


def test_statistics(monkeypatch):
    case = BY_NAME["loop"]
    run = execute(case.prompt)
    listing = read_listing(case.prompt, VOCABULARY)
    found = statistics.statistics(run.tokens, VOCABULARY, listing)
    count = dict(zip(NAMES, found.counts.tolist()))
    assert {name: n for name, n in count.items() if n} == {
        "i32.const": 1 + 2 * 3,
        "local.set": 1,
        "local.get": 2 * 3,
        "i32.add": 3,
        "output": 3,
        "i32.sub": 3,
        "local.tee": 3,
        "br_if": 3,
        "br": 1,
        "halt": 1,
    }
    assert found.tokens.sum() == run.generated.size
    assert found.deepest_stack == 2
    monkeypatch.setattr(pieces, "CHUNK", 5)
    again = statistics.statistics(run.tokens, VOCABULARY, listing)
    assert np.array_equal(again.counts, found.counts)
    assert np.array_equal(again.tokens, found.tokens)
    assert any("br_if" in line for line in found.lines())


def explained(name: str) -> list[str]:
    case = BY_NAME[name]
    listing = read_listing(case.prompt, VOCABULARY)
    return list(explain(execute(case.prompt).tokens, VOCABULARY, listing))


def test_explain():
    lines = explained("calls")
    assert len(lines) == 1 + len(executed_cursors(BY_NAME["calls"]))
    text = "\n".join(lines)
    assert "i32.const 3" in text and "= 3" in text
    assert "writes '.'" in text
    assert "normal end" in lines[-1]


def test_explain_traps_and_input():
    assert "integer division by zero" in explained("trap")[-1]
    assert "reads 5 bytes of input" in explained("input")[1]


def test_an_unfinished_trace_is_read_as_far_as_it_goes():
    case = BY_NAME["loop"]
    run = execute(case.prompt, limit=9)
    listing = read_listing(case.prompt, VOCABULARY)
    assert len(list(explain(run.tokens, VOCABULARY, listing))) == 1 + 1
    assert run.cursor == 1
    assert run.trap is None


def test_writes_are_in_order():
    tokens = encode("out(A) 41 out(B) err(C) halt err(D) out(E) 42 err(F)".split())
    parts = [(False, b"AB"), (True, b"CD"), (False, b"E"), (True, b"F")]
    assert list(Follower(VOCABULARY).feed(tokens)) == parts
    assert list(Follower(VOCABULARY).feed(tokens, 3)) == parts[1:]
    assert list(Follower(VOCABULARY).feed(tokens[1:2])) == []


def test_errors_of_every_err_token():
    tokens = encode([token for token in VOCABULARY if token.startswith("err(")])
    assert sorted(error_bytes(tokens, VOCABULARY)) == list(range(256))
    assert output_bytes(tokens, VOCABULARY) == b""


# Scratch tokens, eight bytes, a skip, data, a table, both streams: one instruction each.
STANDARD = Program(
    tuple(
        instructions(
            """
            data 16
            elements 0
            i32.const 9
            i64.load 8
            i64.const 0xfffffffe
            i64.high 0xffffffff
            i64.mul
            i64.local.set 1
            i32.const 66
            output_error
            i32.const 0
            element 5
            call_element 13
            halt
            i32.const 1
            i32.const 0
            i32.div_u
            """
        )
    ),
    data=(b"\0abc", b"\x0e\0\0\0\5\0\0\0"),
    places=tuple((f"f{i}", 100 + i) for i in range(17)),
)


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_standard_instructions_are_read(chunk):
    run = execute(STANDARD)
    begin = trace_begin(run.tokens, CLASSES)
    read = TraceReader(CLASSES, begin)
    parts = [read.feed(run.tokens[i : i + chunk]) for i in range(begin, run.tokens.size, chunk)]
    cursors = [int(c) for part in parts for c in part.cursor]
    assert cursors == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16]
    values = {int(c): int(v) for part in parts for c, v in zip(part.cursor, part.value)}
    product = -2 * int.from_bytes(b"abc", "little")
    assert values[3] == int.from_bytes(b"abc", "little")
    assert values[4] == 2**64 - 2
    assert values[6] == values[7] == product % 2**64
    assert [int(t) for part in parts for t in part.trap] == [0] * 14 + [Trap.DIVIDE_BY_ZERO]
    lengths = [int(n) for part in parts for n in part.length]
    assert lengths == [5, 9, 5, 9, 9, 17, 9, 5, 1, 5, 5, 6, 5, 5, 2]
    depths = [int(d) for part in parts for d in part.stack_depth]
    assert depths == [0, 0, 1, 1, 2, 1, 0, 1, 0, 1, 1, 0, 1, 2, 2]
    assert read.cursor == run.cursor == 16


def test_a_trap_knows_its_place():
    run = execute(STANDARD)
    assert str(run.trap) == "trap: integer division by zero in f16 at offset 0x74"
    assert (run.errors, run.output, run.ok, run.status) == (b"B", b"", False, 0)
    without = execute(STANDARD.tokens())
    assert str(without.trap) == "trap: integer division by zero"
    cut = execute(STANDARD, limit=run.generated.size - 1)
    assert (cut.trap, cut.cursor) == (None, 16)  # the trap stands there, but the run did not end


def test_explain_and_count_standard_instructions():
    run = execute(STANDARD)
    listing = read_listing(run.tokens, VOCABULARY)
    lines = list(explain(run.tokens, VOCABULARY, listing))
    effects = [line[45:-5].strip() for line in lines[1:]]
    assert effects == [
        "data: 4 bytes",
        "table entries: 1",
        "= 9",
        "= 6513249",
        "= -2",
        "= -13026498",
        "= -13026498",
        "= 66",
        "writes 'B' (errors)",
        "= 0",
        "= 14",
        "to 14",
        "= 1",
        "= 0",
        "trap: integer division by zero",
    ]
    found = statistics.statistics(run.tokens, VOCABULARY, listing)
    count = dict(zip(NAMES, found.counts.tolist()))
    assert count["i64.mul"] == count["i64.const"] == 1 and count["i64.high"] == 0
    assert count["data"] == count["elements"] == 0  # they were not executed
    assert found.tokens.sum() == run.generated.size
