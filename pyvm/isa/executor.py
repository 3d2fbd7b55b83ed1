"""The reference executor of token programs: what each instruction means, in the plainest way.

Enters: a `Program` (or its code and input).  Leaves: the trace, token by token, exactly as the
machine generates it.  Slow and obvious; `tvm_trace` of libtvm is the fast one, and both must agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyvm.isa import arithmetic
from pyvm.isa import instructions as isa
from pyvm.isa.errors import ExecutionError
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.tokens import byte_token, commit_token, completing_token, output_token

_WORD = 0xFFFFFFFF


def _bytes(value: int, count: int = 4, marks: list[bool] | None = None) -> list[tuple[int, bool]]:
    """(byte, mark) of a value, least significant first."""
    return [(value >> 8 * k & 0xFF, bool(marks and marks[k])) for k in range(count)]


class Executor:
    """State of a run; `run` yields the tokens."""

    def __init__(self, code: tuple[tuple[str, int], ...], input: bytes | None = None):
        self.code = code
        self.cursor = 0
        self.stack: list[int] = []
        self.calls: list[int] = []
        self.locals: dict[tuple[int, int], int] = {}
        self.globals: dict[int, int] = {}
        self.memory: dict[int, int] = {}
        self.output = bytearray()
        self.instructions = 0
        self.halted = False
        if input is not None:
            base = code[0][1]
            self.memory.update(enumerate((*input, 0), base))
            self.cursor = 1

    def _pop(self) -> int:
        if not self.stack:
            raise ExecutionError(f"instruction {self.cursor}: the operand stack is empty")
        return self.stack.pop()

    def run(self) -> Iterator[str]:
        """Executes until `halt`; yields every token of the trace."""
        while not self.halted:
            if not 0 <= self.cursor < len(self.code):
                raise ExecutionError(f"the cursor left the program: {self.cursor}")
            self.instructions += 1
            yield from self._step(*self.code[self.cursor])

    def _step(self, op: str, imm: int) -> list[str]:
        row = INSTRUCTIONS[op]
        if row.completion == isa.HALT:
            self.halted = True
            return ["halt"]
        if row.completion == isa.OUTPUT:
            value = self._pop() & 0xFF
            self.output.append(value)
            self.cursor += 1
            return [output_token(value)]
        if row.immediate == isa.JUMP:
            return self._jump(row, imm)
        if row.completion == isa.NEVER:
            raise ExecutionError(f"instruction {self.cursor}: {op} cannot be executed again")
        emitted = self._value(row, imm)
        if row.pushes:
            self.stack.append(_word(emitted))
        self.cursor += 1
        return [*(byte_token(*item) for item in emitted), completing_token(row)]

    def _jump(self, row: Instruction, imm: int) -> list[str]:
        if row.pops and not self._pop():  # a br_if that is not taken
            self.cursor += 1
            return [commit_token(-1, False)]
        offset = _bytes(imm)
        if row.completion == isa.CALL_COMMIT:
            self.calls.append(imm)
        elif row.source == isa.RETURN:
            if not self.calls:
                raise ExecutionError(f"instruction {self.cursor}: return without a call")
            offset = _subtract(imm, self.calls.pop())
        self.cursor += 1 + arithmetic.signed(_word(offset), 32)
        return ["branch_taken", *(byte_token(*item) for item in offset), completing_token(row)]

    def _value(self, row: Instruction, imm: int) -> list[tuple[int, bool]]:
        """Takes the operands, reads or writes the cell; the bytes that the instruction emits."""
        operands = [self._pop() for _ in range(row.pops)][::-1]
        address = imm + operands[0] if row.cell == isa.ADDRESS else 0
        if row.source == isa.CELL:
            if row.cell == isa.ADDRESS:
                return self._load(row, address)
            return _bytes(self._read(row, imm))
        if row.source == isa.COMPARE:
            result = arithmetic.fold(row.name, operands)
            assert result is not None, row.name
            return _bytes(result)
        if row.source == isa.SELECT:
            return _bytes(operands[0] if operands[2] else operands[1])
        if row.source == isa.ADD:
            return _add(*operands)
        if row.source == isa.SUB:
            return _subtract(*operands)
        if row.source == isa.NO_VALUE:
            return []
        emitted = _bytes(imm if row.source == isa.IMMEDIATE else operands[-1], row.value_bytes)
        if row.cell == isa.ADDRESS:
            self.memory.update((address + k, byte) for k, (byte, _) in enumerate(emitted))
        elif row.cell == isa.LOCAL:
            self.locals[len(self.calls), imm] = operands[-1]
        elif row.cell == isa.GLOBAL:
            self.globals[imm] = operands[-1]
        return emitted

    def _read(self, row: Instruction, index: int) -> int:
        if row.cell == isa.LOCAL:
            value = self.locals.get((len(self.calls), index))
        else:
            value = self.globals.get(index)
        if value is None:
            raise ExecutionError(
                f"instruction {self.cursor}: {row.name} {index} reads what was never written"
            )
        return value

    def _load(self, row: Instruction, address: int) -> list[tuple[int, bool]]:
        size = row.access_bytes
        value = sum(self.memory.get(address + k, 0) << 8 * k for k in range(size))
        negative = row.signed and bool(value >> 8 * size - 1)
        value |= (_WORD << 8 * size & _WORD) if negative else 0
        return _bytes(value, 4, [negative and k >= size - 1 for k in range(4)])


def _word(emitted: list[tuple[int, bool]]) -> int:
    return sum(byte << 8 * k for k, (byte, _) in enumerate(emitted))


def _add(a: int, b: int) -> list[tuple[int, bool]]:
    result, carry = [], 0
    for k in range(4):
        total = (a >> 8 * k & 0xFF) + (b >> 8 * k & 0xFF) + carry
        carry = total >> 8
        result.append((total & 0xFF, bool(carry)))
    return result


def _subtract(a: int, b: int) -> list[tuple[int, bool]]:
    result, borrow = [], 0
    for k in range(4):
        total = (a >> 8 * k & 0xFF) - (b >> 8 * k & 0xFF) - borrow
        borrow = int(total < 0)
        result.append((total & 0xFF, bool(borrow)))
    return result
