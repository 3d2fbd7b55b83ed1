"""What happens before the first function runs: the memory's size, the input's place, segments that
do not fit; against wasmtime where it has an opinion.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import HEAD, run_ours, run_program, same, wasmtime, wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.isa.traps import Trap


def with_heap(heap: int, memory: str, body: str, data: str = "") -> bytes:
    return wat(
        f"""(module (import "env" "output_byte" (func $out (param i32))) (memory (export "memory") {memory})
        (global (export "__heap_base") i32 (i32.const {heap})) {data}
        (func $word (param i32) (call $out (local.get 0)) (call $out (i32.shr_u (local.get 0) (i32.const 8))))
        (func (export "compute") (param i32) {body}))"""
    )


@pytest.mark.parametrize("memory", ["0", "0 0", "1", "1 1", "1 2", "2", "1 3000", "2000"])
@pytest.mark.parametrize("heap", [0, 65535, 65536, 131071, 131072, -1])
@pytest.mark.parametrize("text", [None, b""])
def test_without_input_the_memory_is_as_declared(heap, memory, text):
    pages = int(memory.split()[0])
    body = "(call $word (memory.size)) (call $word (i32.eq (local.get 0) (global.get 0)))"
    assert run_ours(with_heap(heap, memory, body), text).output == bytes(
        [pages & 255, pages >> 8, 1, 0]
    )


@pytest.mark.parametrize("grow, result", [(0, 1), (1, 1), (2, 0xFFFF)])
def test_without_input_the_memory_grows_from_what_is_declared(grow, result):
    body = f"(call $word (memory.grow (i32.const {grow}))) (call $word (memory.size))"
    pages = 1 + (grow if result == 1 else 0)
    output = run_ours(with_heap(65536, "1 2", body)).output
    assert output == bytes([result & 255, result >> 8, pages, 0])


@pytest.mark.parametrize("heap, text, pages", [(65530, "abcde", 1), (65530, "abcdef", 2), (65536, "a", 2),
                                               (65536, "a" * 65535, 2), (65536, "a" * 65536, 3), (0, "a", 1)])  # fmt: skip
def test_an_input_has_room(heap, text, pages):
    last = f"(i32.add (local.get 0) (i32.const {len(text)}))"
    body = f"""(call $word (memory.size)) (call $out (i32.load8_u (local.get 0))) (call $out (i32.load8_u {last}))"""
    assert run_ours(with_heap(heap, "1", body), text.encode()).output == bytes([pages, 0, 97, 0])


@pytest.mark.parametrize("memory", ["1 1", "0 0", "0 1"])
def test_an_input_without_room_is_refused(memory):
    with pytest.raises(ProgramError, match="an input of 1 bytes does not fit"):
        from_wasm(with_heap(65536, memory, ""), "a")


@pytest.mark.parametrize("text", ["a", "abcd"])
def test_an_input_never_lies_on_data(text):
    data = '(data (i32.const 18) "x")'
    module = with_heap(16, "1", "(call $out (i32.load8_u (i32.const 18)))", data)
    if len(text) == 1:
        assert run_ours(module, text.encode()).output == b"x"
    else:
        with pytest.raises(ProgramError, match="room for 1"):
            from_wasm(module, text)


def test_another_input_has_to_fit_too():
    program = from_wasm(with_heap(65530, "1 1", "(call $out (i32.load8_u (local.get 0)))"))
    assert run_program(program).output == b"\0"
    assert run_program(program.with_input("abcde")).output == b"a"
    with pytest.raises(ProgramError, match=r"room for 5\): compile it with this input"):
        program.with_input("abcdef")


def test_the_empty_input_beyond_the_memory_stays_empty():
    """In the base machine, which checks no address, the byte at the input's address is zero."""
    scratch = "(i32.store (i32.const 0) (i32.const -1)) (drop (i32.rotl (i32.load (i32.const 0)) (i32.load (i32.const 4))))"
    body = f"""(local i32) (local.set 1 (i32.const 9))
      (i32.store (i32.const 0) (i32.xor (i32.load (i32.const 0)) (i32.load (i32.const 4)))) {scratch}
      (i32.store8 (i32.const 8) (i32.extend8_s (i32.load (i32.const 0))))
      (call $out (i32.load8_u (local.get 0)))"""
    data = '(data (i32.const 0) "\\ff\\ff\\ff\\ff\\ee\\ee\\ee\\ee")'
    assert run_ours(with_heap(65536, "1", body, data), machine="base").output == b"\0"


SEGMENTS = [
    ('(memory 1) (data (i32.const 65533) "abc")', None),
    ('(memory 1) (data (i32.const 65534) "abc")', Trap.DATA_SEGMENT),
    ('(memory 1) (data (i32.const 65536) "")', None),
    ('(memory 1) (data (i32.const 65537) "")', Trap.DATA_SEGMENT),
    ('(memory 0) (data (i32.const 0) "a")', Trap.DATA_SEGMENT),
    ('(memory 1) (data (i32.const -1) "a")', Trap.DATA_SEGMENT),
    ('(memory 1) (data (i32.const 0) "ok") (data (i32.const -1) "ab") (start $never)', Trap.DATA_SEGMENT),
    ('(memory 1) (data "passive")', None),
    ("(table 2 funcref) (elem (i32.const 1) $f)", None),
    ("(table 2 funcref) (elem (i32.const 2) $f)", Trap.ELEMENT_SEGMENT),
    ("(table 2 funcref) (elem (i32.const 3))", Trap.ELEMENT_SEGMENT),
    ("(table 2 funcref) (elem (i32.const 2))", None),
    ("(table 0 funcref) (elem (i32.const -1) $f)", Trap.ELEMENT_SEGMENT),
    ('(memory 0) (data (i32.const 9) "a") (table 0 funcref) (elem (i32.const 0) $f)', Trap.ELEMENT_SEGMENT),
]  # fmt: skip


@pytest.mark.parametrize("segments, kind", SEGMENTS)
def test_a_segment_that_does_not_fit_traps_before_anything_runs(segments, kind):
    data = wat(
        f"""(module (import "env" "output_byte" (func $out (param i32)))
        {segments} (func $f) (func $never (call $out (i32.const 65)))
        (func (export "compute") (call $out (i32.const 66))))"""
    )
    store = wasmtime.Store(wasmtime.Engine())
    output = bytearray()
    out = wasmtime.Func(
        store, wasmtime.FuncType([wasmtime.ValType.i32()], []), lambda byte: output.append(byte)
    )
    try:
        instance = wasmtime.Instance(store, wasmtime.Module(store.engine, data), [out])
        instance.exports(store)["compute"](store)
        trapped = None
    except wasmtime.Trap as trap:
        trapped = str(trap)
    program = from_wasm(data)
    result = run_program(program)
    assert (result.trap, result.output) == (kind, bytes(output))
    assert (trapped is None) == (kind is None)
    if kind is not None:
        text = str(execute(program).trap)
        assert text == str(execute(from_wasm(data, machine="base")).trap)
        assert kind.description in text and "at offset 0x" in text
        assert kind.description.partition(" of ")[0].replace("-", " ") in trapped


def test_what_comes_after_such_a_segment_may_use_anything():
    data = wat(
        """(module (import "env" "other" (func $other)) (memory 0) (data (i32.const 0) "a")
        (func (export "compute") (call $other)))"""
    )
    assert run_ours(data).trap is Trap.DATA_SEGMENT


@pytest.mark.parametrize("pages", [65536, 65535, 65400, 60000])
@pytest.mark.parametrize("grow", [0, 1])
def test_a_memory_as_large_as_the_address_space(pages, grow):
    head = HEAD.replace('(memory (export "memory") 1)', f'(memory (export "memory") {pages})')
    body = """(call $word (memory.size)) (call $word (i32.load (i32.const -16777216)))
      (i32.store (i32.const -16777216) (i32.const 77)) (call $word (i32.load (i32.const -16777216)))"""
    if pages * 65536 <= (1 << 32) - 16777216:
        body = body.replace("-16777216", "-1073741824")
    if grow:
        body += "(call $word (memory.grow (i32.const 0))) (call $word (memory.size))"
    same(wat(f'(module {head} (func (export "compute") {body}))'))


def test_the_last_addresses_are_there():
    head = HEAD.replace('(memory (export "memory") 1)', '(memory (export "memory") 65536)')
    same(wat(
        f"""(module {head} (data (i32.const -8) "ab") (func (export "compute")
        (i32.store (i32.const -4) (i32.const 5)) (call $word (i32.load (i32.const -4)))
        (call $word (i32.load (i32.const -8))) (call $word (i32.load (i32.const -3)))))"""
    ))  # fmt: skip


def test_a_whole_memory_leaves_the_base_machine_no_room():
    with pytest.raises(Unsupported, match="base machine has no room for its own data"):
        from_wasm(wat('(module (memory 65536) (func (export "compute")))'), machine="base")


def test_long_runs_of_zeros_are_not_written():
    data = wat(
        r"""(module (import "env" "output_byte" (func $o (param i32))) (memory 1)
        (data (i32.const 8) "a\00\00b\00\00\00\00\00\00\00\00c\00") (data (i32.const 60) "\00\00")
        (func (export "compute") (call $o (i32.load8_u (i32.const 20)))))"""
    )
    program = from_wasm(data)
    assert program.code[:2] == (("data", 8), ("data", 20)) and program.data == (b"a\0\0b", b"c")
    assert run_program(program).output == b"c"


def test_an_imported_memory_is_one_of_its_own():
    data = wat(
        """(module (import "env" "memory" (memory 1 2)) (import "env" "output_byte" (func $o (param i32)))
        (data (i32.const 8) "hi") (func (export "compute") (call $o (i32.load8_u (i32.const 8)))
        (call $o (memory.grow (i32.const 1))) (call $o (memory.grow (i32.const 1)))
        (call $o (memory.size)) (drop (i32.load (i32.const 131072)))))"""
    )
    result = run_ours(data)
    assert (result.output, result.trap) == (b"h\1\xff\2", Trap.OUT_OF_BOUNDS)
