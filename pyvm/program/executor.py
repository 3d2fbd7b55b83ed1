"""The reference executor of token programs: what each instruction means, in the plainest way.

Enters: a `Program` (or its code and input).  Leaves: the trace, token by token, exactly as the
machine generates it.  Slow and obvious; `tvm_trace` of libtvm is the fast one, and both must agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyvm.program.errors import ExecutionError
from pyvm.program.instructions import INSTRUCTIONS
from pyvm.program.tokens import byte_token, commit_token, output_token

_WORD = 0xFFFFFFFF


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


_COMPARE = {
    "i32.eq": lambda a, b: a == b,
    "i32.ne": lambda a, b: a != b,
    "i32.lt_s": lambda a, b: _signed(a) < _signed(b),
    "i32.lt_u": lambda a, b: a < b,
    "i32.gt_s": lambda a, b: _signed(a) > _signed(b),
    "i32.gt_u": lambda a, b: a > b,
    "i32.le_s": lambda a, b: _signed(a) <= _signed(b),
    "i32.le_u": lambda a, b: a <= b,
    "i32.ge_s": lambda a, b: _signed(a) >= _signed(b),
    "i32.ge_u": lambda a, b: a >= b,
}
_ACCESS = {"": 4, "8": 1, "8_s": 1, "8_u": 1, "16": 2, "16_s": 2, "16_u": 2}


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
        if op == "halt":
            self.halted = True
            return ["halt"]
        if op == "output":
            value = self._pop() & 0xFF
            self.output.append(value)
            self.cursor += 1
            return [output_token(value)]
        if op in ("br", "br_if", "call", "return"):
            return self._jump(op, imm)
        row = INSTRUCTIONS[op]
        emitted = self._value(op, imm)
        if row.pushes:
            self.stack.append(sum(byte << 8 * k for k, (byte, _) in enumerate(emitted)))
        self.cursor += 1
        return [*(byte_token(*item) for item in emitted), commit_token(row.stack_delta, row.pushes)]

    def _jump(self, op: str, imm: int) -> list[str]:
        if op == "br_if" and not self._pop():
            self.cursor += 1
            return [commit_token(-1, False)]
        offset, end = _bytes(imm), commit_token(-1 if op == "br_if" else 0, False, True)
        if op == "call":
            self.calls.append(imm)
            end = "call_commit"
        elif op == "return":
            if not self.calls:
                raise ExecutionError(f"instruction {self.cursor}: return without a call")
            offset, end = _subtract(imm, self.calls.pop()), "return_commit"
        target = sum(byte << 8 * k for k, (byte, _) in enumerate(offset))
        self.cursor += 1 + _signed(target)
        return ["branch_taken", *(byte_token(*item) for item in offset), end]

    def _value(self, op: str, imm: int) -> list[tuple[int, bool]]:
        """Pops the operands; the bytes that the instruction emits."""
        depth = len(self.calls)
        if op == "i32.const":
            return _bytes(imm)
        if op == "drop":
            self._pop()
            return []
        if op in ("local.get", "global.get"):
            cells, key = (self.locals, (depth, imm)) if op == "local.get" else (self.globals, imm)
            if key not in cells:
                raise ExecutionError(
                    f"instruction {self.cursor}: {op} {imm} reads what was never written"
                )
            return _bytes(cells[key])
        if op in ("local.set", "local.tee", "global.set"):
            value = self._pop()
            if op == "global.set":
                self.globals[imm] = value
            else:
                self.locals[depth, imm] = value
            return _bytes(value)
        if op.startswith("i32.load"):
            address = self._pop() + imm
            size = _ACCESS[op[8:]]
            value = sum(self.memory.get(address + k, 0) << 8 * k for k in range(size))
            negative = op.endswith("_s") and bool(value >> 8 * size - 1)
            value |= (_WORD << 8 * size & _WORD) if negative else 0
            return _bytes(value, 4, [negative and k >= size - 1 for k in range(4)])
        if op.startswith("i32.store"):
            value, address = self._pop(), self._pop() + imm
            emitted = _bytes(value, _ACCESS[op[9:]])
            for k, (byte, _) in enumerate(emitted):
                self.memory[address + k] = byte
            return emitted
        if op == "i32.eqz":
            return _bytes(not self._pop())
        if op == "select":
            condition, b, a = self._pop(), self._pop(), self._pop()
            return _bytes(a if condition else b)
        if op in ("i32.add", "i32.sub"):
            b, a = self._pop(), self._pop()
            return _add(a, b) if op == "i32.add" else _subtract(a, b)
        if op in _COMPARE:
            b, a = self._pop(), self._pop()
            return _bytes(_COMPARE[op](a, b))
        raise ExecutionError(f"instruction {self.cursor}: {op} cannot be executed")


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
