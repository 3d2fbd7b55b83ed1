"""The decoder and validator: damaged modules end in our own error, whatever is damaged; refusals
name the place.
"""

# ruff: noqa: E501  (modules as text)

import random

import pytest

from compiler.oracle import HEAD, has_older_exceptions, wasmtime, wat
from pyvm.bundled import PROGRAMS
from pyvm.compiler.compile import from_wasm
from pyvm.isa.errors import ProgramError, Unsupported, WasmError
from pyvm.wasm.decode import decode
from pyvm.wasm.missing import needs_more
from pyvm.wasm.validate import validate

SMALL = wat(
    f"""(module {HEAD} (table 2 funcref) (elem (i32.const 0) $word $long) (global $g (mut i64) (i64.const 5))
    (data (i32.const 3) "abc") (start $s) (func $s) (func (export "compute") (local i32 i64)
      (block (loop (br_table 0 1 (local.get 0)))) (call_indirect (param i32) (i32.const 3)
      (i32.const 0))
      (local.set 1 (i64.mul (global.get $g) (i64.const 3)))))"""
)


def _try(data: bytes) -> bool:
    """Whether the module compiles; any other exception than ours is a failure of the test."""
    try:
        from_wasm(data)
        return True
    except ProgramError as error:
        assert str(error)
        return False


def test_the_undamaged_module_compiles():
    assert _try(SMALL)


def test_truncated_at_every_byte():
    engine = wasmtime.Engine()
    accepted = 0
    for end in range(len(SMALL)):
        if _try(SMALL[:end]):  # it may end where a section ends, behind the code
            wasmtime.Module.validate(engine, SMALL[:end])
            accepted += 1
    assert accepted <= 2


def test_every_byte_changed():
    for i in range(len(SMALL)):
        for value in (0, 0x40, 0xFF, SMALL[i] ^ 1):
            _try(SMALL[:i] + bytes([value]) + SMALL[i + 1 :])


@pytest.mark.parametrize("name", ["hello", "addition"])
def test_validity_agrees_with_wasmtime_on_damaged_programs(name):
    """We never accept what wasmtime refuses; tools/fuzz_wasm.py looks at the other direction too."""
    data = PROGRAMS[name].wasm()
    generator = random.Random(name)
    engine = wasmtime.Engine()
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(generator.randrange(1, 3)):
            damaged[generator.randrange(8, len(data))] ^= 1 << generator.randrange(8)
        try:
            found = decode(bytes(damaged))
            validate(found)
        except ProgramError:
            continue
        if not has_older_exceptions(found) and not needs_more(found):
            wasmtime.Module.validate(engine, bytes(damaged))


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "not a WebAssembly file"),
        (b"\0asm\2\0\0\0", "unknown version"),
        (b"\0asm\1\0\0\0\x0f\0", "unknown section 15"),
        (b"\0asm\1\0\0\0\1\1\0\1\1\0", "out of order"),
        (b"\0asm\1\0\0\0\1\x7f", "unexpected end"),
    ],
)
def test_messages(data, message):
    with pytest.raises(WasmError, match=message):
        decode(data)


@pytest.mark.parametrize(
    "body, message",
    [
        ("(call $other (i32.const 1))", r"call in compute at offset 0x.* env.other"),
        (
            "(drop (v128.const i64x2 0 0))",
            r"instruction 0xfd 0x0c at offset 0x[0-9a-f]+ in function 1 needs SIMD",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(body, message):
    data = wat(
        f"""(module (import "env" "other" (func $other (param i32))) (memory 1)
        (table 1 funcref) (elem (i32.const 0) $other) (data "")
        (func (export "compute") {body}))"""
    )
    with pytest.raises(Unsupported, match=message):
        from_wasm(data)


@pytest.mark.parametrize(
    "imports, message",
    [
        (
            '(import "env" "output_byte" (func (param i32) (result i32)))',
            r"type \(i32\) -> \(i32\)",
        ),
        ('(import "env" "output_byte" (func (param i64)))', r"type \(i64\) -> \(\)"),
        ('(import "env" "g" (global i32))', "import of the global env.g at offset 0x"),
        ('(import "env" "t" (table 1 funcref))', "import of the table env.t at offset 0x"),
    ],
)
def test_imports_that_are_not_there_are_refused(imports, message):
    with pytest.raises(Unsupported, match=message):
        from_wasm(wat(f'(module {imports} (func (export "compute")))'))


def test_missing_entry_lists_the_exports():
    with pytest.raises(ProgramError, match="exports no function 'compute'; it exports run"):
        from_wasm(wat('(module (func (export "run")))'))


def test_functions_that_are_never_called_may_use_anything():
    from_wasm(wat('(module (func (drop (f64.const 1))) (func (export "compute")))'))
