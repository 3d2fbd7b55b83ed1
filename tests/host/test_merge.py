"""A module and the host become one: memory and its bounds, what is missing, what is refused."""

from __future__ import annotations

import re
import struct

import pytest

from compiler.oracle import wat
from host.commands import Ended, in_transformer, in_wasmtime
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.host.environment import Environment, with_environment
from pyvm.host.module import host_module
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.wasm.decode import decode
from pyvm.wasm.merge import merged

WRITE = (
    '(import "wasi_snapshot_preview1" "fd_write" '
    "(func $write (param i32 i32 i32 i32) (result i32)))"
)
EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
RANDOM = (
    '(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))'
)
ARGS = (
    '(import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))'
)
MEMORY = '(memory (export "memory") 1 4)'
# Twelve bytes: where "hello" is, how long it is, and the text.
HELLO = r'(data (i32.const 8) "\10\00\00\00\05\00\00\00hello")'


def command(body: str, *parts: str) -> bytes:
    return wat(f'(module {" ".join(parts)} (func (export "_start") {body}))')


def same(model, data: bytes, folder) -> Ended:
    ours = in_transformer(model, from_wasm(data), Environment())
    assert ours == in_wasmtime(data, Environment(), folder)
    return ours


def written(list: int, count: int, result: int = 0) -> str:
    return (
        f"(drop (call $write (i32.const 1) (i32.const {list}) (i32.const {count}) "
        f"(i32.const {result})))"
    )


@pytest.mark.parametrize(
    ("body", "trap"),
    [
        (written(8, 1), False),
        (written(8, 1, 0x10000), True),  # where to write how many were written
        (written(8, 1, 0xFFFC), False),
        (written(0x10000, 1), True),  # the list
        (written(0xFFFFFFF8, 1), True),
        ("(i32.store (i32.const 12) (i32.const 0xFFF1))" + written(8, 1), True),  # the text
        ("(i32.store (i32.const 8) (i32.const -4))" + written(8, 1), True),
        ("(i32.store (i32.const 8) (i32.const 0xFFFB))" + written(8, 1), False),
        ("(drop (call $random (i32.const 0xFFF0) (i32.const 16)))", False),
        ("(drop (call $random (i32.const 0xFFF0) (i32.const 17)))", True),
        ("(drop (call $random (i32.const 0xFFF0) (i32.const -1)))", True),
        ("(drop (call $args (i32.const 0) (i32.const 0x10000)))", True),
        ("(drop (call $args (i32.const 0) (i32.const 4)))", False),
    ],
)
def test_the_host_traps_where_the_memory_ends(model, tmp_path, body: str, trap: bool) -> None:
    data = command(body, WRITE, RANDOM, ARGS, MEMORY, HELLO)
    assert (same(model, data, tmp_path).status is None) == trap


@pytest.mark.parametrize("after", ["i32.load (i32.const 0xFFFD)", "i32.load8_u (i32.const -1)"])
def test_the_program_traps_there_after_the_host(model, tmp_path, after: str) -> None:
    data = command(written(8, 1) + f"(drop ({after}))", WRITE, MEMORY, HELLO)
    ended = same(model, data, tmp_path)
    assert ended == Ended(b"hello", b"", None)


def test_the_heap_grows_as_elsewhere(model, tmp_path) -> None:
    """The host's own data is nowhere in the addresses that the program can come to own."""
    body = """
        (drop (call $args (i32.const 0) (i32.const 4)))
        (i32.store8 (i32.const 16) (i32.add (i32.const 48) (memory.grow (i32.const 2))))
        (i32.store8 (i32.const 17) (i32.add (i32.const 48) (memory.grow (i32.const 2))))
        (i32.store8 (i32.const 18) (i32.add (i32.const 48) (memory.grow (i32.const 1))))
        (i32.store8 (i32.const 19) (i32.add (i32.const 48) (memory.size)))
        (i32.store8 (i32.const 20) (i32.add (i32.const 48) (i32.load (i32.const 0x3FFFC))))
    """
    data = command(body + written(8, 1), ARGS, WRITE, MEMORY, HELLO)
    assert same(model, data, tmp_path).output == b"1/340"


def test_an_imported_memory_is_as_declared(model) -> None:
    body = written(8, 1) + "(call $exit (i32.add (memory.size) (memory.grow (i32.const 4))))"
    data = command(body, WRITE, EXIT, '(import "some" "memory" (memory 2 6))', HELLO)
    assert in_transformer(model, from_wasm(data), Environment()) == Ended(b"hello", b"", 4)


def test_a_module_without_memory(model) -> None:
    data = command("(drop (call $args (i32.const 0) (i32.const 4)))", ARGS)
    assert in_transformer(model, from_wasm(data), Environment()).status is None


def test_a_table_may_lead_to_the_host(model, tmp_path) -> None:
    body = "(call_indirect (param i32) (i32.const 9) (i32.const 0)) (unreachable)"
    data = command(body, EXIT, MEMORY, "(table funcref (elem $exit))")
    assert same(model, data, tmp_path).status == 9


def test_the_start_function_runs_first(model, tmp_path) -> None:
    start = f"(func $first {written(8, 1)}) (start $first)"
    data = command("(call $exit (i32.const 4))", WRITE, EXIT, MEMORY, HELLO, start)
    assert same(model, data, tmp_path) == Ended(b"hello", b"", 4)


def test_a_library_is_initialised_before_its_function_is_called() -> None:
    data = wat("""(module (global $g (mut i32) (i32.const 1))
        (func (export "_initialize") (global.set $g (i32.const 5)))
        (func (export "f") (result i32) (global.get $g)))""")
    assert execute(from_wasm(data, entry="f", print_results=True)).output == b"5\n"
    assert execute(from_wasm(data, entry="_initialize", print_results=True)).output == b""


def test_only_what_is_reached_is_there() -> None:
    module = decode(command("(call $exit (i32.const 4))", EXIT))
    result = merged(module, host_module())
    assert [str(item) for item in result.imports] == ["pyvm.exit"]
    assert len(result.functions) == 2
    alone = decode(wat('(module (import "env" "output_byte" (func (param i32))))'))
    assert merged(alone, host_module()) is alone


def test_other_entries_have_surroundings_that_nobody_chose() -> None:
    """A function that is no command may call the host, too."""
    data = wat(f"""(module {RANDOM} {ARGS} {MEMORY}
        (func (export "chance") (result i64)
          (drop (call $random (i32.const 0) (i32.const 8))) (i64.load (i32.const 0)))
        (func (export "count") (result i32)
          (drop (call $args (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))))""")
    chance = execute(from_wasm(data, entry="chance", print_results=True))
    assert int(chance.output) != 0
    assert execute(from_wasm(data, entry="count", print_results=True)).output == b"1\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            '(import "wasi_snapshot_preview1" "sock_open" (func $f))',
            r"call in _start at offset 0x\w+ of the import wasi_snapshot_preview1.sock_open",
        ),
        (
            '(import "wasi_snapshot_preview1" "sched_yield" (func $f))',
            r"wasi_snapshot_preview1.sched_yield at offset 0x\w+ with the type \(\) -> \(\)",
        ),
        ('(import "pyvm" "area" (func $f (result i32)))', "pyvm.area"),
        ('(import "env" "f" (func $f)) (import "env" "g" (global i32))', "global env.g at offset"),
    ],
)
def test_what_is_not_there_is_named(given: str, message: str) -> None:
    body = "(drop (call $f))" if "result" in given else "(call $f)"
    with pytest.raises(Unsupported, match=message):
        from_wasm(command(body, given))


def test_what_nobody_calls_may_be_missing(model) -> None:
    data = command("(call $exit (i32.const 3))", EXIT, '(import "env" "nobody" (func))')
    assert in_transformer(model, from_wasm(data), Environment()).status == 3


def test_a_command_computes_with_floats(model) -> None:
    body = f"""(f64.store (i32.const 40) (f64.add (f64.const 0.1) (f64.const 0.2))) {written(8, 1)}
        (call $exit (i32.trunc_f32_u (f32.sqrt (f32.const 50))))"""
    list = r'(data (i32.const 8) "\28\00\00\00\08\00\00\00")'
    program = from_wasm(command(body, WRITE, EXIT, MEMORY, list))
    expected = struct.pack("<d", 0.1 + 0.2)
    assert in_transformer(model, program, Environment()) == Ended(expected, b"", 7)


def test_the_base_machine_has_no_host() -> None:
    with pytest.raises(Unsupported, match="proc_exit.*the base machine has only env.output_byte"):
        from_wasm(command("(call $exit (i32.const 4))", EXIT), machine="base")


def test_too_much_is_refused() -> None:
    data = command("(drop (call $args (i32.const 0) (i32.const 4)))", ARGS, MEMORY)
    much = Environment(stdin=bytes(1 << 28))
    with pytest.raises(ProgramError, match="there is room for 268,431,"):
        from_wasm(data, environment=much)
    with pytest.raises(ProgramError, match="there is room for 268,431,"):
        with_environment(from_wasm(data), much)
    large = command(
        "(drop (memory.grow (call $args (i32.const 0) (i32.const 4))))", ARGS, "(memory 65536)"
    )
    with pytest.raises(Unsupported, match="no room for its own data"):
        from_wasm(large)


# A text of AssemblyScript: UTF-16, its length in bytes before it.
TEXTS = r"""(memory (export "memory") 1)
    (data (i32.const 60) "\10\00\00\00n\00\fc\00\ac\20\3d\d8\00\de!\00\3d\d8x\00")
    (data (i32.const 100) "\04\00\00\00a\00b\00")"""


@pytest.mark.parametrize(
    ("message", "file", "text"),
    [(64, 104, "abort: nü€😀!\ufffdx in ab(120:7)\n"), (0, 0, "abort:  in (120:7)\n")],
)
def test_abort_of_assemblyscript(message: int, file: int, text: str) -> None:
    data = wat(f"""(module
        (import "env" "abort" (func $abort (param i32 i32 i32 i32))) {TEXTS}
        (func (export "compute")
          (call $abort (i32.const {message}) (i32.const {file}) (i32.const 120) (i32.const 7))))""")
    run = execute(from_wasm(data))
    assert run.errors.decode("utf-8", "surrogatepass").replace("\ud83d", "\ufffd") == text
    said = "trap: unreachable executed in env.abort, called by compute at offset"
    assert str(run.trap).startswith(said)


def test_names_of_what_is_not_there_are_left_out() -> None:
    """A section of names is a courtesy, whatever it holds: here the name of a second function."""
    data = command("(call $exit (i32.const 4))", EXIT, '(import "some" "memory" (memory 1))')
    names = b"\x04name\x01\x04\x01\x02\x01x"
    data = data.partition(b"\x04name")[0][:-2] + b"\0" + bytes([len(names)]) + names
    assert "x" not in merged(decode(data), host_module()).names.values()


PRINTS = """(module (import "spectest" "print_i64" (func $long (param i64)))
  (import "spectest" "print_f32" (func $float (param f32)))
  (import "spectest" "print_i32_f32" (func $both (param i32 f32)))
  (import "spectest" "print" (func $none))
  (func (export "compute")
    (call $long (i64.const -9223372036854775808)) (call $float (f32.const 1.5))
    (call $both (i32.const 10) (f32.const -0)) (call $none)))"""


def test_spectest_prints():
    printed = execute(from_wasm(wat(PRINTS))).output.decode()
    assert printed == "-9223372036854775808\n0x3fc00000\n10 0x80000000\n\n"


@pytest.mark.parametrize(
    "what, said",
    [
        ('"spectest" "table" (table 11 funcref)', "type 11.. funcref: its type is 10..20 funcref"),
        ('"spectest" "table" (table 10 19 funcref)', "with the type 10..19 funcref: its type is"),
        ('"spectest" "table" (table 10 externref)', "with the type 10.. externref: its type is"),
        ('"spectest" "memory" (memory 1 1)', "with the type 1..1: its type is 1..2"),
        ('"spectest" "global_i32" (global i64)', "with the type i64: its type is i32"),
        ('"spectest" "global_i32" (global (mut i32))', "with the type mut i32: its type is i32"),
        ('"spectest" "print_i32" (func (param i64))', "type (i64) -> (): its type is (i32) -> ()"),
        ('"spectest" "nothing" (global i32)', "import of the global spectest.nothing at offset"),
        ('"other" "table" (table 1 funcref)', "import of the table other.table at offset"),
    ],
)  # fmt: skip
def test_what_is_imported_has_the_type_that_is_provided(what, said):
    with pytest.raises(Unsupported, match=re.escape(said)):
        from_wasm(wat(f'(module (import {what}) (func (export "compute")))'))
