"""Instruction selection: expression trees -> machine instructions.

Enters: a `Node`.  Leaves: machine code.  What the machine lacks is done here where operands are
constant, else by a call of a library routine (routines/).  `OPERATIONS` has what is more than
operands and one instruction.

Costs, in tokens: pushing a value 5, an operation 5, store8 2, store16 3, a branch not taken 1,
taken 6, a call and its return 12.
"""

from __future__ import annotations

from pyvm.compiler.ir.expression import Node
from pyvm.compiler.select import bitwise, multiply, shift, wide
from pyvm.compiler.select.selector import Operation, Selector, Shared, low_bits
from pyvm.compiler.select.silent import Silent
from pyvm.wasm.opcodes import ACCESS_BYTES

__all__ = ["OPERATIONS", "Selector", "Shared", "Silent"]


def _extend(s: Selector, item: Node) -> None:
    bits = int(item.name[6:-2])
    x = low_bits(item.args[0], bits)
    if x.op in (f"i32.load{bits}_u", f"i32.load{bits}_s") and x.op in ACCESS_BYTES:
        s.value(Node(f"i32.load{bits}_s", "i32", x.args, x.imm, x.at))
        return
    s.through_cell(x, s.address["CELL"], f"i32.store{bits}", f"i32.load{bits}_s")


def _sub(s: Selector, item: Node) -> None:
    left, right = item.args
    if right.on_stack and not left.on_stack:  # made by a rewrite: constant - value
        with s.held(right) as t:
            s.value(left)
            s.emit("local.get", t)
    else:
        s.value(left)
        s.value(right)
    s.here(item)
    s.emit("i32.sub")


def _variable(s: Selector, item: Node) -> None:
    for variable in item.variables:
        s.read(variable)


def _tee(s: Selector, item: Node) -> None:
    s.value(item.args[0])
    s.emit("local.tee", item.number)


def _call(s: Selector, item: Node) -> None:
    """A wasm function, or memory.grow: `imm` is the unit's name."""
    for arg in item.args:
        s.value(arg)
    s.here(item)
    if item.op == "call":
        s.emit("call", item.unit)
    else:
        s.routine(item.unit)


OPERATIONS: dict[str, Operation] = {
    "local.get": _variable,
    "global.get": _variable,
    "local.tee": _tee,
    "call": _call,
    "memory.grow": _call,
    "stacked": lambda s, item: None,
    "slot": lambda s, item: s.emit("local.get", item.number),
    "i32.const": lambda s, item: s.const(item.number),
    "i32.sub": _sub,
    "i32.shl": shift.shl,
    "i32.shr_u": shift.shr_u,
    "i32.shr_s": shift.shr_s,
    "i32.rotl": shift.rotate,
    "i32.rotr": shift.rotate,
    "i32.and": bitwise.bitwise,
    "i32.or": bitwise.bitwise,
    "i32.xor": bitwise.bitwise,
    "i32.mul": multiply.mul,
    "i32.div_s": multiply.divide,
    "i32.div_u": multiply.divide,
    "i32.rem_s": multiply.divide,
    "i32.rem_u": multiply.divide,
    "i32.extend8_s": _extend,
    "i32.extend16_s": _extend,
    "i64": wide.value,  # any other operation on i64
    "i64.store": wide.store,
}
