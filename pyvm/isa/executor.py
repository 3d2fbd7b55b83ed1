"""The reference executor of token programs: what each instruction means, in the plainest way.

Enters: a `Program` (or its code, and what stands behind the code in the prompt).  Leaves: the
trace, token by token, exactly as the machine generates it.  Slow and obvious; `tvm_trace` of libtvm
is the fast one, and both must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyvm.isa import arithmetic
from pyvm.isa import instructions as isa
from pyvm.isa.errors import ExecutionError
from pyvm.isa.instructions import INSTRUCTIONS, Instruction
from pyvm.isa.tokens import (
    byte_token,
    commit_token,
    completing_token,
    error_token,
    output_token,
    scratch_token,
    trap_token,
)
from pyvm.isa.traps import Trap

_WORD = 0xFFFFFFFF
_PAGE = 1 << 16
# (byte, mark) of each byte of a value, least significant first.
Emitted = list[tuple[int, bool]]


class Trapped(Exception):
    """The instruction traps; nothing of it is emitted."""

    def __init__(self, kind: Trap) -> None:
        super().__init__(kind)
        self.kind = kind


def _bytes(value: int, count: int = 4, marks: list[bool] | None = None) -> Emitted:
    return [(value >> 8 * k & 0xFF, bool(marks and marks[k])) for k in range(count)]


class Executor:
    """State of a run; `run` yields the tokens.

    `given`: the bytes that belong to the rows that the program begins with and that are never
    executed (input_base, data, elements), in their order.  `checked`: loads and stores trap beyond
    the memory, which those of the base machine do not.
    """

    def __init__(
        self,
        code: tuple[tuple[str, int], ...],
        given: Sequence[bytes] = (),
        checked: bool = True,
    ):
        self.code = code
        self.checked = checked
        self.cursor = len(given)
        self.stack: list[int] = []
        self.calls: list[int] = []
        self.words: dict[int, int] = {}  # globals and locals by the number of their slot
        self.memory: dict[int, int] = {}
        self.table: dict[int, int] = {}  # by 8 * index + byte
        self.pages = _PAGE  # until the program says how large its memory is
        self.output = bytearray()
        self.errors = bytearray()
        self.instructions = 0
        self.halted = False
        self.trap: Trap | None = None
        self.status = 0  # of an exit
        for (op, base), data in zip(code, given):
            cells = self.table if INSTRUCTIONS[op].cell == isa.TABLE else self.memory
            cells.update(enumerate(data, base))

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
            try:
                yield from self._step(*self.code[self.cursor])
            except Trapped as trapped:
                self.trap, self.halted = trapped.kind, True
                yield from (trap_token(trapped.kind), "halt")

    def _step(self, op: str, imm: int) -> list[str]:
        row = INSTRUCTIONS[op]
        if not row.executed:
            raise ExecutionError(f"instruction {self.cursor}: {op} cannot be executed")
        if row.completion == isa.TRAP:
            if imm not in list(Trap):
                raise ExecutionError(f"instruction {self.cursor}: {imm} is no kind of trap")
            raise Trapped(Trap(imm))
        operands = _taken(row, [self._pop() for _ in range(row.pops)][::-1])
        if row.completion in (isa.OUTPUT, isa.ERROR):
            value = operands[0] & 0xFF
            written = row.completion == isa.OUTPUT
            (self.output if written else self.errors).append(value)
            self.cursor += 1
            return [output_token(value) if written else error_token(value)]
        if op == "br_if" and not operands[0]:
            self.cursor += 1
            return [commit_token(-1, 0)]
        scratch = [scratch_token(q) for q in _scratch(row, operands)]
        emitted = self._value(row, imm, operands)
        tokens = [*scratch, *(byte_token(*item) for item in emitted), completing_token(row)]
        if row.completion == isa.HALT:
            self.halted = True  # the cursor stays
            self.status = emitted[0][0] if emitted else 0
            return tokens
        if row.jumps:
            return ["branch_taken", *self._jump(row, tokens, emitted)]
        if row.completion == isa.RESIZE:
            self.pages = _number(emitted)
        if row.pushes:
            self.stack.append(_number(emitted))
        self.cursor += 2 if row.completion == isa.SKIP else 1
        return tokens

    def _jump(self, row: Instruction, tokens: list[str], offset: Emitted) -> list[str]:
        if row.completion == isa.CALL_COMMIT:
            self.calls.append(_number(offset))
        elif row.completion == isa.RETURN_COMMIT:
            self.calls.pop()
        self.cursor += 1 + arithmetic.signed(_number(offset), 32)
        return tokens

    def _value(self, row: Instruction, imm: int, operands: list[int]) -> Emitted:
        """Reads or writes the cell; the bytes that the instruction emits."""
        size = row.value_bytes
        if row.source == isa.NO_VALUE:
            return []
        if row.source == isa.CELL:
            return self._read(row, imm, operands)
        if row.source == isa.RETURN:
            if not self.calls:
                raise ExecutionError(f"instruction {self.cursor}: return without a call")
            return _subtract(imm, self.calls[-1], 4)
        if row.source == isa.ADD:
            return _add(operands[0], operands[1], size)
        if row.source == isa.SUB:
            return _subtract(operands[0], operands[1], size)
        if row.source == isa.DISTANCE:
            return _subtract(operands[0], imm, size)
        if row.source in (isa.DIVIDE, isa.REMAIN):
            return self._divided(row, operands)
        if row.source == isa.TOP and row.access_bytes and not row.cell:
            return _extended(operands[0], row)
        emitted = _bytes(self._plain(row, imm, operands), size)
        if row.cell == isa.ADDRESS:
            address = self._checked(operands[0] + imm, size)
            self.memory.update((address + k, byte) for k, (byte, _) in enumerate(emitted))
        elif row.cell:
            slots = self._slots(row, imm)
            self.words.update(
                (slot, operands[-1] >> 32 * i & _WORD) for i, slot in enumerate(slots)
            )
        return emitted

    def _plain(self, row: Instruction, imm: int, operands: list[int]) -> int:
        """A value without marks."""
        if row.source == isa.IMMEDIATE:
            high = self.code[self.cursor + 1][1] if row.completion == isa.SKIP else 0
            return imm | high << 32
        if row.source == isa.SELECT:
            return operands[0] if operands[2] else operands[1]
        if row.source == isa.SIZE:
            return self.pages
        if row.source == isa.CLAMPED:
            return min(operands[0], imm)
        if row.source == isa.ELEMENT:
            return self._element(operands[0], imm)
        if row.source == isa.TOP:
            return operands[-1]
        result = arithmetic.fold(row.name, operands)
        assert result is not None, row.name
        return result

    def _divided(self, row: Instruction, operands: list[int]) -> Emitted:
        """A negative result is subtracted from 0, byte by byte."""
        result = arithmetic.fold(row.name, operands)
        if result is None:
            raise Trapped(Trap.INTEGER_OVERFLOW if operands[1] else Trap.DIVIDE_BY_ZERO)
        size = row.value_bytes
        if not (row.operation.endswith("_s") and result >> 8 * size - 1):
            return _bytes(result, size)
        first = row.operand_bytes if row.source == isa.REMAIN else 0
        return _subtract_digits(_scratch(row, operands)[first:], size)

    def _element(self, index: int, kind: int) -> int:
        """An entry: four bytes of the function's first instruction, four of its type; both are 0
        where there is no function."""
        entry = [self.table.get(8 * index + k) for k in range(8)]
        if entry[0] is None:
            raise Trapped(Trap.UNDEFINED_ELEMENT)
        octets = bytes(byte or 0 for byte in entry)
        function, found = (int.from_bytes(half, "little") for half in (octets[:4], octets[4:]))
        if found != kind:
            raise Trapped(Trap.TYPE_MISMATCH if found else Trap.UNINITIALIZED_ELEMENT)
        return function

    def _slots(self, row: Instruction, index: int) -> list[int]:
        """Where the words of a local or global lie, the lowest first.

        The slots of the globals come first, then those of each call depth; an index beyond them
        leads to those of the next one.
        """
        first = isa.GLOBALS + isa.LOCALS * len(self.calls) if row.cell == isa.LOCAL else 0
        return [first + index - i for i in range(row.value_bytes // 4)]

    def _checked(self, address: int, size: int) -> int:
        if self.checked and address + size > self.pages * _PAGE:
            raise Trapped(Trap.OUT_OF_BOUNDS)
        return address

    def _read(self, row: Instruction, imm: int, operands: list[int]) -> Emitted:
        if row.cell == isa.ADDRESS:
            address = self._checked(operands[0] + imm, row.access_bytes)
            found = sum(self.memory.get(address + k, 0) << 8 * k for k in range(row.access_bytes))
            return _extended(found, row)
        words = [self.words.get(slot) for slot in self._slots(row, imm)]
        if None in words:
            raise ExecutionError(
                f"instruction {self.cursor}: {row.name} {imm} reads what was never written"
            )
        return _bytes(sum((word or 0) << 32 * i for i, word in enumerate(words)), row.value_bytes)


def _taken(row: Instruction, operands: list[int]) -> list[int]:
    """Of an operand that is longer than the instruction asks for, the lowest four bytes count."""
    numbers = tuple(i for i, size in enumerate(row.operands) if size == 8)
    whole = {isa.TOP: (row.pops - 1,), isa.SELECT: (0, 1)}.get(row.source, numbers)
    return [value if i in whole else value & _WORD for i, value in enumerate(operands)]


def _number(emitted: Emitted) -> int:
    return sum(byte << 8 * k for k, (byte, _) in enumerate(emitted))


def _extended(value: int, row: Instruction) -> Emitted:
    """The lowest bytes of a value, and zeros or its sign above, which is passed on by marks."""
    size, count = row.access_bytes, row.value_bytes
    value &= (1 << 8 * size) - 1
    negative = row.signed and bool(value >> 8 * size - 1)
    value |= (1 << 8 * count) - (1 << 8 * size) if negative else 0
    return _bytes(value, count, [negative and k >= size - 1 for k in range(count)])


def _add(a: int, b: int, count: int) -> Emitted:
    result, carry = [], 0
    for k in range(count):
        total = (a >> 8 * k & 0xFF) + (b >> 8 * k & 0xFF) + carry
        carry = total >> 8
        result.append((total & 0xFF, bool(carry)))
    return result


def _subtract(a: int, b: int, count: int) -> Emitted:
    result, borrow = [], 0
    for k in range(count):
        total = (a >> 8 * k & 0xFF) - (b >> 8 * k & 0xFF) - borrow
        borrow = int(total < 0)
        result.append((total & 0xFF, bool(borrow)))
    return result


def _subtract_digits(digits: list[int], count: int) -> Emitted:
    """0 less the digits, the lowest last; one of them may be 256."""
    result, borrow = [], 0
    for digit in [*digits[::-1], 0, 0, 0, 0][:count]:
        total = -digit - borrow
        borrow = int(total < 0)
        result.append((total & 0xFF, bool(borrow)))
    return result


def _scratch(row: Instruction, operands: list[int]) -> list[int]:
    """The numbers that the instruction emits before its value.

    Of a product: what each column of bytes carries into the next.  Of a quotient: its digits, the
    highest first; of a remainder, the digits of quotient and remainder, of their sizes.
    """
    size = row.operand_bytes
    if row.source in (isa.MULTIPLY, isa.MULTIPLY_HIGH):
        x, y = (value.to_bytes(size, "little") for value in operands)
        carried, carry = [], 0
        for k in range(row.scratch):
            pairs = range(max(0, k - size + 1), min(k, size - 1) + 1)
            carry = (sum(x[i] * y[k - i] for i in pairs) + carry) >> 8
            carried.append(carry)
        return carried
    if row.source not in (isa.DIVIDE, isa.REMAIN) or not operands[1]:
        return []
    signed = row.operation.endswith("_s")
    a, b = (
        abs(arithmetic.signed(value, 8 * width)) if signed and width == size else value
        for value, width in zip(operands, row.operands, strict=True)
    )
    quotient, remainder = divmod(a, b)
    digits = list(quotient.to_bytes(size, "big"))
    if size == 8 and signed and operands[0] >> 63 and a % (b << 16) == 0:
        # The first six digits are those of a - 1: the seventh makes up for it.
        digits = [*((a - 1) // (b << 16)).to_bytes(6, "big"), 256, 0]
    return digits + (list(remainder.to_bytes(4, "big")) if row.source == isa.REMAIN else [])
