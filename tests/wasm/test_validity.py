"""Validity: what WebAssembly 2.0 allows is accepted, what it forbids is not."""

import pytest

from compiler.oracle import engine_without_later, is_valid
from pyvm.isa.errors import WasmError
from pyvm.wasm.decode import decode
from pyvm.wasm.validate import validate

HEAD = b"\0asm\1\0\0\0"


def section(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number, len(content)]) + content


def function(code: str, kind: str = "60 00 00", rest: bytes = b"") -> bytes:
    """A module with one function; `code` without locals and without the last end."""
    body = b"\0" + bytes.fromhex(code) + b"\x0b"
    return (
        HEAD + section(1, b"\1" + bytes.fromhex(kind)) + section(3, b"\1\0") + rest
        + section(10, bytes([1, len(body)]) + body)
    )  # fmt: skip


def both(data: bytes) -> bool:
    """Whether a module is valid: for us, and for wasmtime without later proposals."""
    expected = is_valid(engine_without_later(), data)
    try:
        validate(decode(data))
        actual = True
    except WasmError:
        actual = False
    assert actual == expected
    return actual


@pytest.mark.parametrize(
    "code, valid",
    [
        # block (result f32) block (result f64) unreachable i32.const 0 br_table 0 1 1 end drop
        # f32.const 0 end drop: in dead code the labels' types may differ
        ("02 7d 02 7c 00 41 00 0e 02 00 01 01 0b 1a 43 00000000 0b 1a", True),
        # the same with an operand there: it has one type only
        ("02 7d 02 7c 00 43 00000000 41 00 0e 02 00 01 01 0b 1a 43 00000000 0b 1a", False),
        # the numbers of operands differ
        ("02 7d 02 40 00 41 00 0e 02 00 01 01 0b 43 00000000 0b 1a", False),
        ("02 7f 02 7f 41 01 41 00 0e 01 00 01 0b 0b 1a", True),
        ("02 7f 02 7e 41 01 41 00 0e 01 00 01 0b 1a 41 00 0b 1a", False),
        # an operand that is not there has any type for select, and its other operand decides
        ("00 41 00 41 00 1b 1a", True),
        ("00 42 00 41 00 1b 45 1a", False),
        ("00 41 00 1b a7 1a", True),
        ("00 41 00 1c 01 7e 50 1a", True),
        ("00 41 00 1c 01 7e 45 1a", False),
        # results of a branch in dead code
        ("02 7f 00 0d 00 0b 1a", True),
        ("02 7f 00 0d 00 a7 0b 1a", False),
    ],
)
def test_code(code, valid):
    assert both(function(code)) == valid


@pytest.mark.parametrize("announced, there, valid", [(1, 1, True), (0, 1, False), (2, 1, False),
                                                     (1, 0, False), (0, 0, True)])  # fmt: skip
def test_the_data_count(announced, there, valid):
    data = section(11, bytes([there]) + b"\1\0" * there)
    assert both(HEAD + section(12, bytes([announced])) + data) == valid
    assert both(HEAD + section(12, bytes([announced]))) == (announced == 0)


@pytest.mark.parametrize(
    "sections, valid",
    [
        ("2: 01 01 61 01 6d 02 00 01", True),  # a memory is imported
        ("2: 01 01 61 01 6d 02 01 02 01", False),  # with a maximum below its minimum
        ("2: 01 01 61 01 6d 02 00 81 80 04", False),  # of more than 4 GiB
        ("2: 01 01 61 01 74 01 70 01 02 01", False),
        ("5: 01 00 80 80 04", True),
        ("5: 01 00 81 80 04", False),
        ("6: 01 7f 00 41 00 0b", True),
        ("6: 01 7f 00 41 00 41 00 0b", False),
        ("6: 01 7f 00 0b", False),
        ("6: 01 7e 00 41 00 0b", False),
        ("6: 01 7f 00 01 0b", False),
        ("7: 00", True),
        ("7: 02 01 61 00 00 01 61 00 00", False),  # an export twice
        ("7: 01 01 ff 00 00", False),  # no UTF-8
        ("7: 01 01 61 00 02", False),  # an unknown function
        ("8: 01", False),
        ("0: 01 61", True),
        ("0: 01 ff", False),  # the name of a custom section
        ("0: 02 61", False),
        ("4: 01 70 01 02 01", False),
        ("9: 01 01 00 00", True),  # a passive segment needs no table
        ("9: 01 00 41 00 0b 00", False),
        ("4: 01 70 00 01 | 9: 01 00 41 00 0b 00", True),
        ("4: 01 70 00 01 | 9: 01 00 41 00 0b 01 02", False),  # an unknown function
        ("b: 01 00 41 00 0b 00", False),  # data without a memory
        ("5: 01 00 01 | b: 01 00 41 00 0b 00", True),
        ("5: 01 00 01 | b: 01 02 00 41 00 0b 00", True),
        ("5: 01 00 01 | b: 01 02 01 41 00 0b 00", False),  # of an unknown memory
    ],
)
def test_sections(sections, valid):
    data = HEAD + section(1, b"\1\x60\0\0")
    for part in sections.split("|"):
        number, _, content = part.partition(":")
        data += section(int(number, 16), bytes.fromhex(content))
    assert both(data) == valid


@pytest.mark.parametrize(
    "code, valid",
    [
        ("d0 70 1a", True),
        ("d0 6f d1 1a", True),
        ("d0 7f 1a", False),
        ("41 00 d1 1a", False),
        ("00 d1 1a", True),
        ("d2 00 1a", False),  # function 0 has no reference elsewhere
        ("41 00 25 00 1a", True),
        ("41 00 25 01 1a", True),
        ("41 00 25 02 1a", False),  # an unknown table
        ("41 00 d0 70 26 00", True),
        ("41 00 d0 70 26 01", False),  # a table of externref
        ("41 00 d0 6f 26 01", True),
        ("41 00 d0 6f 26 00", False),
        ("d0 70 41 00 fc 0f 00 1a", True),
        ("d0 6f 41 00 fc 0f 00 1a", False),
        ("fc 10 01 1a", True),
        ("fc 10 02 1a", False),
        ("41 00 d0 6f 41 00 fc 11 01", True),
        ("41 00 41 00 41 00 fc 11 01", False),
        ("41 00 41 00 41 00 fc 0e 00 00", True),
        ("41 00 41 00 41 00 fc 0e 00 01", False),  # of two types
        ("41 00 41 00 41 00 fc 0c 00 00", True),
        ("41 00 41 00 41 00 fc 0c 01 00", False),  # an unknown segment
        ("41 00 41 00 41 00 fc 0c 00 01", False),  # of another type
        ("fc 0d 00", True),
        ("fc 0d 01", False),
        ("41 00 11 00 00", True),
        ("41 00 11 00 01", False),  # a table of externref
        ("d0 70 d0 70 41 00 1b 1a", False),  # a select of references names their type
        ("d0 70 d0 70 41 00 1c 01 70 1a", True),
        ("d0 70 d0 70 41 00 1c 01 6f 1a", False),
        ("02 70 d0 70 0b 1a", True),
        ("02 70 d0 6f 0b 1a", False),
    ],
)
def test_tables_and_references(code, valid):
    tables = section(4, bytes.fromhex("02 70 00 01 6f 00 01"))
    assert both(function(code, rest=tables + section(9, b"\1\1\0\0"))) == valid


@pytest.mark.parametrize(
    "sections, valid",
    [
        ("4: 02 70 00 01 6f 00 01", True),
        ("4: 01 7f 00 01", False),
        ("6: 01 70 00 d0 70 0b", True),
        ("6: 01 70 00 d0 6f 0b", False),
        ("6: 01 70 00 d2 00 0b", False),  # an unknown function
        ("4: 01 70 00 01 | 9: 01 04 41 00 0b 01 d0 70 0b", True),
        ("4: 01 70 00 01 | 9: 01 04 41 00 0b 01 d0 6f 0b", False),
        ("4: 01 6f 00 01 | 9: 01 06 00 41 00 0b 6f 01 d0 6f 0b", True),
        ("4: 01 6f 00 01 | 9: 01 06 01 41 00 0b 6f 01 d0 6f 0b", False),  # an unknown table
        ("4: 01 70 00 01 | 9: 01 06 00 41 00 0b 6f 01 d0 6f 0b", False),  # of another type
        ("4: 01 6f 00 01 | 9: 01 02 00 41 00 0b 00 00", False),
        ("9: 01 03 00 00", True),
        ("9: 01 07 70 00", True),
        ("9: 01 05 6f 00", True),
        ("9: 01 08 00", False),
    ],
)
def test_sections_of_references(sections, valid):
    test_sections(sections, valid)


def test_a_number_is_no_longer_than_its_type():
    for size, valid in (("80 80 80 80 00", True), ("80 80 80 80 80 00", False),
                        ("80 80 80 80 10", False)):  # fmt: skip
        assert both(function(f"41 {size} 1a")) == valid
        assert both(function(f"41 00 28 00 {size} 1a", rest=section(5, b"\1\0\1"))) == valid


@pytest.mark.parametrize(
    "alignment, valid", [(0, True), (2, True), (3, False), (32, False), (63, False)]
)
def test_alignment(alignment, valid):
    memory = section(5, b"\1\0\1")
    assert both(function(f"41 00 28 {alignment:02x} 00 1a", rest=memory)) == valid


TAGS = section(13, bytes.fromhex("02 00 00 00 01"))  # the second one carries an i32
NO_RESULTS = b"\2" + bytes.fromhex("60 00 00 60 01 7f 00")


def throwing(code: str) -> bytes:
    body = b"\0" + bytes.fromhex(code) + b"\x0b"
    functions = section(1, NO_RESULTS) + section(3, b"\1\0") + TAGS
    return HEAD + functions + section(10, bytes([1, len(body)]) + body)


@pytest.mark.parametrize(
    "code, valid",
    [
        ("08 00", True),
        ("08 02", False),  # an unknown tag
        ("08 01", False),  # an operand is missing
        ("41 00 08 01 1a", True),  # what follows is not reached
        ("02 69 00 0b 0a", True),
        ("41 00 0a", False),
        ("d0 69 d1 1a", True),
        ("1f 40 00 0b", True),
        ("1f 7f 00 41 00 0b 1a", True),
        ("1f 40 01 02 00 0b", True),
        ("1f 40 01 02 01 0b", False),  # an unknown label
        ("1f 40 01 00 00 00 0b", True),
        ("1f 40 01 00 01 00 0b", False),  # the label takes no i32
        ("1f 40 01 00 02 00 0b", False),
        ("02 7f 1f 40 01 00 01 00 0b 41 00 0b 1a", True),
        ("02 7f 1f 40 01 01 01 00 0b 41 00 0b 1a", False),
        ("02 69 1f 40 02 03 00 01 00 00 0b 00 0b 1a", True),
        ("1f 40 01 04 00 0b", False),  # an unknown clause
        ("06 40 0b", None),
        ("06 40 19 0b", None),
        ("06 40 07 00 07 00 19 0b", None),
        ("06 7f 41 00 07 01 19 41 01 0b 1a", None),
        ("06 40 07 01 0b", 4),  # an operand is left over
        ("06 40 19 19 0b", 3),
        ("06 40 19 07 00 0b", 3),
        ("02 40 07 00 0b", 2),
        ("02 40 18 00", 2),
        ("06 40 18 00", None),
        ("06 40 18 01", 2),
        ("06 40 19 09 00 0b", None),
        ("06 40 07 00 02 40 09 01 0b 0b", None),
        ("06 40 09 00 19 0b", 2),
        ("09 00", 0),
        ("06 40 07 02 0b", 2),
    ],
)
def test_exceptions(code, valid):
    """`valid`: what wasmtime says, too; or, in the older form, which wasmtime does not have, the
    place in the code of what is wrong, or None.
    """
    data = throwing(code)
    if isinstance(valid, bool):
        assert both(data) == valid
    elif valid is None:
        validate(decode(data))
    else:
        with pytest.raises(WasmError) as caught:
            validate(decode(data))
        assert caught.value.offset == len(data) - len(bytes.fromhex(code)) - 1 + valid


@pytest.mark.parametrize(
    "sections, valid",
    [
        ("d: 01 00 00", True),
        ("d: 01 00 01", False),  # a type with results
        ("d: 01 00 02", False),
        ("d: 01 01 00", False),
        ("d: 01 00 00 | 5: 01 00 01", False),
        ("6: 00 | d: 01 00 00", False),
        ("5: 01 00 01 | d: 01 00 00 | 6: 00", True),
        ("2: 01 01 61 01 62 04 00 00", True),
        ("2: 01 01 61 01 62 04 00 01", False),
        ("d: 01 00 00 | 7: 01 01 61 04 00", True),
        ("d: 01 00 00 | 7: 01 01 61 04 01", False),
    ],
)
def test_sections_of_tags(sections, valid):
    data = HEAD + section(1, b"\2\x60\0\0\x60\0\1\x7f")
    for part in sections.split("|"):
        number, _, content = part.partition(":")
        data += section(int(number, 16), bytes.fromhex(content))
    assert both(data) == valid
