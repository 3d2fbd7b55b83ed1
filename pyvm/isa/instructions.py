"""The instruction table of the machine: one row per opcode, and every stage reads it.

Enters: nothing.  Leaves: `INSTRUCTIONS`, an ordered map from opcode name to its row.

The vocabulary has one token for each row; the graph's dispatch, both executors (the C++ one by
the generated lib/executor/isa.hpp), the linker, listings, statistics and the tests are built from
the columns.  An instruction that differs from others only in its columns is one row more, and no
more.
Names, stack effects and operand order follow WebAssembly (core specification 1.0, section 4.4);
`halt`, `output` and `input_base` are the machine's own.
"""

from __future__ import annotations

from dataclasses import dataclass

# Where the bytes come from that an instruction emits.
NO_VALUE = "none"
IMMEDIATE = "immediate"  # of the instruction itself
RETURN = "return"  # the immediate minus the offset of the call that is left
TOP = "top"  # the operand on top
SELECT = "select"  # the third operand where the top is not zero, else the second
ADD, SUB = "add", "sub"  # of second and top
COMPARE = "compare"  # 1 or 0; the relation is the name's last part
CELL = "cell"  # read from a local, a global or the memory

# What the four immediate bytes mean.
UNUSED = "unused"
NUMBER = "number"
JUMP = "jump"  # signed distance to the target, from the next instruction
LOCAL, GLOBAL = "local", "global"  # index
ADDRESS = "address"  # added to the address operand

# The token that completes the instruction.
COMMIT = "commit"
BRANCH = "branch"  # a commit that applies the offset before it
CALL_COMMIT, RETURN_COMMIT = "call_commit", "return_commit"
OUTPUT = "out"
HALT = "halt"
NEVER = "never"  # it is not executed: the prompt completes it


@dataclass(frozen=True)
class Instruction:
    """One opcode.

    Attributes:
        name: the token's spelling.
        wasm: the WebAssembly binary opcode with the same meaning, None for the machine's own.
        pops: operands taken from the stack.
        pushes: the value that the instruction emits goes on the operand stack.
        value_bytes: bytes of value emitted before the completing token (0: there is no value).
        immediate, source, completion: see the constants above.
        cell: LOCAL, GLOBAL or ADDRESS where a cell is read (source CELL) or written; "" for none.
        access_bytes, signed: how many bytes of memory, and whether a shorter value's sign is
            extended.
    """

    name: str
    wasm: int | None
    pops: int
    pushes: bool
    value_bytes: int
    immediate: str
    source: str
    completion: str
    cell: str
    access_bytes: int
    signed: bool

    @property
    def stack_delta(self) -> int:
        """Change of the operand stack's depth."""
        return int(self.pushes) - self.pops

    @property
    def writes(self) -> bool:
        return bool(self.cell) and self.source != CELL

    @property
    def falls_through(self) -> bool:
        """The next instruction may be executed after it."""
        jumps = self.immediate == JUMP and self.pops == 0 and self.completion != CALL_COMMIT
        return not (jumps or self.completion == HALT)

    @property
    def operation(self) -> str:
        """The name without its type: "lt_s" of i32.lt_s."""
        return self.name.rpartition(".")[2]


def _row(
    name: str,
    wasm: int | None,
    pops: int,
    pushes: int,
    value_bytes: int,
    immediate: str,
    source: str,
    completion: str = COMMIT,
    cell: str = "",
    access: str = "",
) -> Instruction:
    size = int(access.rstrip("su")) if access else 0
    signed = access.endswith("s")
    return Instruction(
        name,
        wasm,
        pops,
        bool(pushes),
        value_bytes,
        immediate,
        source,
        completion,
        cell,
        size,
        signed,
    )


# Order is the order of the opcode tokens in the vocabulary.
_ROWS = (
    #    name           wasm  pops pushes bytes immediate source  completion  cell   access
    _row("halt", None, 0, 0, 0, NUMBER, NO_VALUE, HALT),
    _row("return", 0x0F, 0, 0, 4, JUMP, RETURN, RETURN_COMMIT),
    _row("call", 0x10, 0, 0, 4, JUMP, IMMEDIATE, CALL_COMMIT),
    _row("br", 0x0C, 0, 0, 4, JUMP, IMMEDIATE, BRANCH),
    _row("br_if", 0x0D, 1, 0, 4, JUMP, IMMEDIATE, BRANCH),
    _row("drop", 0x1A, 1, 0, 0, UNUSED, NO_VALUE),
    _row("select", 0x1B, 3, 1, 4, UNUSED, SELECT),
    _row("local.get", 0x20, 0, 1, 4, LOCAL, CELL, COMMIT, LOCAL),
    _row("local.set", 0x21, 1, 0, 4, LOCAL, TOP, COMMIT, LOCAL),
    _row("local.tee", 0x22, 1, 1, 4, LOCAL, TOP, COMMIT, LOCAL),
    _row("global.get", 0x23, 0, 1, 4, GLOBAL, CELL, COMMIT, GLOBAL),
    _row("global.set", 0x24, 1, 0, 4, GLOBAL, TOP, COMMIT, GLOBAL),
    _row("i32.load", 0x28, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "4"),
    _row("i32.load8_s", 0x2C, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "1s"),
    _row("i32.load8_u", 0x2D, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "1u"),
    _row("i32.load16_s", 0x2E, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "2s"),
    _row("i32.load16_u", 0x2F, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "2u"),
    _row("i32.store", 0x36, 2, 0, 4, ADDRESS, TOP, COMMIT, ADDRESS, "4"),
    _row("i32.store8", 0x3A, 2, 0, 1, ADDRESS, TOP, COMMIT, ADDRESS, "1"),
    _row("i32.store16", 0x3B, 2, 0, 2, ADDRESS, TOP, COMMIT, ADDRESS, "2"),
    _row("i32.const", 0x41, 0, 1, 4, NUMBER, IMMEDIATE),
    _row("i32.eqz", 0x45, 1, 1, 4, UNUSED, COMPARE),
    _row("i32.eq", 0x46, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.ne", 0x47, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.lt_s", 0x48, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.lt_u", 0x49, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.gt_s", 0x4A, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.gt_u", 0x4B, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.le_s", 0x4C, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.le_u", 0x4D, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.ge_s", 0x4E, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.ge_u", 0x4F, 2, 1, 4, UNUSED, COMPARE),
    _row("i32.add", 0x6A, 2, 1, 4, UNUSED, ADD),
    _row("i32.sub", 0x6B, 2, 1, 4, UNUSED, SUB),
    _row("output", None, 1, 0, 0, UNUSED, TOP, OUTPUT),
    _row("input_base", None, 0, 0, 0, NUMBER, NO_VALUE, NEVER, ADDRESS),
)

INSTRUCTIONS: dict[str, Instruction] = {row.name: row for row in _ROWS}

# Limits of an immediate that is an index. The machine keeps globals under 1,024 keys, four each,
# and the locals of one call depth under 256 (pyvm/graph/machine.py).
LOCALS = 64
GLOBALS = 256

# (stack_delta, pushes) of every commit token; `br` and the input's end use (0, False).
COMMITS: tuple[tuple[int, bool], ...] = tuple(
    sorted(
        {
            (row.stack_delta, row.pushes)
            for row in _ROWS
            if row.completion in (COMMIT, BRANCH, NEVER)
        }
    )
)
