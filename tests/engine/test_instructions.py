"""Every instruction of the standard machine in the transformer: its tokens are the executor's.

Numeric rows on all pairs of 40 boundary values; loads and stores of every width up to the last
byte; every trap; tables, data, the memory's size, exits.  The plan takes all of it.  The layer path
with every projection and attention, softmax, dense numpy and the exact evaluator take samples.  The
native executor, which they are compared with, is compared with wasmtime in tests/isa.
"""

from __future__ import annotations

import random
from array import array
from itertools import product

import numpy as np
import pytest

from cases import instructions
from operands import computing, constant, numeric_rows, operands_of
from pyvm.engine.abi import BYPASSES, PROJECTIONS
from pyvm.engine.dense import predict as dense_predict
from pyvm.engine.errors import UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.run import Run
from pyvm.graph.evaluate import predict
from pyvm.graph.machine import build_machine
from pyvm.isa import arithmetic
from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.program import Program
from pyvm.isa.tokens import decode
from pyvm.isa.traps import Trap

every_row = pytest.mark.parametrize("row", numeric_rows(), ids=lambda row: row.name)
ACCESSES = [row for row in INSTRUCTIONS.values() if row.cell == isa.ADDRESS and row.pops]
PAGE = 1 << 16
PAGES = 1 << 16


def same(model, program: Program, **options: str | int) -> Run:
    """The model generates what the executor does."""
    expected = execute(program)
    limit = expected.tokens.size - expected.prompt_length + 1
    found = model.generate(program, limit=limit, **options)
    words, wanted = decode(found.generated), decode(expected.generated)
    for i, (word, want) in enumerate(zip(words, wanted)):
        assert word == want, f"token {i}, after {' '.join(wanted[max(0, i - 20) : i])}"
    assert len(words) == len(wanted)
    return expected


def text(code: str, *data: bytes) -> Program:
    return Program(tuple(instructions(code)), data=data)


def split(row: Instruction) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """The operands on which a row has a result, and those on which it traps."""
    results: list[tuple[int, ...]] = []
    traps: list[tuple[int, ...]] = []
    for numbers in operands_of(row):
        trapped = arithmetic.fold(row.name, list(numbers)) is None
        (traps if trapped else results).append(numbers)
    return results, traps


def sampled(row: Instruction, count: int) -> list[tuple[int, ...]]:
    results, _ = split(row)
    return random.Random(row.name).sample(results, min(count, len(results)))


@every_row
def test_all_pairs(model, row):
    results, traps = split(row)
    same(model, computing(row, results))
    for numbers in traps:
        assert same(model, computing(row, [numbers])).trap


@every_row
def test_the_first_instructions_have_only_the_prompt_before_them(model, row):
    """Operands at the bottom of the stack, nothing else in the trace."""
    for numbers in sampled(row, 6):
        same(model, computing(row, [numbers]))


@every_row
def test_operands_lie_above_others(model, row):
    """Of either width, which stay what they are."""
    results, _ = split(row)
    code: list[tuple[str, int]] = []
    rng = random.Random(row.name)
    for numbers in rng.sample(results, min(40, len(results))):
        for below in rng.choices(["i32", "i64"], k=2):
            code += constant(below, rng.getrandbits(64))
        rows = computing(row, [numbers]).code[:-2]
        code += [*rows, *rows, ("drop", 0), ("drop", 0), ("output", 0), ("output", 0)]
    same(model, Program((*code, ("halt", 0))))


# One row for each way to compute, for what is slow.
KINDS = list({(row.source, row.operand_bytes): row for row in numeric_rows()}.values())


def many(count: int, rows: list[Instruction] | None = None) -> Program:
    """All numeric rows, or some, in one program, a few operands each."""
    code: list[tuple[str, int]] = []
    for row in rows or numeric_rows():
        code += computing(row, sampled(row, count)).code[:-1]
    return Program((*code, ("halt", 0)))


@pytest.mark.parametrize("projection, bypass", list(product(PROJECTIONS, BYPASSES)))
def test_layers(model, projection, bypass):
    run = execute(many(12))
    try:
        check = model.verify(
            run.tokens, path="layers", projection=projection, attention="hull", bypass=bypass
        )
    except UnsupportedError:
        assert projection == "blas"  # a build may lack BLAS, nothing else
        return
    assert check.ok and check.exact


@pytest.mark.parametrize("name", ["i32.div_u", "i32.rem_u", "i32.div_s", "i32.rem_s"])
def test_large_divisors_in_the_layers(model, name):
    """No product of the graph is beyond 2^53: quotients that come out even, and nearly so."""
    rng = random.Random(5)
    top = 1 << (31 if name.endswith("s") else 32)
    operands = []
    while len(operands) < 300:
        divisor = rng.randrange(1 << 24, 1 << 29)
        dividend = divisor * rng.randrange(1, top // divisor + 1) + rng.choice([-1, 0, divisor - 1])
        if dividend < top:
            operands.append((dividend, divisor))
    run = execute(computing(INSTRUCTIONS[name], operands))
    check = model.verify(run.tokens, path="layers")
    assert check.ok and check.exact


def test_layers_that_scan(model):
    run = execute(many(3))
    assert model.verify(run.tokens, path="layers", attention="scan").ok


def test_dense_numpy(model_file):
    run = execute(many(1, KINDS))
    predicted = dense_predict(model_file, run.tokens[:-1])
    assert predicted[run.prompt_length - 1 :] == run.generated.tolist()


@pytest.fixture(scope="module")
def exact_graph():
    return build_machine()


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row.name)
def test_exact_evaluator(exact_graph, row):
    run = execute(computing(row, sampled(row, 1)))
    predicted = predict(exact_graph, run.tokens[:-1])
    assert predicted[run.prompt_length - 1 :] == run.generated.tolist()


def access(row: Instruction, address: int, offset: int) -> list[tuple[str, int]]:
    code = [("i32.const", address)]
    if row.source != isa.CELL:
        code += constant("i64" if row.value_bytes == 8 else "i32", 0x80FF7F0181FE7C03)
        return [*code, (row.name, offset)]
    return [*code, (row.name, offset), ("drop", 0)]


def size_of(row: Instruction) -> int:
    return row.access_bytes or row.value_bytes


@pytest.mark.parametrize("row", ACCESSES, ids=lambda row: row.name)
@pytest.mark.parametrize("pages", [1, 2, 32768, 65535, PAGES])
def test_the_last_bytes_of_the_memory(model, row, pages):
    """An access is inside up to the last byte, and one further on it traps; however the address
    is made of operand and offset, up to beyond 2^32."""
    end = pages * PAGE
    resize = [("i32.const", pages), ("memory.resize", 0)]
    inside: list[tuple[str, int]] = []
    for offset in (0, 1, 7, 255, end - size_of(row)):
        inside += access(row, end - size_of(row) - offset, offset)
    assert same(model, Program((*resize, *inside, ("halt", 0)))).trap is None
    top = (1 << 32) - 1
    beyond = [(end - size_of(row) + 1, 0), (0, end - size_of(row) + 1), (top, top), (top, 0)]
    for address, offset in (*beyond, (end - 1, 1), (0, end)):
        if max(address, offset) > top or pages == PAGES and address + offset + size_of(row) <= end:
            continue
        run = same(model, Program((*resize, *access(row, address, offset), ("halt", 0))))
        assert run.trap is not None and run.trap.kind is Trap.OUT_OF_BOUNDS


def test_no_page_at_all(model):
    for row in ACCESSES:
        resize = [("i32.const", 0), ("memory.resize", 0)]
        assert same(model, Program((*resize, *access(row, 0, 0), ("halt", 0)))).trap


def test_before_a_resize_there_are_all_pages(model):
    for row in ACCESSES:
        last = (1 << 32) - size_of(row)
        same(model, Program((*access(row, last, 0), *access(row, 0, last), ("halt", 0))))
        assert same(model, Program((*access(row, last, 1), ("halt", 0)))).trap


def test_loads_read_what_stores_wrote(model):
    """Every load over every store, at every distance at which they touch, and below."""
    loads = [row for row in ACCESSES if row.source == isa.CELL]
    stores = [row for row in ACCESSES if row.source != isa.CELL]
    for store in stores:
        code: list[tuple[str, int]] = []
        base = 64
        for load in loads:
            for distance in range(-size_of(load), size_of(store) + 1):
                code += access(store, base, 0)
                code += [("i32.const", base + distance), (load.name, 0), ("drop", 0)]
                base += 32
        same(model, Program((*code, ("halt", 0))))


def test_a_narrow_store_takes_the_lowest_bytes_of_eight(model):
    for name in ("i32.store", "i32.store8", "i32.store16"):
        code = constant("i64", 0x1122334455667788)
        code = [("i32.const", 5), *code, (name, 2), ("i32.const", 0), ("i64.load", 4), ("drop", 0)]
        same(model, Program((*code, ("halt", 0))))


@pytest.mark.parametrize("kind", list(Trap))
def test_trap(model, kind):
    run = same(model, text(f"i32.const 65\noutput\ntrap {kind.value}"))
    assert run.trap is not None and run.trap.kind is kind
    same(model, text(f"trap {kind.value}"))


def table(*entries: tuple[int, int]) -> bytes:
    return b"".join(n.to_bytes(4, "little") for entry in entries for n in entry)


FUNCTIONS = (
    (9, 1), (0, 0), (10, 255), (11, 256), (0x01020304, 0x00800000), (0xFFFFFFFF, 0xFFFFFFFF),
    (0, 0), (0x00FF0000, 0xFF000000), (12, 1),
)  # fmt: skip


@pytest.mark.parametrize("first", [0, 8, 8 * 1000])
def test_element(model, first):
    """Every entry by its type and by others; every index that there is not."""
    types = {kind for _, kind in FUNCTIONS} - {0}
    below = first // 8
    for i, (_, found) in enumerate(FUNCTIONS):
        for kind in sorted(types | {found ^ 0x100, found ^ 1, found ^ 1 << 31} - {0}):
            code = f"elements {first}\ni32.const {below + i}\nelement {kind}\ndrop\nhalt"
            run = same(model, text(code, table(*FUNCTIONS)))
            trap = run.trap.kind if run.trap else None
            empty = Trap.TYPE_MISMATCH if found else Trap.UNINITIALIZED_ELEMENT
            assert trap is (None if kind == found else empty)
    end = below + len(FUNCTIONS)
    for index in (end, end + 1, below - 1 & 0xFFFFFFFF, 1 << 29, 1 << 31, 0xFFFFFFFF, 0xFFFFFFFE):
        code = f"elements {first}\ni32.const {index}\nelement 1\nhalt"
        run = same(model, text(code, table(*FUNCTIONS)))
        assert run.trap is not None and run.trap.kind is Trap.UNDEFINED_ELEMENT


def test_element_without_a_table(model):
    for index in (0, 1, 0xFFFFFFFF):
        run = same(model, text(f"i32.const {index}\nelement 1\nhalt"))
        assert run.trap is not None and run.trap.kind is Trap.UNDEFINED_ELEMENT


def test_two_tables_beside_data(model):
    """Entries, data and input lie in stores of their own."""
    rows = "data 8\nelements 0\ndata 0\nelements 32\n"
    data = (b"\1\2\3\4\5\6\7\x08" * 3, table((7, 1)), b"\xff" * 9, table((8, 2), (9, 3)))
    for index, kind in ((0, 1), (4, 2), (5, 3), (1, 1), (3, 1), (6, 3)):
        code = f"i32.const 3\ni64.load\ndrop\ni32.const {index}\nelement {kind}\ndrop\nhalt"
        same(model, text(rows + code, *data))


def test_calls_through_the_table(model):
    """Forwards, backwards and to itself; the top of the stack above what the callee takes."""
    code = """
    elements 0
    i32.const 7
    i32.const 0
    element 1
    call_element 5
    output
    i32.const 65
    i32.const 9
    i32.const 1
    element 1
    call_element 11
    output
    output
    halt
    f: local.set 0
    local.get 0
    i32.const 48
    i32.add
    return @f
    g: local.set 0
    local.get 0
    br_if @more
    i32.const 33
    return @g
    more: local.get 0
    i32.const 1
    i32.sub
    i32.const 1
    element 1
    call_element 30
    return @g
    """
    rows = [name for name, _ in instructions(code)]
    assert [i for i, name in enumerate(rows) if name == "call_element"] == [4, 10, 29]
    run = same(model, text(code, table((14, 1), (19, 1))))
    assert run.output == b"7!A"


@pytest.mark.parametrize("top", [0, 1, 2, 3, 4, 255, 256, 65536, 1 << 31, 0xFFFFFFFF])
@pytest.mark.parametrize("entries", [1, 2, 4])
def test_br_table(model, top, entries):
    jumps = "\n".join(f"br @l{i}" for i in range(entries))
    targets = "\n".join(f"l{i}: i32.const {65 + i}\noutput\nhalt" for i in range(entries))
    # The targets go in both directions.
    code = f"br @begin\n{targets}\nbegin: i32.const 9\ni32.const {top}\nbr_table {entries - 1}\n"
    run = same(model, text(code + jumps))
    assert run.output == bytes([65 + min(top, entries - 1)])


def test_a_wide_index(model):
    """br_table, element and memory.resize take the lowest four bytes of what lies there."""
    same(model, text("i32.const 65536\nmemory.resize\nmemory.size\noutput\nhalt"))
    for number in (0, 1, 2, 255, 256, 65535, 65536):
        code = f"memory.size\ndrop\ni32.const {number}\nmemory.resize\nmemory.size\nmemory.size\n"
        same(model, text(code + "i32.sub\noutput\nmemory.size\noutput\nhalt"))


@pytest.mark.parametrize("status", [0, 1, 127, 128, 255, 256, 0x1234, 0xFFFFFFFF])
def test_exit(model, status):
    run = same(model, text(f"i32.const 65\noutput\ni32.const {status}\nexit"))
    assert run.status == status & 255


def test_output_and_errors(model):
    code: list[tuple[str, int]] = []
    for byte in range(256):
        code += [("i32.const", byte | 0x5A00), ("output_error", 0)]
        code += [*constant("i64", byte | 0x1200), ("output", 0)]
    run = same(model, Program((*code, ("halt", 0))))
    assert run.output == run.errors == bytes(range(256))


@pytest.mark.parametrize("depth", [3, 70, 700])
def test_deep_calls(model, depth):
    """Locals of every depth survive; those of eight bytes take two slots."""
    code = f"""
    i32.const {depth}
    call @f
    halt
    f: local.set 63
    local.get 63
    i64.extend_i32_u
    i64.const 0
    i64.high 0x80000001
    i64.mul
    i64.local.set 1
    local.get 63
    i32.eqz
    br_if @done
    local.get 63
    i32.const 1
    i32.sub
    call @f
    done: i64.local.get 1
    i32.wrap_i64
    local.get 63
    i32.add
    output
    local.get 0
    output
    return @f
    """
    same(model, text(code))


def test_select_tee_and_cells_of_eight_bytes(model):
    numbers = (0, 1, 0xFF, 1 << 31, 1 << 32, (1 << 64) - 1, 0x0102030405060708)
    code: list[tuple[str, int]] = []
    for a, b in product(numbers, numbers):
        for top in (0, 1, 1 << 31, 0x100):
            code += [*constant("i64", a), *constant("i64", b), ("i32.const", top)]
            code += [("i64.select", 0), ("drop", 0)]
        for cell, index in (("local", 1), ("local", 63), ("global", 1), ("global", 255)):
            code += [*constant("i64", a), (f"i64.{cell}.set", index), (f"i64.{cell}.get", index)]
            code += [(f"{cell}.get", index), (f"{cell}.get", index - 1)]
            code += [("drop", 0), ("drop", 0), ("drop", 0)]
        code += [*constant("i64", b), ("i64.local.tee", 2), ("i64.local.get", 2), ("i64.eq", 0)]
        code += [("drop", 0)]
    same(model, Program((*code, ("halt", 0))))


def test_a_memory_that_is_resized_late(model):
    """Beyond position 2^26: what stands between a position and a condition is no large factor."""
    count = 2_700_000  # rounds of 26 tokens
    code = f"i32.const {count}\nlocal.set 0\nlocal.get 0\ni32.const 1\ni32.sub\nlocal.tee 0\n"
    code += "br_if -5\ni32.const 66\nmemory.resize\nmemory.size\noutput\nhalt"
    chunks: list[array[int]] = []

    def seen(tokens: array[int]) -> None:
        chunks[:] = [*chunks[-1:], tokens]

    model.generate(text(code), limit=26 * count + 100, keep=False, on_tokens=seen)
    assert decode(np.concatenate(chunks))[-5:] == [
        "00",
        "00",
        "commit(+1,sts=1,bt=0)",
        "out(B)",
        "halt",
    ]
