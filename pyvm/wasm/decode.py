"""Decoder of the WebAssembly 1.0 binary format, with what later extensions have by default: several
results, sign extension, kinds of segments, copying of memory.

Enters: the bytes of a .wasm file.  Leaves: a `Module`.  Malformed bytes raise `WasmError` with the
offset; what belongs to another proposal raises `Unsupported` with its name (proposals.py), and so
does what is too large (limits.py).  Whether the module is valid is decided in validate.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pyvm.isa.errors import Missing, WasmError
from pyvm.wasm import limits, proposals
from pyvm.wasm.code import expression
from pyvm.wasm.missing import stub, without_missing_types
from pyvm.wasm.module import (
    Body,
    Data,
    Element,
    Export,
    FunctionType,
    Global,
    Import,
    Limits,
    Module,
    Table,
)
from pyvm.wasm.reader import Reader

T = TypeVar("T")
_GLOBAL_GET, _REF_NULL, _REF_FUNC = 0x23, 0xD0, 0xD2  # what an element may be
_NAMES = "name"  # the custom section with the functions' names
_COMPONENT = b"\x0d\0\1\0"


def decode(data: bytes) -> Module:
    """The module in `data`; raises WasmError, or Unsupported for later extensions."""
    reader = Reader(data)
    if data[:4] != b"\0asm":
        raise WasmError("not a WebAssembly file (magic number missing)", 0)
    reader.take(4)
    version = reader.take(4)
    if version == _COMPONENT:
        raise proposals.missing(("a component", proposals.COMPONENT_MODEL), 4)
    if version != b"\1\0\0\0":
        raise WasmError("unknown version", 4)
    module, last, names = Module(), -1, None
    while reader.position < reader.end:
        at = reader.position
        section = reader.byte()
        content = reader.window(reader.unsigned())
        if section == 0:
            name = content.name()
            if name == _NAMES:
                names = content
            elif name.startswith(".debug_"):
                module.debug[name] = content.take(content.end - content.position)
            continue
        if section not in _SECTIONS:
            raise proposals.refusal(proposals.section(section), at, f"unknown section {section}")
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
    without_missing_types(module, module.missing_types)
    if module.data_count not in (None, len(module.data)):
        raise WasmError(
            f"{module.data_count} data segments are announced, {len(module.data)} are there",
            len(data),
        )
    if names is not None:
        functions = len(module.imported("func")) + len(module.functions)
        module.names = _names(names, 1, functions)
        module.tag_names = _names(names, 11, len(module.tag_types()))
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


def _names(section: Reader, wanted: int, count: int) -> dict[int, str]:
    """The names of functions (1) or tags (11) below `count`.  Names are a courtesy: a damaged
    section has none.
    """
    names: dict[int, str] = {}
    reader = Reader(section.data, section.position, section.end)
    try:
        while reader.position < reader.end:
            kind = reader.byte()
            part = reader.window(reader.unsigned())
            if kind == wanted:
                for _ in range(part.unsigned()):
                    index, name = part.unsigned(), part.name()
                    if index < count:
                        names[index] = name
    except WasmError:
        return {}
    return names


def _entries(reader: Reader, what: str, item: Callable[[], T]) -> list[T]:
    """The entries of a section."""
    at = reader.position
    count = reader.unsigned()
    if count > reader.end - reader.position:  # every entry takes at least one byte
        raise WasmError("unexpected end", at)
    limits.bounded(count, limits.ENTRIES, what, at)
    return [item() for _ in range(count)]


def _type_section(reader: Reader, module: Module) -> None:
    def kinds(what: str) -> tuple[str, ...]:
        at = reader.position
        found = tuple(reader.vector(lambda: reader.any_value_type(module.missing_types)))
        limits.bounded(len(found), limits.TYPE_WORDS, f"{what} of one type", at)
        return found

    def item() -> FunctionType:
        at = reader.position
        form = reader.byte()
        if form != 0x60:
            known = proposals.type_definition(form)
            raise proposals.refusal(known, at, "a function type starts with 0x60")
        return FunctionType(kinds("parameters"), kinds("results"))

    module.types = _entries(reader, "types", item)


def _limits(reader: Reader, memory: bool) -> Limits:
    at = reader.position
    flag = reader.byte()
    if flag > 1:
        known = proposals.limits(flag, memory)
        raise proposals.refusal(known, at, f"unknown limits flag {flag:#04x}")
    minimum = reader.unsigned()
    return Limits(minimum, reader.unsigned() if flag else None)


def _memory_type(reader: Reader, module: Module) -> Limits:
    at = reader.position
    if module.imported("memory") or module.memories:
        raise proposals.missing(("a second memory", proposals.MULTI_MEMORY), at)
    return _limits(reader, memory=True)


def _table_type(reader: Reader) -> Table:
    at = reader.position
    if reader.data[at : at + 1] == b"\x40":  # and a zero byte
        raise proposals.missing(
            ("a table with an initial value", proposals.FUNCTION_REFERENCES), at
        )
    kind = reader.reference_type()
    size = _limits(reader, memory=False)
    return Table(size.minimum, size.maximum, kind)


def _global_type(reader: Reader) -> tuple[str, bool]:
    kind, at = reader.value_type(), reader.position
    mutable = reader.byte()
    if mutable > 1:
        if mutable <= 3:
            known = "a shared global", proposals.SHARED_EVERYTHING
            raise proposals.missing(known, at)
        raise WasmError("malformed mutability", at)
    return kind, bool(mutable)


_KINDS = ("func", "table", "memory", "global", "tag")


def _kind(reader: Reader, what: str) -> str:
    at, kind = reader.position, reader.byte()
    if kind > 4:
        raise WasmError(f"unknown kind of {what} {kind:#04x}", at)
    return _KINDS[kind]


def _type_index(reader: Reader, module: Module) -> int:
    at, index = reader.position, reader.unsigned()
    if index >= len(module.types):
        raise WasmError(f"unknown type {index}", at)
    return index


def _tag_type(reader: Reader, module: Module) -> int:
    at = reader.position
    if reader.byte():
        raise WasmError("zero byte expected", at)
    return _type_index(reader, module)


def _import_section(reader: Reader, module: Module) -> None:
    read: dict[str, Callable[[], int | Limits | tuple[str, bool]]] = {
        "func": lambda: _type_index(reader, module),
        "table": lambda: _table_type(reader),
        "memory": lambda: _memory_type(reader, module),
        "global": lambda: _global_type(reader),
        "tag": lambda: _tag_type(reader, module),
    }

    def item() -> None:
        at = reader.position
        names = reader.name(), reader.name()
        kind = _kind(reader, "import")
        desc = read[kind]()
        module.add_import(Import(*names, kind, desc, at))

    _entries(reader, "imports", item)


def _function_section(reader: Reader, module: Module) -> None:
    module.functions = _entries(reader, "functions", lambda: _type_index(reader, module))


def _table_section(reader: Reader, module: Module) -> None:
    _entries(reader, "tables", lambda: module.tables.append(_table_type(reader)))


def _memory_section(reader: Reader, module: Module) -> None:
    _entries(reader, "memories", lambda: module.memories.append(_memory_type(reader, module)))


def _tag_section(reader: Reader, module: Module) -> None:
    module.tags = _entries(reader, "tags", lambda: _tag_type(reader, module))


def _global_section(reader: Reader, module: Module) -> None:
    module.globals = _entries(
        reader, "globals", lambda: Global(*_global_type(reader), expression(reader, module))
    )


def _export_section(reader: Reader, module: Module) -> None:
    def item() -> Export:
        at, name = reader.position, reader.name()
        return Export(name, _kind(reader, "export"), reader.unsigned(), at)

    module.exports = _entries(reader, "exports", item)


def _start_section(reader: Reader, module: Module) -> None:
    at = reader.position
    module.start = reader.unsigned(), at


def _element_section(reader: Reader, module: Module) -> None:
    """Bit 0 of the flag: not active; bit 1: explicit table or kind; bit 2: constant expressions."""

    def item() -> Element:
        at, flag = reader.position, reader.unsigned()
        if flag > 7:
            raise WasmError(f"unknown kind of element segment {flag}", at)
        table = reader.unsigned() if flag & 3 == 2 else 0
        offset = None if flag & 1 else expression(reader, module)
        kind = "funcref"
        if flag & 3 and flag & 4:
            kind = reader.reference_type()
        elif flag & 3 and (code := reader.byte()):
            raise WasmError(f"unknown kind of elements {code:#04x}", reader.position - 1)
        from_globals: list[int | None] = []

        def constant() -> int | None:
            function, source = _element(kind)
            from_globals.append(source)
            return function

        functions = tuple(reader.vector(constant if flag & 4 else reader.unsigned))
        sources = tuple((i, source) for i, source in enumerate(from_globals) if source is not None)
        return Element(offset, functions, at, table, kind, flag & 3 == 3, sources)

    def _element(kind: str) -> tuple[int | None, int | None]:
        """ref.func, ref.null or global.get, and `end`: the function, or the global."""
        at, op = reader.position, reader.byte()
        if op not in (_GLOBAL_GET, _REF_NULL, _REF_FUNC):
            raise WasmError("an element is a reference", at)
        found = kind
        value = None
        if op == _REF_NULL:
            found = reader.heap_type()
        else:
            value = reader.unsigned()
            found = "funcref" if op == _REF_FUNC else kind
        if found != kind:
            raise WasmError(f"type mismatch: {kind} expected, found {found}", at)
        if reader.byte() != 0x0B:
            raise WasmError("an element is one instruction", reader.position - 1)
        return (None, value) if op == _GLOBAL_GET else (value, None)

    module.elements = _entries(reader, "element segments", item)


def _data_section(reader: Reader, module: Module) -> None:
    def item() -> Data:
        at, flag = reader.position, reader.unsigned()
        if flag > 2:
            raise WasmError(f"unknown kind of data segment {flag}", at)
        if flag == 2 and (memory := reader.unsigned()):
            raise WasmError(f"unknown memory {memory}", at)
        offset = None if flag == 1 else expression(reader, module)
        return Data(offset, reader.take(reader.unsigned()), at)

    module.data = _entries(reader, "data segments", item)


def _data_count_section(reader: Reader, module: Module) -> None:
    module.data_count = reader.unsigned()


def _code_section(reader: Reader, module: Module) -> None:
    module.code = range(reader.position, reader.end)
    imported, total = len(module.imported("func")), 0

    def item() -> None:
        body = reader.window(reader.unsigned())
        at = body.position
        try:
            module.bodies.append(content(body, at))
        except Missing as why:
            module.bodies.append(stub(why, at))

    def content(body: Reader, at: int) -> Body:
        nonlocal total
        kinds: list[str] = []
        for _ in range(body.unsigned()):
            place, count = body.position, body.unsigned()
            kind = body.value_type()
            limits.bounded(
                len(kinds) + count, limits.FUNCTION_LOCALS, "locals of a function", place
            )
            total += count
            limits.bounded(total, limits.TOTAL_LOCALS, "locals of all functions", place)
            kinds += [kind] * count
        code = expression(body, module, f" in function {imported + len(module.bodies)}")
        if body.position != body.end:
            raise WasmError("code behind the end of a function", body.position)
        return Body(tuple(kinds), code, at)

    _entries(reader, "functions", item)


_SECTIONS = {  # in the order of the file
    1: _type_section,
    2: _import_section,
    3: _function_section,
    4: _table_section,
    5: _memory_section,
    13: _tag_section,
    6: _global_section,
    7: _export_section,
    8: _start_section,
    9: _element_section,
    12: _data_count_section,
    10: _code_section,
    11: _data_section,
}
