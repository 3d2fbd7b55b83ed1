"""Decoder of instructions.

Enters: a reader at the start of a function's code or of a constant expression, and the module so
far.  Leaves: `Instr`s up to the `end` that closes it.
"""

from __future__ import annotations

from pyvm.isa.errors import WasmError
from pyvm.wasm import limits, proposals
from pyvm.wasm.module import Clause, FunctionType, Immediate, Instr, Module, TryTable
from pyvm.wasm.opcodes import OPCODES, VALUE_TYPES
from pyvm.wasm.reader import Reader

_PREFIXES = (0xFB, 0xFC, 0xFD, 0xFE)
_NOTHING = FunctionType((), ())
_ONE_RESULT = {code: FunctionType((), (name,)) for code, name in VALUE_TYPES.items()}
_OTHER_MEMORY = 0x40  # in an alignment exponent: the index of a memory follows


def expression(reader: Reader, module: Module, where: str = "") -> list[Instr]:
    """Instructions up to the `end` that closes the expression (included)."""
    code: list[Instr] = []
    depth = 1
    while depth:
        at = reader.position
        prefix, number = None, reader.byte()
        if number in _PREFIXES:
            prefix, number = number, reader.unsigned()
        row = OPCODES.get(number if prefix is None else prefix << 8 | number)
        if row is None or number > 0xFF:
            known = proposals.instruction(prefix, number)
            spelled = f"{number:#04x}" if prefix is None else f"{prefix:#04x} {number:#04x}"
            raise proposals.refusal(known, at, f"unknown instruction {spelled}", where)
        code.append(Instr(row.name, _immediate(reader, row.immediate, module, where), at))
        depth += (row.immediate in ("block", "try_table")) - (row.name in ("end", "delegate"))
        module.instructions += 1
        if module.instructions > limits.INSTRUCTIONS:
            limits.bounded(module.instructions, limits.INSTRUCTIONS, "instructions", at)
    return code


def _immediate(reader: Reader, kind: str, module: Module, where: str) -> Immediate:
    at = reader.position
    if kind == "":
        return None
    if kind in ("index", "data"):
        return reader.unsigned()
    if kind == "segment":
        index = reader.unsigned()
        if reader.byte():  # the only memory's index
            raise WasmError("zero byte expected", at)
        return index
    if kind == "i32":
        return reader.signed(32) & 0xFFFFFFFF
    if kind == "i64":
        return reader.signed(64) & 0xFFFFFFFFFFFFFFFF
    if kind == "memory":
        alignment = reader.unsigned()
        if alignment & ~(_OTHER_MEMORY - 1) == _OTHER_MEMORY:
            raise proposals.missing(("a memory index", proposals.MULTI_MEMORY), at, where)
        return alignment, reader.unsigned()
    if kind == "block":
        return _block_type(reader, module)
    if kind == "try_table":
        return TryTable(_block_type(reader, module), tuple(reader.vector(lambda: _clause(reader))))
    if kind == "indices":
        return (*reader.vector(reader.unsigned), reader.unsigned())
    if kind in ("indirect", "pair"):
        return reader.unsigned(), reader.unsigned()
    if kind == "reference":
        return reader.heap_type()
    if kind in ("zero", "zeros"):
        if any(reader.take(1 if kind == "zero" else 2)):  # the only memory's index
            raise WasmError("zero byte expected", at)
        return None
    if kind == "types":
        types = reader.vector(reader.value_type)
        if len(types) != 1:
            raise WasmError("invalid result arity: select has one result", at)
        return types[0]
    return reader.take(4 if kind == "f32" else 8)


def _clause(reader: Reader) -> Clause:
    at, kind = reader.position, reader.byte()
    if kind > 3:
        raise WasmError(f"unknown kind of catch clause {kind:#04x}", at)
    return Clause(reader.unsigned() if kind < 2 else None, bool(kind & 1), reader.unsigned())


def _block_type(reader: Reader, module: Module) -> FunctionType:
    at = reader.position
    code = reader.signed(33)
    if code >= 0:
        if code >= len(module.types):
            raise WasmError(f"unknown type {code}", at)
        return module.types[code]
    if code == -64:
        return _NOTHING
    if code < -64 or reader.position != at + 1:  # a type is one byte
        raise WasmError("malformed block type", at)
    if code & 0x7F not in VALUE_TYPES:
        raise reader.no_value_type(code & 0x7F, at)
    return _ONE_RESULT[code & 0x7F]
