"""Small files that stand for very much: refused, or compiled in little time and memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from compiler.oracle import run_program
from pyvm.compiler.compile import from_wasm
from pyvm.isa.errors import Unsupported
from pyvm.wasm.debug_lines import read_lines

HEAD = b"\0asm\1\0\0\0"
NOTHING, FULL = b"\x60\0\0", b"\x60\0" + b"\xe8\x07" + b"\x7f" * 1000  # 1,000 results


def leb(value: int) -> bytes:
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def text(content: bytes) -> bytes:
    return leb(len(content)) + content


def vector(items: list[bytes]) -> bytes:
    return leb(len(items)) + b"".join(items)


def body(code: bytes, local_count: int = 0) -> bytes:
    return text((b"\1" + leb(local_count) + b"\x7f" if local_count else b"\0") + code + b"\x0b")


def module(
    bodies: list[bytes],
    types: tuple[bytes, ...] = (NOTHING,),
    kinds: tuple[int, ...] = (),
    rest: tuple[tuple[int, bytes], ...] = (),
    custom: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """A module that exports its first function as compute; further sections in `rest`."""
    kinds = kinds or (0,) * len(bodies)
    parts = {
        1: vector(list(types)),
        3: vector([leb(kind) for kind in kinds]),
        7: vector([text(b"compute") + b"\0\0"]),
        10: vector(bodies),
        **dict(rest),
    }
    data = HEAD + b"".join(bytes([number]) + text(parts[number]) for number in sorted(parts))
    return data + b"".join(b"\0" + text(text(name) + content) for name, content in custom)


REFUSED = {
    "locals": (lambda: module([body(b"", 50_000)] * 15_000), "locals of all functions"),
    "locals of one function": (lambda: module([body(b"", 50_001)]), "50,001 locals of a function"),
    "operands": (
        lambda: module([body(b"\0" + b"\x10\1" * 100), body(b"\0")], (NOTHING, FULL), (0, 1)),
        "operands at offset",
    ),
    "a type": (
        lambda: module([body(b"")], (NOTHING, b"\x60" + leb(1001) + b"\x7e" * 1001 + b"\0")),
        "1,001 parameters of one type",
    ),
    "a table": (
        lambda: module([body(b"")], rest=((4, b"\1\x70\0\xff\xff\xff\xff\x0f"),)),
        "4,294,967,295 elements of all tables",
    ),
    "functions": (lambda: module([body(b"")] * 100_001), "100,001 functions"),
    "branches with operands": (
        lambda: module(
            [body(b"\x02\x7f" + b"\x41\1" * 30_000 + b"\x20\0\x0d\0" * 1_000 + b"\0\x0b\x1a", 1)]
        ),
        "machine instructions",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_too_large_is_refused(name):
    make, message = REFUSED[name]
    with pytest.raises(Unsupported, match=message):
        from_wasm(make())


COMPILED = {
    "nested blocks": lambda: module([body(b"\x02\x40" * 20_000 + b"\x0b" * 20_000)]),
    "a chain of branches": lambda: module(
        [body(b"\x02\x40" * 5_000 + b"\x20\0\x0d\0" + b"\x0c\1\x0b" * 4_999 + b"\x0b", 1)]
    ),
    "locals in nested branches": lambda: module(
        [body(b"\x20\0\x04\x40" * 1_000 + b"\x0b" * 1_000, 10_000)]
    ),
    "locals in nested loops": lambda: module(
        [body(b"\x03\x40" * 3_000 + b"\x41\1\x21\0" * 3_000 + b"\x0b" * 3_000, 1)]
    ),
    "a large table": lambda: module(
        [body(b"\x41\0\x11\0\0" * 200)], rest=((4, b"\1\x70\0" + leb(1 << 20)),)
    ),
    "a deep expression": lambda: module([body(b"\x20\0" + b"\x20\0\x6a" * 5_000 + b"\x1a", 1)]),
    "segments one over the other": lambda: module(
        [body(b"")],
        rest=((5, b"\1\0\1"), (11, vector([b"\0\x41\0\x0b" + text(b"\1" * 400)] * 20_000))),
    ),
}


@pytest.mark.parametrize("name", COMPILED)
def test_what_is_merely_odd_is_compiled(name):
    from_wasm(COMPILED[name]())


def test_locals_that_nobody_follows_are_right_all_the_same():
    """Beyond the bound on facts nothing is known of locals, and all are zeroed."""
    count = 200
    code = b"".join(b"\x41" + leb(i % 60) + b"\x21" + leb(i) for i in range(1, count))
    code += b"\x02\x40\x20\1\x0d\0\x0b" * 12_000  # block, br_if
    code += b"\x20\0\x20\7\x6a\x41\x3a\x6a\x10\0"  # output local 0 + local 7 + 58
    data = HEAD + b"".join(
        bytes([number]) + text(content)
        for number, content in (
            (1, vector([b"\x60\1\x7f\0", NOTHING])),
            (2, vector([text(b"env") + text(b"output_byte") + b"\0\0"])),
            (3, b"\1\1"),
            (7, vector([text(b"compute") + b"\0\1"])),
            (10, vector([body(code, count)])),
        )
    )
    assert run_program(from_wasm(data)).output == b"A"


def test_fifteen_thousand_functions_of_fifty_thousand_locals_take_little_memory(tmp_path):
    """The file of 120 KB that once took 5.8 GB, with the memory for a small one."""
    path = tmp_path / "locals.wasm"
    path.write_bytes(REFUSED["locals"][0]())
    source = f"""
import resource
from pyvm.compiler.compile import compile_file
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
try:
    compile_file({str(path)!r})
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert "locals of all functions" in done.stdout, done.stderr


# -- debug data: never stops a program, and gives no more than is there ----------------------------

STANDARD = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])


def line_table(version: int, names: bytes, code: bytes, line_range: int = 14) -> bytes:
    head = bytes([1, *([1] if version >= 4 else []), 1, 0xFB, line_range, 13]) + STANDARD + names
    start = version.to_bytes(2, "little") + (b"\4\0" if version >= 5 else b"")
    content = start + len(head).to_bytes(4, "little") + head + code
    return len(content).to_bytes(4, "little") + content


ROW = bytes([0x4B])  # a special opcode: the next address and line
FILE = b"\0a.c\0\0\0\0\0"
TABLES = {
    "2^31 directories": line_table(5, b"\0" + leb(1 << 31), b""),
    "2^31 files": line_table(5, b"\0\0\0" + leb(1 << 31), b""),
    "no lines": line_table(4, FILE, ROW, line_range=0),
    "a long address": line_table(4, FILE, b"\0" + leb(100_001) + b"\2" + b"\xff" * 100_000
                                 + ROW * 9_000),
    "many rows": line_table(4, FILE, ROW * 2_000_000),
    "many names": line_table(5, b"\0\0\1\1\x1f" + leb(300_000) + bytes(4 * 300_000), b""),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_line_table_changes_nothing(name):
    table, strings = TABLES[name], b"a" * 1_000_000 + b"\0"
    plain = module([body(b"\0")])
    custom = ((b".debug_line", table), (b".debug_line_str", strings))
    damaged = from_wasm(module([body(b"\0")], custom=custom))
    assert damaged.code == from_wasm(plain).code
    assert run_program(damaged).trap == 1


def test_lines_before_the_damage_are_kept():
    good = line_table(4, FILE, b"\0\5\2\1\0\0\0" + ROW)
    for bad in (TABLES["no lines"], b"\xff\xff\xff\xff", TABLES["2^31 directories"]):
        rows = read_lines({".debug_line": good + bad}, range(100, 200))
        assert [line for _, line in rows] == ["a.c:2"]


def test_a_name_that_is_no_text_does_not_shift_what_follows():
    names = b"\0" + b"\xff\xfe.c\0\0\0\0" + b"b.c\0\0\0\0\0"
    table = line_table(4, names, bytes([4, 2]) + ROW)
    assert [line for _, line in read_lines({".debug_line": table}, range(9))] == ["b.c:2"]


@pytest.mark.parametrize(
    "content",
    [b"\1\xff", b"\1" + text(b"\xff\xff\xff\xff\x0f"), b"\1" + text(b"\1\0\1\xff"), b"\1\x80\x80",
     b"\1" + text(leb(1 << 20) + b"\xff\xff\xff\xff\x0f\0" * 1000)],
)  # fmt: skip
def test_a_damaged_name_section_changes_nothing(content):
    program = from_wasm(module([body(b"\0")], custom=((b"name", content),)))
    assert str(program.trap_at(len(program.code) - 1)).startswith(
        "trap: unreachable executed in compute"
    )
