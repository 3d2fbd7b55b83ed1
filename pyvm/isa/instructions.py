"""The instruction table of the machine: one row per opcode, and every stage reads it.

Enters: nothing.  Leaves: `INSTRUCTIONS`, an ordered map from opcode name to its row.

The rows of the *base* machine come first: 36 opcodes, the language of the system that came first.
The *standard* machine has all rows.  The vocabulary has one token for each row; the graph's
dispatch, both executors (the C++ one by the generated lib/executor/isa.hpp), the linker, listings,
statistics and the tests are built from the columns.  An instruction that differs from others only
in its columns is one row more, and no more.

Names, stack effects and operand order follow WebAssembly (core specification, section 4.4); what
has no binary opcode there is the machine's own.  Operands and values are of four bytes, or of eight
where the name begins with i64; the lowest bytes come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

# Where the bytes come from that an instruction emits.
NO_VALUE = "none"
IMMEDIATE = "immediate"  # of the instruction itself
RETURN = "return"  # the immediate minus the offset of the call that is left
TOP = "top"  # the operand on top
SELECT = "select"  # the third operand where the top is not zero, else the second
ADD, SUB = "add", "sub"  # of second and top
COMPARE = "compare"  # 1 or 0; the relation is the name's last part
CELL = "cell"  # read from a local, a global or the memory
# Of the standard machine; what is computed is the name's last part.
LOGIC = "logic"  # and, or, xor of second and top, bit by bit
SHIFT = "shift"  # second by as many bits as top says: shl, shr_s, shr_u, rotl, rotr
COUNT = "count"  # bits: clz, ctz, popcnt of top; sticky: whether second loses any
MULTIPLY = "multiply"  # second times top; the carries of its columns are emitted before
MULTIPLY_HIGH = "multiply high"  # the upper half of the product
DIVIDE = "divide"  # second by top, of four bytes: the digits of the quotient's size come before
REMAIN = "remain"  # what remains of it: then the digits of its size, too
SIZE = "size"  # of the memory, in pages
ELEMENT = "element"  # the function of the table's entry whose index is on top
DISTANCE = "distance"  # from the immediate to the operand on top: a jump
CLAMPED = "clamped"  # the operand on top, at most the immediate: a jump

# What the four immediate bytes mean.
UNUSED = "unused"
NUMBER = "number"
LOW_HALF = "low half"  # of a number; the other half is the immediate of the next row
KIND = "kind"  # of a trap
TYPE = "type"  # of a function
CURSOR = "cursor"  # of the next instruction
COUNT_OF_ENTRIES = "entries"  # that follow, less one
JUMP = "jump"  # signed distance to the target, from the next instruction
LOCAL, GLOBAL = "local", "global"  # index
TABLE = "table"  # eight times the index of an entry
ADDRESS = "address"  # added to the address operand

# The token that completes the instruction.
COMMIT = "commit"
BRANCH = "branch"  # a commit that applies the offset before it
CALL_COMMIT, RETURN_COMMIT = "call_commit", "return_commit"
OUTPUT = "out"
ERROR = "err"  # like OUTPUT, on the error stream
RESIZE = "resize"  # a commit: the last four bytes are the memory's size
TRAP = "trap"
HALT = "halt"
SKIP = "skip"  # a commit that skips the next row, the upper half of the number
PART = "part"  # it is the second row of the instruction before it
NEVER = "never"  # it is not executed: the prompt completes it


class Instruction(NamedTuple):
    """One opcode.

    Attributes:
        name: the token's spelling.
        wasm: the WebAssembly binary opcode with the same meaning, None for the machine's own.
        pops: operands taken from the stack.
        pushes: the value that the instruction emits goes on the operand stack.
        value_bytes: bytes of value emitted before the completing token (0: there is no value).
        immediate, source, completion: see the constants above.
        cell: LOCAL, GLOBAL, ADDRESS or TABLE where a cell is read (source CELL) or written; "" for
            none.
        access_bytes, signed: how many bytes of the memory, or of the operand on top, and whether
            a shorter value's sign is extended.
        operand_bytes: 8 where the operands are of eight bytes, else 4.  A divisor has four always.
        base: the base machine has it, too.
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
    operand_bytes: int
    base: bool

    @property
    def stack_delta(self) -> int:
        """Change of the operand stack's depth."""
        return int(self.pushes) - self.pops

    @property
    def pushed_bytes(self) -> int:
        """Bytes of the value that goes on the operand stack."""
        return self.value_bytes if self.pushes else 0

    @property
    def writes(self) -> bool:
        return bool(self.cell) and self.source != CELL

    @property
    def executed(self) -> bool:
        """It is executed; else the prompt completes it, or it is a part of another."""
        return self.completion not in (NEVER, PART)

    @property
    def falls_through(self) -> bool:
        """The next instruction may be executed after it."""
        jumps = self.jumps and self.name != "br_if" and self.completion != CALL_COMMIT
        return not (jumps or self.completion in (HALT, TRAP))

    @property
    def jumps(self) -> bool:
        """Its value is an offset that moves the cursor."""
        return self.completion in (BRANCH, CALL_COMMIT, RETURN_COMMIT)

    @property
    def scratch(self) -> int:
        """How many scratch tokens it emits before its value."""
        size = self.operand_bytes
        numbers = {MULTIPLY: size, MULTIPLY_HIGH: 2 * size, DIVIDE: size, REMAIN: size + 4}
        return numbers.get(self.source, 0)

    @property
    def operands(self) -> tuple[int, ...]:
        """Bytes of each operand that the value is computed from."""
        divides = self.source in (DIVIDE, REMAIN)
        return (self.operand_bytes,) * (self.pops - divides) + (4,) * divides

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
    operands: int = 4,
    *,
    base: bool = True,
) -> Instruction:
    size = int(access.rstrip("su")) if access else 0
    signed = access.endswith("s")
    return Instruction(
        name, wasm, pops, bool(pushes), value_bytes, immediate, source, completion, cell, size,
        signed, operands, base,
    )  # fmt: skip


_more = partial(_row, base=False)


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


def _numeric(kind: str, size: int, first: dict[str, int]) -> Iterator[Instruction]:
    """The rows that i32 and i64 have alike; `first`: the binary opcode of each group's first."""
    more = partial(_more, operands=size)
    for i, name in enumerate(("clz", "ctz", "popcnt")):
        yield more(f"{kind}.{name}", first["clz"] + i, 1, 1, size, UNUSED, COUNT)
    yield more(f"{kind}.mul", first["add"] + 2, 2, 1, size, UNUSED, MULTIPLY)
    for i, name in enumerate(("and", "or", "xor")):
        yield more(f"{kind}.{name}", first["add"] + 7 + i, 2, 1, size, UNUSED, LOGIC)
    for i, name in enumerate(("shl", "shr_s", "shr_u", "rotl", "rotr")):
        yield more(f"{kind}.{name}", first["add"] + 10 + i, 2, 1, size, UNUSED, SHIFT)
    for i, width in enumerate((1, 2, 4)):
        if width < size:
            name = f"{kind}.extend{8 * width}_s"
            code = first["extend8_s"] + i
            yield more(name, code, 1, 1, size, UNUSED, TOP, COMMIT, "", f"{width}s")


# fmt: off
_MORE_ROWS = (
    *_numeric("i32", 4, {"clz": 0x67, "add": 0x6A, "extend8_s": 0xC0}),
    _more("i32.div_s", 0x6D, 2, 1, 4, UNUSED, DIVIDE),
    _more("i32.div_u", 0x6E, 2, 1, 4, UNUSED, DIVIDE),
    _more("i32.rem_s", 0x6F, 2, 1, 4, UNUSED, REMAIN),
    _more("i32.rem_u", 0x70, 2, 1, 4, UNUSED, REMAIN),
    # Eight bytes.  A local or global of eight bytes takes its own four and those below it: its
    # index is at least 1.  What stores the lowest bytes of a number serves i64, too.
    _more("i64.select", 0x1B, 3, 1, 8, UNUSED, SELECT),
    _more("i64.local.get", 0x20, 0, 1, 8, LOCAL, CELL, COMMIT, LOCAL),
    _more("i64.local.set", 0x21, 1, 0, 8, LOCAL, TOP, COMMIT, LOCAL),
    _more("i64.local.tee", 0x22, 1, 1, 8, LOCAL, TOP, COMMIT, LOCAL),
    _more("i64.global.get", 0x23, 0, 1, 8, GLOBAL, CELL, COMMIT, GLOBAL),
    _more("i64.global.set", 0x24, 1, 0, 8, GLOBAL, TOP, COMMIT, GLOBAL),
    _more("i64.load", 0x29, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "8"),
    _more("i64.load8_s", 0x30, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "1s"),
    _more("i64.load8_u", 0x31, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "1u"),
    _more("i64.load16_s", 0x32, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "2s"),
    _more("i64.load16_u", 0x33, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "2u"),
    _more("i64.load32_s", 0x34, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "4s"),
    _more("i64.load32_u", 0x35, 1, 1, 8, ADDRESS, CELL, COMMIT, ADDRESS, "4u"),
    _more("i64.store", 0x37, 2, 0, 8, ADDRESS, TOP, COMMIT, ADDRESS, "8"),
    _more("i64.const", 0x42, 0, 1, 8, LOW_HALF, IMMEDIATE, SKIP),
    _more("i64.high", None, 0, 0, 0, NUMBER, NO_VALUE, PART),
    _more("i64.eqz", 0x50, 1, 1, 4, UNUSED, COMPARE, operands=8),
    *(_more(f"i64.{name}", 0x51 + i, 2, 1, 4, UNUSED, COMPARE, operands=8) for i, name in
      enumerate(("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"))),
    _more("i64.add", 0x7C, 2, 1, 8, UNUSED, ADD, operands=8),
    _more("i64.sub", 0x7D, 2, 1, 8, UNUSED, SUB, operands=8),
    *_numeric("i64", 8, {"clz": 0x79, "add": 0x7C, "extend8_s": 0xC2}),
    _more("i32.wrap_i64", 0xA7, 1, 1, 4, UNUSED, TOP, operands=8),
    _more("i64.extend_i32_s", 0xAC, 1, 1, 8, UNUSED, TOP, COMMIT, "", "4s"),
    _more("i64.extend_i32_u", 0xAD, 1, 1, 8, UNUSED, TOP, COMMIT, "", "4u"),
    # By a word, which is unsigned: the digits of a 64-bit division come from it.
    _more("i64.div_word_s", None, 2, 1, 8, UNUSED, DIVIDE, operands=8),
    _more("i64.div_word_u", None, 2, 1, 8, UNUSED, DIVIDE, operands=8),
    _more("i64.rem_word_s", None, 2, 1, 8, UNUSED, REMAIN, operands=8),
    _more("i64.rem_word_u", None, 2, 1, 8, UNUSED, REMAIN, operands=8),
    # What exact floats need over integers: whether a shift to the right by as many bits as top says
    # loses any bit that is set, and the upper half of a product.
    _more("i64.sticky", None, 2, 1, 8, UNUSED, COUNT, operands=8),
    _more("i64.mul_high_u", None, 2, 1, 8, UNUSED, MULTIPLY_HIGH, operands=8),
    # Control, the memory's size and the ends of a program.
    _more("br_table", 0x0E, 1, 0, 4, COUNT_OF_ENTRIES, CLAMPED, BRANCH),
    _more("element", None, 1, 1, 4, TYPE, ELEMENT),
    _more("call_element", None, 1, 0, 4, CURSOR, DISTANCE, CALL_COMMIT),
    _more("elements", None, 0, 0, 0, NUMBER, NO_VALUE, NEVER, TABLE),
    _more("data", None, 0, 0, 0, NUMBER, NO_VALUE, NEVER, ADDRESS),
    _more("memory.size", 0x3F, 0, 1, 4, UNUSED, SIZE),
    _more("memory.resize", None, 1, 0, 4, UNUSED, TOP, RESIZE),
    _more("trap", None, 0, 0, 0, KIND, NO_VALUE, TRAP),
    _more("output_error", None, 1, 0, 0, UNUSED, TOP, ERROR),
    _more("exit", None, 1, 0, 1, UNUSED, TOP, HALT),
)
# fmt: on

INSTRUCTIONS: dict[str, Instruction] = {row.name: row for row in (*_ROWS, *_MORE_ROWS)}

# Slots of globals, and of the locals of one call depth: the machine keeps those under 1,024 keys,
# four each, and these under 256 (pyvm/graph/machine.py).  Globals and the locals of all depths lie
# one behind the other: an index beyond the slots leads to those of the next depth, which are free
# as long as no call comes so deep.
LOCALS = 64
GLOBALS = 256
SLOTS = 1 << 18  # an index is below


# (stack_delta, bytes of the value that goes on the stack) of every commit; `br` and the end of an
# input use (0, 0).
def _commits(rows: Iterable[Instruction]) -> tuple[tuple[int, int], ...]:
    plain = (row for row in rows if row.completion in (COMMIT, BRANCH, NEVER))
    return tuple(sorted({(row.stack_delta, row.pushed_bytes) for row in plain}))


COMMITS = _commits(_ROWS)
MORE_COMMITS = tuple(each for each in _commits(_MORE_ROWS) if each not in COMMITS)
