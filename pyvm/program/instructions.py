"""The instruction table of the machine: one row per opcode, and every stage reads it.

Enters: nothing.  Leaves: `INSTRUCTIONS`, an ordered map from opcode name to its row.

The compiler emits these instructions, the vocabulary has one token for each, the graph builds the
machine's dispatch from the columns, and the tests walk the rows.  Names, stack effects and
operand order follow WebAssembly (core specification 1.0, section 4.4); `halt`, `output` and
`input_base` are the machine's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One opcode.

    Attributes:
        name: the token's spelling.
        stack_delta: change of the operand stack's depth when the instruction commits.
        pushes: the value that the instruction emits goes on the operand stack.
        value_bytes: bytes of value emitted before the commit (0 when there is no value).
        wasm: the WebAssembly binary opcode with the same meaning, None for the machine's own.
    """

    name: str
    stack_delta: int
    pushes: bool
    value_bytes: int
    wasm: int | None = None


def _row(name: str, delta: int, pushes: int, value_bytes: int, wasm: int | None = None):
    return name, Instruction(name, delta, bool(pushes), value_bytes, wasm)


# Order is the order of the opcode tokens in the vocabulary.
INSTRUCTIONS: dict[str, Instruction] = dict(
    [
        #    name           delta pushes bytes wasm
        _row("halt", 0, 0, 0),
        _row("return", 0, 0, 4, 0x0F),
        _row("call", 0, 0, 4, 0x10),
        _row("br", 0, 0, 4, 0x0C),
        _row("br_if", -1, 0, 4, 0x0D),
        _row("drop", -1, 0, 0, 0x1A),
        _row("select", -2, 1, 4, 0x1B),
        _row("local.get", +1, 1, 4, 0x20),
        _row("local.set", -1, 0, 4, 0x21),
        _row("local.tee", 0, 1, 4, 0x22),
        _row("global.get", +1, 1, 4, 0x23),
        _row("global.set", -1, 0, 4, 0x24),
        _row("i32.load", 0, 1, 4, 0x28),
        _row("i32.load8_s", 0, 1, 4, 0x2C),
        _row("i32.load8_u", 0, 1, 4, 0x2D),
        _row("i32.load16_s", 0, 1, 4, 0x2E),
        _row("i32.load16_u", 0, 1, 4, 0x2F),
        _row("i32.store", -2, 0, 4, 0x36),
        _row("i32.store8", -2, 0, 1, 0x3A),
        _row("i32.store16", -2, 0, 2, 0x3B),
        _row("i32.const", +1, 1, 4, 0x41),
        _row("i32.eqz", 0, 1, 4, 0x45),
        _row("i32.eq", -1, 1, 4, 0x46),
        _row("i32.ne", -1, 1, 4, 0x47),
        _row("i32.lt_s", -1, 1, 4, 0x48),
        _row("i32.lt_u", -1, 1, 4, 0x49),
        _row("i32.gt_s", -1, 1, 4, 0x4A),
        _row("i32.gt_u", -1, 1, 4, 0x4B),
        _row("i32.le_s", -1, 1, 4, 0x4C),
        _row("i32.le_u", -1, 1, 4, 0x4D),
        _row("i32.ge_s", -1, 1, 4, 0x4E),
        _row("i32.ge_u", -1, 1, 4, 0x4F),
        _row("i32.add", -1, 1, 4, 0x6A),
        _row("i32.sub", -1, 1, 4, 0x6B),
        _row("output", -1, 0, 0),
        _row("input_base", 0, 0, 0),
    ]
)

# Instructions whose value is the offset of a jump: they emit `branch_taken` before it.
JUMPS = ("br", "br_if", "call", "return")

# (stack_delta, pushes) of every commit token; `br` and the input's end use (0, False).
COMMITS: tuple[tuple[int, bool], ...] = tuple(
    sorted(
        {
            (row.stack_delta, row.pushes)
            for row in INSTRUCTIONS.values()
            if row.name not in ("halt", "output", "call", "return")
        }
    )
)
