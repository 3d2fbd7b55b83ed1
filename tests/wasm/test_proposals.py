"""Modules that use what pyvm does not have are called by the name of the proposal, not invalid."""

# ruff: noqa: E501  (modules as bytes)

import pytest

from pyvm.isa.errors import Unsupported, WasmError
from pyvm.wasm.decode import decode
from pyvm.wasm.missing import is_stub
from pyvm.wasm.validate import validate
from wasm.test_validity import HEAD, function, section


def sections(*parts: str) -> bytes:
    """A module of sections, each spelled `number: content`."""
    data = HEAD
    for part in parts:
        number, _, content = part.partition(":")
        data += section(int(number, 16), bytes.fromhex(content))
    return data


MEMORY = section(5, b"\1\0\1")
MODULES = {
    "GC": [
        (sections("1: 01 5f 00"), "a struct type at offset 0xb"),
        (sections("1: 01 5e 7f 00"), "an array type"),
        (sections("1: 01 50 00 60 00 00"), "a subtype"),
        (sections("1: 01 4f 00 60 00 00"), "a final subtype"),
        (sections("1: 01 4e 01 60 00 00"), "a recursive group of types"),
        (sections("1: 01 60 01 6e 00"), "anyref"),
        (sections("1: 01 60 01 63 6b 00"), "a typed reference"),
        (sections("1: 01 60 01 74 00"), "nullexnref"),
        (function("fb 1c 1a"), "instruction 0xfb 0x1c at offset 0x17 in function 0"),
        (function("d3 1a"), "ref.eq"),
    ],
    "function references": [
        (function("d0 64 70 1a"), "a typed reference"),
        (function("d0 00 1a"), "a typed reference at offset 0x18"),
        (sections("1: 01 60 01 63 00 00"), "a typed reference"),
        (sections("1: 01 60 01 64 70 00"), "a typed reference"),
        (sections("1: 01 60 01 63 69 00"), "a typed reference"),
        (sections("1: 01 60 00 00", "4: 01 40 00 64 70 00 01 d2 00 0b"), "a table with an initial"),
        (function("14 00"), "call_ref at offset 0x17 in function 0"),
        (function("15 00"), "return_call_ref"),
        (function("d4"), "ref.as_non_null"),
    ],
    "memory64": [(sections("5: 01 04 01"), "a memory of 64-bit addresses"),
                 (sections("4: 01 70 04 01"), "a table of 64-bit addresses")],
    "threads": [(sections("5: 01 03 01 02"), "a shared memory"),
                (function("41 00 fe 10 02 00 1a", rest=MEMORY), "instruction 0xfe 0x10")],
    "multi-memory": [(sections("5: 02 00 01 00 01"), "a second memory"),
                     (sections("2: 02 01 61 01 62 02 00 01 01 61 01 63 02 00 01"), "a second memory"),
                     (function("41 00 28 42 00 00 1a", rest=MEMORY), "a memory index")],
    "relaxed SIMD": [(function("fd 80 02"), "instruction 0xfd 0x100")],
    "wide arithmetic": [(function("fc 16"), "i64.mul_wide_u")],
    "custom page sizes": [(sections("5: 01 08 01 00"), "a memory with pages of its own size")],
    "stack switching": [(sections("1: 02 60 00 00 5d 00"), "a continuation type"),
                        (function("e0 00"), "cont.new")],
    "reference-typed strings": [(sections("1: 01 60 01 67 00"), "stringref"),
                                (function("fb 82 01 00"), "instruction 0xfb 0x82")],
    "shared-everything threads": [(sections("6: 01 7f 02 41 00 0b"), "a shared global")],
}  # fmt: skip
SECOND = {
    "SIMD": [(sections("1: 01 60 01 7b 00"), "v128"), (function("fd 0f"), "instruction 0xfd 0x0f"),
             (function("02 7b 00 0b 1a"), "v128")],
}  # fmt: skip
CASES = [
    (data, what, f"the {name} proposal") for name, cases in MODULES.items() for data, what in cases
] + [
    (data, what, f"{name} (a part of WebAssembly 2.0)")
    for name, cases in SECOND.items()
    for data, what in cases
]


def needs(data: bytes) -> str:
    """What is said of the module, or of the function that needs it, or of the type."""
    try:
        module = decode(data)
        validate(module)
    except Unsupported as error:
        return str(error)
    stubs = [str(body.code[0].arg) for body in module.bodies if is_stub(body)]
    return [*stubs, *map(str, module.missing_types.values())][0]


@pytest.mark.parametrize("data, what, needed", CASES)
def test_what_a_module_needs(data, what, needed):
    text = needs(data)
    assert text.startswith(what)
    assert f" needs {needed}, which pyvm does not have" in text
    assert (" yet" in text) == ("2.0" in needed)


def test_a_component_is_no_module():
    with pytest.raises(Unsupported, match="a component at offset 0x4 needs the component model"):
        decode(b"\0asm\x0d\0\1\0")


@pytest.mark.parametrize(
    "data",
    [
        function("fd 9a 01"), function("fb ff 7f"), function("fc 20"), function("fe 04"),
        function("ff"), function("27"), sections("1: 01 61 00 00"), sections("1: 01 60 01 79 00"),
        sections("5: 01 10 01"), sections("4: 01 7b 00 01"), sections("f:"),
        sections("6: 01 7f 04 41 00 0b"),
        sections("6: 01 7f 00 41 01 42 02 6a 0b"), sections("6: 01 7f 00 23 00 0b"),
        sections("4: 01 70 00 01", "9: 01 02 01 41 00 0b 00 00"),
        sections("1: 01 60 00 00", "2: 01 01 61 01 62 05 00"),
    ],
)  # fmt: skip
def test_what_no_proposal_has_is_invalid(data):
    with pytest.raises(WasmError):
        validate(decode(data))
