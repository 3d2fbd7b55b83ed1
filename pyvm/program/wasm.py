"""Decoder of the WebAssembly 1.0 binary format, with what later extensions have by default: several
results, sign extension, kinds of segments, copying of memory.

Enters: the bytes of a .wasm file.  Leaves: a `Module`.  Malformed bytes raise `WasmError` with the
offset; whether the module is valid is decided in validate.py.
"""

from __future__ import annotations

from pyvm.program.errors import Unsupported, WasmError
from pyvm.program.module import (
    Body,
    Data,
    Element,
    Export,
    FunctionType,
    Global,
    Import,
    Limits,
    Module,
)
from pyvm.program.reader import Reader
from pyvm.program.wasm_code import expression


def decode(data: bytes) -> Module:
    """The module in `data`; raises WasmError, or Unsupported for later extensions."""
    reader = Reader(data)
    if data[:4] != b"\0asm":
        raise WasmError("not a WebAssembly file (magic number missing)", 0)
    reader.take(4)
    if reader.take(4) != b"\1\0\0\0":
        raise WasmError("unknown version", 4)
    module, last = Module(), -1
    while reader.position < reader.end:
        at = reader.position
        section = reader.byte()
        content = reader.window(reader.unsigned())
        if section == 0:
            _custom_section(content, module)
            continue
        if section not in _SECTIONS:
            raise WasmError(f"unknown section {section}", at)
        order = list(_SECTIONS).index(section)
        if order <= last:
            raise WasmError(f"section {section} out of order", at)
        last = order
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


def without_custom_sections(data: bytes, kept_names: tuple[str, ...] = ("name",)) -> bytes:
    """The module without custom sections but those of the given names."""
    reader = Reader(data)
    kept = bytearray(reader.take(8))
    while reader.position < reader.end:
        start = reader.position
        section = reader.byte()
        content = reader.window(reader.unsigned())
        if section or content.name() in kept_names:
            kept += data[start : reader.position]
    return bytes(kept)


def _custom_section(reader: Reader, module: Module) -> None:
    name = reader.name()
    if name.startswith(".debug_"):
        module.debug[name] = reader.take(reader.end - reader.position)
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


def _type_section(reader: Reader, module: Module) -> None:
    def item() -> FunctionType:
        at = reader.position
        if reader.byte() != 0x60:
            raise WasmError("a function type starts with 0x60", at)
        return FunctionType(
            tuple(reader.vector(reader.value_type)), tuple(reader.vector(reader.value_type))
        )

    module.types = reader.vector(item)


def _limits(reader: Reader) -> Limits:
    at = reader.position
    flag = reader.byte()
    if flag > 1:
        raise WasmError(f"limits flag {flag:#04x} is not of WebAssembly 1.0", at)
    minimum = reader.unsigned()
    return Limits(minimum, reader.unsigned() if flag else None)


def _table_type(reader: Reader) -> Limits:
    at = reader.position
    if reader.byte() != 0x70:
        raise WasmError("a table holds functions (0x70)", at)
    return _limits(reader)


def _global_type(reader: Reader) -> tuple[str, bool]:
    kind, at = reader.value_type(), reader.position
    mutable = reader.byte()
    if mutable > 1:
        raise WasmError("malformed mutability", at)
    return kind, bool(mutable)


_KINDS = ("func", "table", "memory", "global")


def _import_section(reader: Reader, module: Module) -> None:
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


def _function_section(reader: Reader, module: Module) -> None:
    def item() -> int:
        at, index = reader.position, reader.unsigned()
        if index >= len(module.types):
            raise WasmError(f"unknown type {index}", at)
        return index

    module.functions = reader.vector(item)


def _table_section(reader: Reader, module: Module) -> None:
    module.tables = reader.vector(lambda: _table_type(reader))


def _memory_section(reader: Reader, module: Module) -> None:
    module.memories = reader.vector(lambda: _limits(reader))


def _global_section(reader: Reader, module: Module) -> None:
    module.globals = reader.vector(
        lambda: Global(*_global_type(reader), expression(reader, module))
    )


def _export_section(reader: Reader, module: Module) -> None:
    def item() -> Export:
        at, name, kind = reader.position, reader.name(), reader.byte()
        if kind > 3:
            raise WasmError(f"unknown kind of export {kind:#04x}", reader.position - 1)
        return Export(name, _KINDS[kind], reader.unsigned(), at)

    module.exports = reader.vector(item)


def _start_section(reader: Reader, module: Module) -> None:
    at = reader.position
    module.start = reader.unsigned(), at


def _element_section(reader: Reader, module: Module) -> None:
    """Bit 0 of the flag: not active; bit 1: explicit table or kind; bit 2: constant expressions."""

    def item() -> Element:
        at, flag = reader.position, reader.unsigned()
        if flag > 7:
            raise WasmError(f"unknown kind of element segment {flag}", at)
        if flag & 3 == 2 and reader.unsigned():
            raise Unsupported(f"an element segment of a second table at offset {at:#x}")
        offset = None if flag & 1 else expression(reader, module)
        if flag & 3:
            kind = reader.byte()
            if kind != (0x70 if flag & 4 else 0):
                raise Unsupported(f"an element segment of other than functions at offset {at:#x}")
        functions = reader.vector(_element if flag & 4 else reader.unsigned)
        return Element(offset, tuple(functions), at)

    def _element() -> int | None:
        """ref.func or ref.null, and `end`."""
        at, op = reader.position, reader.byte()
        value = reader.unsigned() if op == 0xD2 else None
        if op not in (0xD0, 0xD2) or (op == 0xD0 and reader.byte() != 0x70):
            raise Unsupported(f"an element that is no function at offset {at:#x}")
        if reader.byte() != 0x0B:
            raise WasmError("a constant expression is one instruction", reader.position - 1)
        return value

    module.elements = reader.vector(item)


def _data_section(reader: Reader, module: Module) -> None:
    def item() -> Data:
        at, flag = reader.position, reader.unsigned()
        if flag > 2:
            raise WasmError(f"unknown kind of data segment {flag}", at)
        if flag == 2 and reader.unsigned():
            raise Unsupported(f"a data segment of a second memory at offset {at:#x}")
        offset = None if flag == 1 else expression(reader, module)
        return Data(offset, reader.take(reader.unsigned()), at)

    module.data = reader.vector(item)


def _data_count_section(reader: Reader, module: Module) -> None:
    reader.unsigned()  # for instructions that name segments, which are refused


def _code_section(reader: Reader, module: Module) -> None:
    module.code = range(reader.position, reader.end)

    def item() -> Body:
        body = reader.window(reader.unsigned())
        at, kinds = body.position, []
        for _ in range(body.unsigned()):
            count, place = body.unsigned(), body.position
            if len(kinds) + count > 50_000:
                raise WasmError("too many locals", place)
            kinds += [body.value_type()] * count
        index = len(module.imported("func")) + len(module.bodies)
        code = expression(body, module, f" in function {index}")
        if body.position != body.end:
            raise WasmError("code behind the end of a function", body.position)
        return Body(tuple(kinds), code, at)

    for _ in range(reader.unsigned()):
        module.bodies.append(item())


_SECTIONS = {  # in the order of the file
    1: _type_section,
    2: _import_section,
    3: _function_section,
    4: _table_section,
    5: _memory_section,
    6: _global_section,
    7: _export_section,
    8: _start_section,
    9: _element_section,
    12: _data_count_section,
    10: _code_section,
    11: _data_section,
}
