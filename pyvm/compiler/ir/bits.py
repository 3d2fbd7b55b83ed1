"""Which bits of a value can be one, as far as its own tree tells.

Enters: an expression.  Leaves: a mask.
"""

from __future__ import annotations

from pyvm.compiler.ir.function import Expr
from pyvm.wasm.opcodes import ACCESS_BYTES, OPCODES

_FULL = {"i32": (1 << 32) - 1, "i64": (1 << 64) - 1}
_TRUTH = {
    row.name
    for row in OPCODES.values()
    if row.name.partition(".")[2] in (
        "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u lt gt le ge".split()
    )
}  # fmt: skip
_UNSIGNED_LOADS = {
    name: (1 << 8 * size) - 1 for name, size in ACCESS_BYTES.items() if name.endswith("_u")
}


def may(value: Expr) -> int:
    """The bits that may be one."""
    full = _FULL[value.type]
    if value.constant is not None:
        return value.constant
    if value.op in _TRUTH:
        return 1
    if value.op in _UNSIGNED_LOADS:
        return _UNSIGNED_LOADS[value.op]
    name, args = value.op.partition(".")[2], value.args
    if value.op == "local.tee" or name in ("extend_i32_u", "wrap_i64"):
        return may(args[0]) & full
    if value.op == "select":
        return may(args[0]) | may(args[1])
    if name in ("clz", "ctz", "popcnt"):
        return 0x7F
    if name == "and":
        return may(args[0]) & may(args[1])
    if name in ("or", "xor"):
        return may(args[0]) | may(args[1])
    if name == "add":
        most = may(args[0]) + may(args[1])
        return full if most > full else (1 << most.bit_length()) - 1
    count = args[1].constant if len(args) == 2 else None
    if count is not None and name in ("shl", "shr_u"):
        count %= 64 if value.type == "i64" else 32
        return may(args[0]) << count & full if name == "shl" else may(args[0]) >> count
    if count and name == "rem_u":
        return (1 << (count - 1).bit_length()) - 1
    return full
