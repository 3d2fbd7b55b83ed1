"""Floats as their bits, which are integers.

Enters: the types and the code of a valid function.  Leaves: the same with i32 for f32 and i64 for
f64.

The machine has no floats.  Constants, variables, parameters, memory accesses, and the instructions
that touch no more than the sign or nothing at all, treat a float as its bits, which WebAssembly
keeps as they are.  What computes with floats stays: a function does it (pyvm/floats).
"""

from __future__ import annotations

import struct
from typing import TypeAlias

from pyvm.wasm.module import FunctionType, Immediate, Instr
from pyvm.wasm.opcodes import REFERENCES

# What an entry function takes: a number, the number of an external reference, None: a null one.
Argument: TypeAlias = "int | float | None"
_INTEGER = {"f32": "i32", "f64": "i64"}
_SIGN = {"f32": 1 << 31, "f64": 1 << 63}
_MOVES = {
    f"{kind}.{name}": f"{integer}.{name}"
    for kind, integer in _INTEGER.items()
    for name in ("load", "store")
}
_REINTERPRETATIONS = {
    "i32.reinterpret_f32", "f32.reinterpret_i32", "i64.reinterpret_f64", "f64.reinterpret_i64"
}  # fmt: skip
# A difference is the sum with the second sign turned.
SAME_WITH_SIGN = {f"{kind}.sub": f"{kind}.add" for kind in _INTEGER}


def integer_type(kind: str) -> str:
    """The type of a value's bits; a reference is a number (references.py)."""
    return "i32" if kind in REFERENCES.values() else _INTEGER.get(kind, kind)


def integer_types(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(integer_type, kinds))


def integer_function(kind: FunctionType) -> FunctionType:
    return FunctionType(integer_types(kind.params), integer_types(kind.results))


def argument(kind: str, value: Argument) -> int | None:
    """The bits of what is given as a value of this type; None: it is none.  The null reference is
    0, an external one its number plus 1 (references.py)."""
    if kind in REFERENCES.values():
        if value is None:
            return 0
        known = kind == "externref" and isinstance(value, int) and 0 <= value < (1 << 32) - 1
        return int(value) + 1 if known else None
    if value is None:
        return None
    if kind in _INTEGER:
        try:
            return int.from_bytes(struct.pack("<f" if kind == "f32" else "<d", value), "little")
        except OverflowError:
            return None
    bits = 64 if kind == "i64" else 32
    if isinstance(value, float) or not -(1 << bits - 1) <= value < 1 << bits:
        return None
    return value & (1 << bits) - 1


def bits_of(arg: Immediate) -> int:
    """The number whose bits are those of a float constant."""
    if not isinstance(arg, bytes):
        raise AssertionError(f"{arg!r} is no constant of a float")
    return int.from_bytes(arg, "little")


def integer_code(code: list[Instr]) -> list[Instr]:
    """The instructions with every move of a float as one of its bits."""
    result = []
    for instr in code:
        op, arg, at = instr
        kind, _, name = op.partition(".")
        if op in _REINTERPRETATIONS:
            continue
        if isinstance(arg, FunctionType):
            result.append(Instr(op, integer_function(arg), at))
        elif kind not in _INTEGER:
            result.append(instr)
        elif op in _MOVES:
            result.append(Instr(_MOVES[op], arg, at))
        elif name == "const":
            result.append(Instr(f"{_INTEGER[kind]}.const", bits_of(arg), at))
        elif name in ("neg", "abs"):
            constant = _SIGN[kind] if name == "neg" else _SIGN[kind] - 1
            operation = "xor" if name == "neg" else "and"
            result.append(Instr(f"{_INTEGER[kind]}.const", constant, at))
            result.append(Instr(f"{_INTEGER[kind]}.{operation}", None, at))
        elif op in SAME_WITH_SIGN:
            result.append(Instr(f"{_INTEGER[kind]}.const", _SIGN[kind], at))
            result.append(Instr(f"{_INTEGER[kind]}.xor", None, at))
            result.append(Instr(SAME_WITH_SIGN[op], None, at))
        else:
            result.append(instr)
    return result
