"""Decoder of the WebAssembly 1.0 binary format.

Enters: the bytes of a .wasm file.  Leaves: a `Module` of plain data; each instruction keeps its
byte offset.  Malformed bytes raise `WasmError` with the offset; whether the module is valid is
decided in validate.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pyvm.program.errors import Unsupported, WasmError
from pyvm.program.opcodes import OPCODES, VALUE_TYPES

PAGE = 65536
MAX_PAGES = 65536


class Instr(NamedTuple):
    """One instruction: name, immediates, byte offset in the file.

    `arg` is an int (index or constant), a FunctionType (block), (targets..., default) of br_table,
    type index of call_indirect, or the offset of a memory instruction.
    """

    op: str
    arg: int | tuple | FunctionType | None
    at: int


@dataclass(frozen=True)
class FunctionType:
    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return f"({' '.join(self.params)}) -> ({' '.join(self.results)})"


@dataclass(frozen=True)
class Limits:
    minimum: int
    maximum: int | None


@dataclass(frozen=True)
class Import:
    module: str
    name: str
    kind: str  # func | table | memory | global
    desc: object  # type index | Limits | (type, mutable)
    at: int


@dataclass(frozen=True)
class Global:
    type: str
    mutable: bool
    init: list[Instr]


@dataclass(frozen=True)
class Export:
    name: str
    kind: str
    index: int
    at: int


@dataclass(frozen=True)
class Element:
    table: int
    offset: list[Instr]
    functions: tuple[int, ...]
    at: int


@dataclass(frozen=True)
class Data:
    memory: int
    offset: list[Instr]
    content: bytes
    at: int


@dataclass(frozen=True)
class Body:
    """Code of one function: types of its own locals (without parameters) and instructions."""

    locals: tuple[str, ...]
    code: list[Instr]
    at: int


@dataclass
class Module:
    types: list[FunctionType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)  # type index of each defined function
    tables: list[Limits] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: tuple[int, int] | None = None  # function index, byte offset
    elements: list[Element] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    data: list[Data] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)  # name section, then exports

    def imported(self, kind: str) -> list[Import]:
        return [item for item in self.imports if item.kind == kind]

    def function_types(self) -> list[FunctionType]:
        """Types of all functions, imported ones first, as indices count them."""
        imported = [item.desc for item in self.imported("func")]
        return [self.types[index] for index in (*imported, *self.functions)]

    def function_name(self, index: int) -> str:
        return self.names.get(index, f"function {index}")

    def export(self, name: str, kind: str) -> int | None:
        """Index of an export, or None."""
        for item in self.exports:
            if item.name == name and item.kind == kind:
                return item.index
        return None


class _Reader:
    """A window of the file; every read is checked against its end."""

    def __init__(self, data: bytes, position: int = 0, end: int | None = None):
        self.data, self.position = data, position
        self.end = len(data) if end is None else end

    def byte(self) -> int:
        if self.position >= self.end:
            raise WasmError("unexpected end", self.position)
        self.position += 1
        return self.data[self.position - 1]

    def take(self, count: int) -> bytes:
        if count > self.end - self.position:
            raise WasmError("unexpected end", self.position)
        self.position += count
        return self.data[self.position - count : self.position]

    def unsigned(self, bits: int = 32) -> int:
        start, value, shift = self.position, 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise WasmError("integer representation too long", start)
        if value >> bits:
            raise WasmError("integer too large", start)
        return value

    def signed(self, bits: int) -> int:
        start, value, shift = self.position, 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise WasmError("integer representation too long", start)
        if byte & 0x40:
            value -= 1 << shift
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise WasmError("integer too large", start)
        return value

    def name(self) -> str:
        count, start = self.unsigned(), self.position
        try:
            return self.take(count).decode("utf-8")
        except UnicodeDecodeError:
            raise WasmError("malformed UTF-8", start) from None

    def window(self, count: int) -> _Reader:
        if count > self.end - self.position:
            raise WasmError("unexpected end", self.position)
        inner = _Reader(self.data, self.position, self.position + count)
        self.position += count
        return inner

    def vector(self, item) -> list:
        count = self.unsigned()
        if count > self.end - self.position:  # every item takes at least one byte
            raise WasmError("unexpected end", self.position)
        return [item() for _ in range(count)]

    def value_type(self) -> str:
        at = self.position
        code = self.byte()
        if code not in VALUE_TYPES:
            raise WasmError(f"unknown value type {code:#04x}", at)
        return VALUE_TYPES[code]


def decode(data: bytes) -> Module:
    """The module in `data`; raises WasmError, or Unsupported for later extensions."""
    reader = _Reader(data)
    if data[:4] != b"\0asm":
        raise WasmError("not a WebAssembly file (magic number missing)", 0)
    reader.take(4)
    if reader.take(4) != b"\1\0\0\0":
        raise WasmError("unknown version", 4)
    module, last = Module(), 0
    while reader.position < reader.end:
        at = reader.position
        section = reader.byte()
        content = reader.window(reader.unsigned())
        if section == 0:
            _custom_section(content, module)
            continue
        if section not in _SECTIONS:
            raise WasmError(f"unknown section {section}", at)
        if section <= last:
            raise WasmError(f"section {section} out of order", at)
        last = section
        _SECTIONS[section](content, module)
        if content.position != content.end:
            raise WasmError(f"section {section} is longer than its content", content.position)
    if len(module.functions) != len(module.bodies):
        raise WasmError(
            f"{len(module.functions)} functions are declared, {len(module.bodies)} have code",
            len(data),
        )
    for export in module.exports:
        if export.kind == "func":
            module.names.setdefault(export.index, export.name)
    return module


def without_debug_sections(data: bytes) -> bytes:
    """The module without custom sections, but with the names of functions for messages."""
    reader = _Reader(data)
    kept = bytearray(reader.take(8))
    while reader.position < reader.end:
        start = reader.position
        section = reader.byte()
        content = reader.window(reader.unsigned())
        if section or content.name() == "name":
            kept += data[start : reader.position]
    return bytes(kept)


def _custom_section(reader: _Reader, module: Module) -> None:
    name = reader.name()
    if name != "name":
        return
    try:  # names are a courtesy: a damaged name section is ignored, as the specification demands
        while reader.position < reader.end:
            kind = reader.byte()
            part = reader.window(reader.unsigned())
            if kind == 1:
                for _ in range(part.unsigned()):
                    index = part.unsigned()
                    module.names[index] = part.name()
    except WasmError:
        module.names.clear()


def _type_section(reader: _Reader, module: Module) -> None:
    def item() -> FunctionType:
        at = reader.position
        if reader.byte() != 0x60:
            raise WasmError("a function type starts with 0x60", at)
        return FunctionType(
            tuple(reader.vector(reader.value_type)), tuple(reader.vector(reader.value_type))
        )

    module.types = reader.vector(item)


def _limits(reader: _Reader) -> Limits:
    at = reader.position
    flag = reader.byte()
    if flag > 1:
        raise WasmError(f"limits flag {flag:#04x} is not of WebAssembly 1.0", at)
    minimum = reader.unsigned()
    return Limits(minimum, reader.unsigned() if flag else None)


def _table_type(reader: _Reader) -> Limits:
    at = reader.position
    if reader.byte() != 0x70:
        raise WasmError("a table holds functions (0x70)", at)
    return _limits(reader)


def _global_type(reader: _Reader) -> tuple[str, bool]:
    kind, at = reader.value_type(), reader.position
    mutable = reader.byte()
    if mutable > 1:
        raise WasmError("malformed mutability", at)
    return kind, bool(mutable)


_KINDS = ("func", "table", "memory", "global")


def _import_section(reader: _Reader, module: Module) -> None:
    def item() -> Import:
        at = reader.position
        names = reader.name(), reader.name()
        kind = reader.byte()
        if kind > 3:
            raise WasmError(f"unknown kind of import {kind:#04x}", reader.position - 1)
        read = (reader.unsigned, lambda: _table_type(reader), lambda: _limits(reader),
                lambda: _global_type(reader))[kind]  # fmt: skip
        desc = read()
        if kind == 0 and desc >= len(module.types):
            raise WasmError(f"unknown type {desc}", reader.position - 1)
        return Import(*names, _KINDS[kind], desc, at)

    module.imports = reader.vector(item)


def _function_section(reader: _Reader, module: Module) -> None:
    def item() -> int:
        at, index = reader.position, reader.unsigned()
        if index >= len(module.types):
            raise WasmError(f"unknown type {index}", at)
        return index

    module.functions = reader.vector(item)


def _table_section(reader: _Reader, module: Module) -> None:
    module.tables = reader.vector(lambda: _table_type(reader))


def _memory_section(reader: _Reader, module: Module) -> None:
    module.memories = reader.vector(lambda: _limits(reader))


def _global_section(reader: _Reader, module: Module) -> None:
    module.globals = reader.vector(
        lambda: Global(*_global_type(reader), _expression(reader, module))
    )


def _export_section(reader: _Reader, module: Module) -> None:
    def item() -> Export:
        at, name, kind = reader.position, reader.name(), reader.byte()
        if kind > 3:
            raise WasmError(f"unknown kind of export {kind:#04x}", reader.position - 1)
        return Export(name, _KINDS[kind], reader.unsigned(), at)

    module.exports = reader.vector(item)


def _start_section(reader: _Reader, module: Module) -> None:
    at = reader.position
    module.start = reader.unsigned(), at


def _element_section(reader: _Reader, module: Module) -> None:
    def item() -> Element:
        at, table = reader.position, reader.unsigned()
        if table > 0:
            raise Unsupported(f"element segment of a later kind ({table}) at offset {at:#x}")
        offset = _expression(reader, module)
        return Element(table, offset, tuple(reader.vector(reader.unsigned)), at)

    module.elements = reader.vector(item)


def _data_section(reader: _Reader, module: Module) -> None:
    def item() -> Data:
        at, memory = reader.position, reader.unsigned()
        if memory > 0:
            raise Unsupported(f"data segment of a later kind ({memory}) at offset {at:#x}")
        offset = _expression(reader, module)
        return Data(memory, offset, reader.take(reader.unsigned()), at)

    module.data = reader.vector(item)


def _data_count_section(reader: _Reader, module: Module) -> None:
    raise Unsupported("a data count section (bulk memory); compile with -mcpu=mvp")


def _code_section(reader: _Reader, module: Module) -> None:
    def item() -> Body:
        body = reader.window(reader.unsigned())
        at, kinds = body.position, []
        for _ in range(body.unsigned()):
            count, place = body.unsigned(), body.position
            if len(kinds) + count > 50_000:
                raise WasmError("too many locals", place)
            kinds += [body.value_type()] * count
        code = _expression(body, module)
        if body.position != body.end:
            raise WasmError("code behind the end of a function", body.position)
        return Body(tuple(kinds), code, at)

    module.bodies = reader.vector(item)


def _expression(reader: _Reader, module: Module) -> list[Instr]:
    """Instructions up to the `end` that closes the expression (included)."""
    code, depth = [], 1
    while depth:
        at = reader.position
        number = reader.byte()
        row = OPCODES.get(number)
        if row is None:
            if number in (0xFC, 0xFD, 0xFE) or number in (0x1C, 0x25, 0x26, 0xD0, 0xD1, 0xD2):
                raise Unsupported(
                    f"instruction {number:#04x} at offset {at:#x} belongs to a later extension of "
                    "WebAssembly; compile with -mcpu=mvp"
                )
            raise WasmError(f"unknown instruction {number:#04x}", at)
        code.append(Instr(row.name, _immediate(reader, row.immediate, module), at))
        depth += (row.immediate == "block") - (row.name == "end")
    return code


def _immediate(reader: _Reader, kind: str, module: Module):
    at = reader.position
    if kind == "":
        return None
    if kind == "index":
        return reader.unsigned()
    if kind == "i32":
        return reader.signed(32) & 0xFFFFFFFF
    if kind == "i64":
        return reader.signed(64) & 0xFFFFFFFFFFFFFFFF
    if kind == "memory":
        return reader.unsigned(), reader.unsigned()  # alignment exponent, offset
    if kind == "block":
        return _block_type(reader, module)
    if kind == "indices":
        return (*reader.vector(reader.unsigned), reader.unsigned())
    if kind == "indirect":
        index = reader.unsigned()
        if reader.byte():
            raise WasmError("zero byte expected", reader.position - 1)
        return index
    if kind == "zero":
        if reader.byte():
            raise WasmError("zero byte expected", at)
        return None
    return reader.take(4 if kind == "f32" else 8)


def _block_type(reader: _Reader, module: Module) -> FunctionType:
    at = reader.position
    code = reader.signed(33)
    if code >= 0:
        if code >= len(module.types):
            raise WasmError(f"unknown type {code}", at)
        return module.types[code]
    if code == -64:
        return FunctionType((), ())
    if code & 0x7F not in VALUE_TYPES or code < -64:
        raise WasmError("malformed block type", at)
    return FunctionType((), (VALUE_TYPES[code & 0x7F],))


_SECTIONS = {
    1: _type_section,
    2: _import_section,
    3: _function_section,
    4: _table_section,
    5: _memory_section,
    6: _global_section,
    7: _export_section,
    8: _start_section,
    9: _element_section,
    10: _code_section,
    11: _data_section,
    12: _data_count_section,
}
