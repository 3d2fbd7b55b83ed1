"""Operands at which instructions change their ways, and programs that compute with them.

Enters: an instruction.  Leaves: its operands at 40 boundary values, and a `Program` that executes
it on each.
"""

from __future__ import annotations

from itertools import product

from pyvm.isa import instructions as isa
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.program import Program

I32, I64 = "i32", "i64"
_NUMERIC = (
    isa.ADD, isa.SUB, isa.COMPARE, isa.LOGIC, isa.SHIFT, isa.COUNT, isa.MULTIPLY,
    isa.MULTIPLY_HIGH, isa.DIVIDE, isa.REMAIN,
)  # fmt: skip


def boundaries(bits: int) -> tuple[int, ...]:
    """40 numbers at which bytes, signs, carries and shifts change."""
    half, top = 1 << bits - 1, (1 << bits) - 1
    numbers = [0, 1, 2, 3, 5, 7, 8, 10, 15, 16, 31, 32, 33, 63, 64, 100, 0x7F, 0x80, 0xFF, 0x100]
    numbers += [0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x00FF00FF, 0xFF000000, 0x12345678]
    numbers += [half - 1, half, half + 1, top, top - 1, top - 6, top - 0x7F, top - 0x80, top - 0xFF]
    numbers += [top - 0xFFFF, top // 3, top // 3 * 2]
    numbers += [0x7FFFFFFF80000000 if bits == 64 else 0x80808080]
    return tuple(dict.fromkeys(numbers))


BOUNDARIES = {I32: boundaries(32), I64: boundaries(64)}


def numeric_rows() -> list[Instruction]:
    """The instructions that compute a number from the operands alone."""
    rows = INSTRUCTIONS.values()
    return [row for row in rows if row.source in _NUMERIC or _converts(row)]


def _converts(row: Instruction) -> bool:
    return row.source == isa.TOP and row.pushes and not row.cell


def operand_types(row: Instruction) -> tuple[str, ...]:
    return tuple(I64 if size == 8 else I32 for size in row.operands)


def result_type(row: Instruction) -> str:
    return I64 if row.value_bytes == 8 else I32


def constant(kind: str, number: int) -> list[tuple[str, int]]:
    """The rows that push a number."""
    if kind == I32:
        return [("i32.const", number & 0xFFFFFFFF)]
    return [("i64.const", number & 0xFFFFFFFF), ("i64.high", number >> 32 & 0xFFFFFFFF)]


def operands_of(row: Instruction) -> list[tuple[int, ...]]:
    """All tuples of boundary values that an instruction takes."""
    return list(product(*(BOUNDARIES[kind] for kind in operand_types(row))))


def computing(row: Instruction, operands: list[tuple[int, ...]]) -> Program:
    """The instruction on one tuple of operands after the other."""
    code: list[tuple[str, int]] = []
    for numbers in operands:
        for kind, number in zip(operand_types(row), numbers, strict=True):
            code += constant(kind, number)
        code += [(row.name, 0), ("drop", 0)]
    return Program((*code, ("halt", 0)))
