"""Writes the page of what programs can use (pyvm/host/SUPPORTED.md), from the tests.

    python tools/features.py > pyvm/host/SUPPORTED.md

Enters: the programs in tests/host/programs, which the tests run in wasmtime and in the transformer
and compare; every WebAssembly instruction, compiled here.  Leaves: the page.  A test compares it.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from pyvm.compiler.compile import from_wasm  # noqa: E402
from pyvm.host.module import host_module  # noqa: E402
from pyvm.wasm.decode import decode  # noqa: E402
from pyvm.wasm.opcodes import OPCODES, Opcode  # noqa: E402

PROGRAMS = ROOT / "tests" / "host" / "programs"
WASI = "wasi_snapshot_preview1"
_TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}
# Constants of each type: 1, and zeros of floats.
_CONSTANTS = {
    "i32": b"\x41\x01",
    "i64": b"\x42\x01",
    "f32": b"\x43" + bytes(4),
    "f64": b"\x44" + bytes(8),
}
_HEADER_FUNCTION = re.compile(
    r"^static void (\w+)_h\(void\) \{(?:\n((?:[^}].*\n)*)\}|(.*)\}$)", re.MULTILINE
)
_WORDS = ("if", "for", "while", "return", "sizeof", "switch")


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What programs can use"
    yield ""
    yield "Written by `tools/features.py` from the tests; do not change it by hand."
    yield ""
    yield f"## WASI ({WASI})"
    yield ""
    yield "| function | programs of the tests that import it |"
    yield "|---|---|"
    users = _importers()
    for name in sorted(_answered()):
        yield f"| `{name}` | {', '.join(users.get(name, [])) or '(tests of the host alone)'} |"
    missing = sorted(set(users) - _answered())
    if missing:
        yield ""
        yield f"Imported by a program, and not there: {', '.join(missing)}."
    yield ""
    yield "## The C library"
    yield ""
    yield "What `tests/host/programs/library.c` calls, through zig's C library for wasm32-wasi, and"
    yield "does as in wasmtime."
    yield ""
    yield "| header | functions |"
    yield "|---|---|"
    for header, names in _library():
        yield f"| `{header}.h` | {' '.join(f'`{name}`' for name in names)} |"
    yield ""
    yield "## WebAssembly"
    yield ""
    runs = _instructions()
    yield f"{len(runs)} instructions run:"
    yield ""
    yield from _filled(runs)


def _filled(names: Iterable[str]) -> list[str]:
    return textwrap.wrap(" ".join(f"`{name}`" for name in names), 110, break_on_hyphens=False)


def _answered() -> set[str]:
    """The functions of the host module."""
    exports = (item.name.partition(".") for item in host_module().exports)
    return {name for module, _, name in exports if module == WASI}


def _importers() -> dict[str, list[str]]:
    """By function, the test programs that import it."""
    found: dict[str, list[str]] = {}
    for path in sorted(PROGRAMS.glob("*.wasm")):
        for item in decode(path.read_bytes()).imported("func"):
            if item.module == WASI:
                found.setdefault(item.name, []).append(path.stem)
    return found


def _library() -> Iterator[tuple[str, list[str]]]:
    text = (PROGRAMS / "library.c").read_text(encoding="utf-8")
    own = set(re.findall(r"^(?:static )?\w[\w ]* \*?(\w+)\(", text, re.M))
    code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    known = own | set(_WORDS)
    for header, body, line in _HEADER_FUNCTION.findall(code):
        calls = set(re.findall(r"\b(\w+)\(", body + line)) - known
        known |= calls
        yield header, sorted(calls)


def _instructions() -> list[str]:
    """Those that compile, of the ones with types of their own; and those that the tests have."""
    runs = []
    for code, row in sorted(OPCODES.items()):
        if row.params is None or row.immediate not in ("", "memory"):
            runs.append(row.name)  # control, variables, constants, sizes: the tests have them all
            continue
        from_wasm(_module(code, row))
        runs.append(row.name)
    return list(dict.fromkeys(runs))


def _module(code: int, row: Opcode) -> bytes:
    """A module whose `compute` executes one instruction."""
    assert row.params is not None and row.results is not None
    opcode = bytes([code]) if code < 256 else bytes([code >> 8, code & 0xFF])
    immediate = bytes(2) if row.immediate == "memory" else b""
    operands = b"".join(_CONSTANTS[kind] for kind in row.params)
    body = b"\0" + operands + opcode + immediate + b"\x1a" * len(row.results) + b"\x0b"
    sections = {
        1: b"\1\x60\0\0",
        3: b"\1\0",
        5: b"\1\0\1",
        7: b"\1\7compute\0\0",
        10: b"\1" + bytes([len(body)]) + body,
    }
    return b"\0asm\1\0\0\0" + b"".join(
        bytes([number, len(content)]) + content for number, content in sections.items()
    )


if __name__ == "__main__":
    sys.stdout.write(page())
