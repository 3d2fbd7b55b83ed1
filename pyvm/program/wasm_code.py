"""Decoder of instructions.

Enters: a reader at the start of a function's code or of a constant expression, and the module so
far.  Leaves: `Instr`s up to the `end` that closes it.
"""

from __future__ import annotations

from pyvm.program.errors import Unsupported, WasmError
from pyvm.program.module import FunctionType, Instr, Module
from pyvm.program.opcodes import OPCODES, VALUE_TYPES
from pyvm.program.reader import Reader

_PREFIXES = (0xFB, 0xFC, 0xFD, 0xFE)
_LATER = (0x06, 0x07, 0x08, 0x09, 0x0A, 0x12, 0x13, 0x14, 0x15, 0x18, 0x19, 0x1F, 0x25, 0x26,
          *range(0xD0, 0xD7))  # fmt: skip


def expression(reader: Reader, module: Module, where: str = "") -> list[Instr]:
    """Instructions up to the `end` that closes the expression (included)."""
    code, depth = [], 1
    while depth:
        at = reader.position
        number = reader.byte()
        if number in _PREFIXES:
            number = number << 8 | min(reader.unsigned(), 0xFF)
        row = OPCODES.get(number)
        if row is None:
            if number >> 8 in _PREFIXES or number in _LATER:
                raise Unsupported(
                    f"instruction {number:#04x} at offset {at:#x}{where} belongs to a later "
                    "extension of WebAssembly; compile with -mcpu=mvp"
                )
            raise WasmError(f"unknown instruction {number:#04x}", at)
        code.append(Instr(row.name, _immediate(reader, row.immediate, module), at))
        depth += (row.immediate == "block") - (row.name == "end")
    return code


def _immediate(reader: Reader, kind: str, module: Module):
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
        if reader.unsigned():
            raise Unsupported(f"call_indirect of a second table at offset {at - 1:#x}")
        return index
    if kind in ("zero", "zeros"):
        if any(reader.take(1 if kind == "zero" else 2)):
            raise WasmError("zero byte expected", at)
        return None
    if kind == "types":
        types = reader.vector(reader.value_type)
        if len(types) != 1:
            raise WasmError("invalid result arity: select has one result", at)
        return types[0]
    return reader.take(4 if kind == "f32" else 8)


def _block_type(reader: Reader, module: Module) -> FunctionType:
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
