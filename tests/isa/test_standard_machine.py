"""The standard machine's instructions: both executors, token by token, and what wasmtime computes.

Every numeric row on all pairs of 40 boundary values; programs of all rows, well typed and not;
data, tables, bounds, exits and errors one by one.
"""

from __future__ import annotations

import random
from array import array

import numpy as np
import pytest

from cases import instructions
from operands import (
    BOUNDARIES,
    computing,
    constant,
    numeric_rows,
    operand_types,
    operands_of,
)
from pyvm.engine.errors import PyvmError
from pyvm.engine.executor import execute
from pyvm.isa import arithmetic
from pyvm.isa import instructions as isa
from pyvm.isa.classes import token_classes
from pyvm.isa.errors import ExecutionError, ProgramError
from pyvm.isa.executor import Executor
from pyvm.isa.instructions import GLOBALS, INSTRUCTIONS, LOCALS
from pyvm.isa.program import Program
from pyvm.isa.prompt import trace_begin
from pyvm.isa.tokens import BASE_VOCABULARY, VOCABULARY, TokenError, decode, encode
from pyvm.isa.traps import Trap
from pyvm.trace.reader import TraceReader
from random_code import random_program

CLASSES = token_classes(VOCABULARY)
TRAPS = {row.name for row in INSTRUCTIONS.values() if row.source in (isa.DIVIDE, isa.REMAIN)}


def program(text: str, data: tuple[bytes, ...] = (), given: bytes | None = None) -> Program:
    return Program(tuple(instructions(text)), given, data=data)


def both(code: Program) -> tuple[Executor, list[str]]:
    """The state of the reference executor, and its tokens, which are the native one's."""
    executor = Executor(code.code, code.given())
    tokens = list(executor.run())
    run = execute(code)
    assert decode(run.generated) == tokens
    assert (run.output, run.errors) == (bytes(executor.output), bytes(executor.errors))
    assert run.status == executor.status
    assert run.cursor == executor.cursor
    assert (run.trap.kind if run.trap else None) == executor.trap
    return executor, tokens


@pytest.mark.parametrize("row", numeric_rows(), ids=lambda row: row.name)
def test_boundary_values(row):
    """Tokens of both executors; the values are arithmetic's, the traps one by one."""
    operands = operands_of(row)
    expected = [arithmetic.fold(row.name, list(numbers)) for numbers in operands]
    assert (None in expected) == (row.name in TRAPS)
    code = computing(row, [n for n, result in zip(operands, expected) if result is not None])
    tokens = encode(Executor(code.code).run())
    run = execute(code)
    assert np.array_equal(run.generated, tokens)
    rows = TraceReader(CLASSES, 0).feed(run.generated)
    computed = rows.value[[code.code[i][0] == row.name for i in rows.cursor]]
    assert computed.tolist() == [result for result in expected if result is not None]
    for numbers, result in zip(operands, expected):
        if result is None:
            state, words = both(computing(row, [numbers]))
            kind = Trap.DIVIDE_BY_ZERO if numbers[1] == 0 else Trap.INTEGER_OVERFLOW
            assert state.trap is kind and words[-2:] == [f"trap({kind.name.lower()})", "halt"]


@pytest.mark.parametrize("row", numeric_rows(), ids=lambda row: row.name)
def test_wasmtime_computes_the_same(row):
    if row.wasm is None:
        pytest.skip("WebAssembly has no such instruction")
    wasmtime = pytest.importorskip("wasmtime")
    kinds, result = operand_types(row), "i64" if row.value_bytes == 8 else "i32"
    params = " ".join(kinds)
    gets = " ".join(f"(local.get {i})" for i in range(row.pops))
    text = f'(module (func (export "f") (param {params}) (result {result}) ({row.name} {gets})))'
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, text), [])
    function = instance.exports(store)["f"]
    bits, result_bits = [8 * size for size in row.operands], 8 * row.value_bytes
    for numbers in operands_of(row):
        try:
            found = function(store, *map(arithmetic.signed, numbers, bits))
        except wasmtime.Trap:
            found = None
        expected = arithmetic.fold(row.name, list(numbers))
        assert expected == (None if found is None else found & (1 << result_bits) - 1), numbers


def test_machine_only_instructions():
    for a in BOUNDARIES["i64"]:
        for b in BOUNDARIES["i64"]:
            lost = a - (a >> b % 64 << b % 64)
            assert arithmetic.fold("i64.sticky", [a, b]) == (lost > 0)
            assert arithmetic.fold("i64.mul_high_u", [a, b]) == a * b // 2**64
        for b in BOUNDARIES["i32"][1:]:
            for kind in "us":
                quotient, remainder = (
                    arithmetic.fold(f"i64.{name}_word_{kind}", [a, b]) for name in ("div", "rem")
                )
                dividend = arithmetic.signed(a, 64) if kind == "s" else a
                assert quotient is not None and remainder is not None
                assert (quotient * b + remainder - dividend) % 2**64 == 0
                size = abs(arithmetic.signed(remainder, 64))
                assert size < b and (size == 0 or (dividend < 0) == (remainder >> 63 == 1))


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_random_programs(first):
    for seed in range(first, first + 50):
        code = random_program(seed)
        _, words = both(code)
        run = execute(code)
        read = TraceReader(CLASSES, 0)
        rows = read.feed(run.tokens[trace_begin(run.tokens, CLASSES) :])
        assert read.cursor == run.cursor
        assert rows.length.sum() == len(words) + sum(len(octets) + 1 for octets in code.given())


def untyped_program(seed: int) -> Program:
    """Rows in any order: operands of the wrong width, errors after some tokens."""
    rng = random.Random(seed)
    names = [name for name, row in INSTRUCTIONS.items() if row.executed and row.pops <= 2]
    code: list[tuple[str, int]] = []
    for _ in range(12):
        code += constant(rng.choice(["i32", "i64"]), rng.getrandbits(rng.choice([3, 17, 64])))
    for _ in range(30):
        name = rng.choice(names)
        row = INSTRUCTIONS[name]
        if row.immediate == isa.KIND:
            code.append((name, rng.choice(list(Trap))))
        elif row.immediate in (isa.LOCAL, isa.GLOBAL):
            limit = LOCALS if row.immediate == isa.LOCAL else GLOBALS
            code.append((name, rng.choice([1, 2, 3, limit - 1])))
        elif name == "i64.const":
            code += constant("i64", rng.getrandbits(64))
        elif name not in ("i64.high", "halt", "exit") or rng.random() < 0.1:
            code.append((name, rng.choice([0, 1, 2, 0xFFFFFFFF, rng.getrandbits(32)])))
    return Program((*code, ("halt", 0)))


def test_untyped_programs():
    ended = set()
    for seed in range(600):
        code = untyped_program(seed)
        executor, words, failed = Executor(code.code), [], False
        try:
            for word in executor.run():
                words.append(word)
                if len(words) == 2000:
                    break
        except ExecutionError:
            failed = True
        chunks: list[array[int]] = []
        try:
            execute(code, 2000, on_tokens=chunks.append)
            assert not failed
        except PyvmError:
            assert failed
        found = decode(np.concatenate(chunks)) if chunks else []
        assert found == words
        ended.add("error" if failed else words[-2] if words[-1] == "halt" else "limit")
    assert {"error", "trap(out_of_bounds)"} <= ended


def test_data_lies_where_its_row_says():
    code = """
    data 5
    input_base 9
    data 7
    i32.const 0
    i64.load 5
    drop
    i32.const 9
    i32.load8_u
    halt
    """
    _, words = both(program(code, (b"abcd", b"yz"), b"IN"))
    assert words[5:14] == "61 62 79 7a 49 4e 00 00 commit(+0,sts=2,bt=0)".split()


TABLE = b"".join(n.to_bytes(4, "little") for n in (9, 3, 0, 0, 9, 4))


@pytest.mark.parametrize(
    "index, outcome",
    [
        (10, "trap(undefined_element)"),
        (11, "09 00 00 00 commit(+0,sts=1,bt=0)"),
        (12, "trap(uninitialized_element)"),
        (13, "trap(type_mismatch)"),
        (14, "trap(undefined_element)"),
        (0xFFFFFFFF, "trap(undefined_element)"),
        (0x20000000, "trap(undefined_element)"),
        (0x40000000, "trap(undefined_element)"),
    ],
)
def test_elements(index, outcome):
    code = f"""
    elements {8 * 11}
    i32.const 65
    i32.const {index}
    element 3
    call_element 5
    i32.const 7
    exit
    halt
    halt
    local.set 5
    return -2
    """
    state, words = both(program(code, (TABLE,)))
    assert " ".join(words[10:]).startswith(outcome)
    if not outcome.startswith("trap"):
        assert state.status == 7
        assert (
            words[15:]
            == (
                "branch_taken 04 00 00 00 call_commit(-1) 41 00 00 00 commit(-1,sts=0,bt=0) "
                "branch_taken fa ff ff ff return_commit 07 00 00 00 commit(+1,sts=1,bt=0) 07 "
                "halt"
            ).split()
        )


@pytest.mark.parametrize("pages", [0, 1, 2, 65536])
@pytest.mark.parametrize(
    "row", [r for r in INSTRUCTIONS.values() if r.cell == isa.ADDRESS and r.access_bytes],
    ids=lambda row: row.name,
)  # fmt: skip
def test_bounds(row, pages):
    end = pages * 65536
    value = "i64.const 5\ni64.high 6\n" if row.operation == "store" and row.value_bytes == 8 else ""
    value = value or ("i32.const 5\n" if row.pops == 2 else "")
    for last, traps in ((end, False), (end + 1, True), (end + 2**31, True)):
        address = last - row.access_bytes
        for base in (0, address // 3, address):
            if address < 0 or base > 0xFFFFFFFF or address - base > 0xFFFFFFFF:
                continue
            state, words = both(
                program(f"""
                i32.const {pages}
                memory.resize
                i32.const {base}
                {value}{row.name} {address - base}
                memory.size
                halt
                """)
            )
            assert state.trap is (Trap.OUT_OF_BOUNDS if traps else None)
            assert state.pages == pages


def test_a_memory_of_its_own_size():
    _, words = both(program("memory.size\ni32.const 3\nmemory.resize\nmemory.size\nhalt"))
    assert words[:5] == "00 00 01 00 commit(+1,sts=1,bt=0)".split()
    assert words[10:20] == "03 00 00 00 resize 03 00 00 00 commit(+1,sts=1,bt=0)".split()


@pytest.mark.parametrize("top, target", [(0, 5), (1, 6), (2, 7), (3, 7), (0xFFFFFFFF, 7)])
def test_br_table(top, target):
    code = f"""
    i32.const {top}
    br_table 2
    br @a
    br @b
    br @c
    a: halt
    b: halt
    c: halt
    """
    assert both(program(code))[0].cursor == target


def test_streams_and_status():
    code = "i32.const 65\noutput\ni32.const 0x142\noutput_error\ni32.const 0x1ff\nexit"
    state, words = both(program(code))
    assert words[5] == "out(A)" and words[11] == "err(B)" and words[-2:] == ["ff", "halt"]
    assert (bytes(state.errors), state.status, state.trap) == (b"B", 255, None)


@pytest.mark.parametrize("kind", Trap)
def test_traps(kind):
    state, words = both(program(f"trap {kind.value}\nhalt"))
    assert (state.trap, state.cursor) == (kind, 0)
    assert words == [f"trap({kind.name.lower()})", "halt"]


def test_no_such_trap():
    with pytest.raises(ProgramError, match="instruction 0: 77 is no kind of trap"):
        program("trap 77\nhalt")
    code = encode("{ trap 4d 00 00 00 }".split())
    with pytest.raises(PyvmError, match="there is no trap of this kind"):
        execute(code)


def test_the_base_machine_checks_no_address():
    code = program("i32.const 0xfffffffe\ni32.load 7\nhalt")
    assert both(code)[0].trap is Trap.OUT_OF_BOUNDS
    run = execute(code, vocabulary=BASE_VOCABULARY)
    words = list(Executor(code.code, checked=False).run())
    assert decode(run.generated, BASE_VOCABULARY) == words and words[-1] == "halt" and run.ok


# What a row needs that this vocabulary lacks, and the base machine's has not.
LACKING = ("q255", "trap(", "err(", "call_commit(", "sts=2")
POOR = BASE_VOCABULARY + tuple(
    token
    for token in VOCABULARY[len(BASE_VOCABULARY) :]
    if token != "resize" and not any(part in token for part in LACKING)
)
MORE = [row for row in INSTRUCTIONS.values() if not row.base and row.executed]


@pytest.mark.parametrize("row", MORE, ids=lambda row: row.name)
def test_a_missing_token_is_named(row):
    """Only a program that needs a token which the vocabulary lacks is refused."""
    needs = row.scratch or row.source in (isa.ELEMENT, isa.SIZE) or row.cell == isa.ADDRESS
    needs = needs or row.pushed_bytes == 8 or row.name == "call_element"
    needs = needs or row.completion in (isa.TRAP, isa.ERROR, isa.RESIZE)
    high = "\ni64.high 0" if row.completion == isa.SKIP else ""
    tokens = program(f"{row.name} 1{high}\nhalt")
    message = "needs the token '.*', which the vocabulary lacks" if needs else "operand"
    with pytest.raises(PyvmError, match=message):
        execute(tokens, vocabulary=POOR)


def test_a_missing_opcode_is_named():
    with pytest.raises(TokenError, match="no token 'i32.mul', which the program needs"):
        execute(program("i32.mul\nhalt"), vocabulary=BASE_VOCABULARY)


@pytest.mark.parametrize(
    "text, message",
    [
        ("i64.local.get 0", "index of at least 1"),
        ("i64.global.set 0", "index of at least 1"),
        ("i64.const 5", "i64.high is missing"),
        ("i64.high 5", "follows i64.const"),
        ("i64.const 5\nhalt", "follows i64.const"),
        ("halt\ndata 5", "only stand before all others"),
        ("input_base 5\ninput_base 5\nhalt", "there is one already"),
    ],
)
def test_refused(text, message):
    words = ["{"]
    for name, imm in instructions(text):
        words += [name, *(f"{byte:02x}" for byte in imm.to_bytes(4, "little"))]
    with pytest.raises(PyvmError, match=message):
        execute(encode([*words, "}"]))
