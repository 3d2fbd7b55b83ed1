"""The WebAssembly instruction table: binary opcode -> name, immediate and type.

Enters: nothing.  Leaves: `OPCODES`, one row per instruction of the 1.0 binary format and of later
extensions as far as compilers use them: sign extension, saturating conversion, select with a type,
references, copying, filling and initialising of memory and tables, tail calls, exceptions in their
new and their older form.  The key of an instruction with a prefix is the prefix byte * 256 + its
number.  The decoder reads the immediate's kind, the validator the types.
"""

from __future__ import annotations

from dataclasses import dataclass

REFERENCES = {0x70: "funcref", 0x6F: "externref", 0x69: "exnref"}
VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", **REFERENCES}
_LETTERS = {"i": "i32", "I": "i64", "f": "f32", "F": "f64"}


@dataclass(frozen=True)
class Opcode:
    """One WebAssembly instruction.

    Attributes:
        name: as in the text format.
        immediate: "" | "block" | "index" | "indices" | "indirect" | "memory" | "zero" | constant
            type | "types" | "zeros" (two zero bytes) | "segment" (an index and a zero byte) |
            "data" (an index) | "pair" (two indices) | "reference" (a type) | "try_table".
        params, results: operand types; None when they depend on the context.
    """

    name: str
    immediate: str = ""
    params: tuple[str, ...] | None = None
    results: tuple[str, ...] | None = None


def _typed(name: str, signature: str, immediate: str = "") -> Opcode:
    params, results = signature.split(":")
    types = [tuple(_LETTERS[letter] for letter in part) for part in (params, results)]
    return Opcode(name, immediate, *types)


OPCODES: dict[int, Opcode] = {
    0x00: Opcode("unreachable"),
    0x01: _typed("nop", ":"),
    0x02: Opcode("block", "block"),
    0x03: Opcode("loop", "block"),
    0x04: Opcode("if", "block"),
    0x05: Opcode("else"),
    0x06: Opcode("try", "block"),
    0x07: Opcode("catch", "index"),
    0x08: Opcode("throw", "index"),
    0x09: Opcode("rethrow", "index"),
    0x0A: Opcode("throw_ref"),
    0x0B: Opcode("end"),
    0x0C: Opcode("br", "index"),
    0x0D: Opcode("br_if", "index"),
    0x0E: Opcode("br_table", "indices"),
    0x0F: Opcode("return"),
    0x10: Opcode("call", "index"),
    0x11: Opcode("call_indirect", "indirect"),
    0x12: Opcode("return_call", "index"),
    0x13: Opcode("return_call_indirect", "indirect"),
    0x18: Opcode("delegate", "index"),
    0x19: Opcode("catch_all"),
    0x1A: Opcode("drop"),
    0x1B: Opcode("select"),
    0x1C: Opcode("select", "types"),
    0x1F: Opcode("try_table", "try_table"),
    0x20: Opcode("local.get", "index"),
    0x21: Opcode("local.set", "index"),
    0x22: Opcode("local.tee", "index"),
    0x23: Opcode("global.get", "index"),
    0x24: Opcode("global.set", "index"),
    0x25: Opcode("table.get", "index"),
    0x26: Opcode("table.set", "index"),
    0x3F: _typed("memory.size", ":i", "zero"),
    0x40: _typed("memory.grow", "i:i", "zero"),
    0x41: _typed("i32.const", ":i", "i32"),
    0x42: _typed("i64.const", ":I", "i64"),
    0x43: _typed("f32.const", ":f", "f32"),
    0x44: _typed("f64.const", ":F", "f64"),
    0xD0: Opcode("ref.null", "reference"),
    0xD1: Opcode("ref.is_null"),
    0xD2: Opcode("ref.func", "index"),
    0xFC0C: Opcode("table.init", "pair"),
    0xFC0D: Opcode("elem.drop", "index"),
    0xFC0E: Opcode("table.copy", "pair"),
    0xFC0F: Opcode("table.grow", "index"),
    0xFC10: Opcode("table.size", "index"),
    0xFC11: Opcode("table.fill", "index"),
}


def _rows(first: int, signature: str, names: str, immediate: str = "") -> None:
    for code, name in enumerate(names.split(), first):
        OPCODES[code] = _typed(name, signature, immediate)


def _fill() -> None:
    loads = {
        "i32.load": "i", "i64.load": "I", "f32.load": "f", "f64.load": "F",
        "i32.load8_s": "i", "i32.load8_u": "i", "i32.load16_s": "i", "i32.load16_u": "i",
        "i64.load8_s": "I", "i64.load8_u": "I", "i64.load16_s": "I", "i64.load16_u": "I",
        "i64.load32_s": "I", "i64.load32_u": "I",
    }  # fmt: skip
    for code, (name, letter) in enumerate(loads.items(), 0x28):
        OPCODES[code] = _typed(name, f"i:{letter}", "memory")
    stores = {
        "i32.store": "i", "i64.store": "I", "f32.store": "f", "f64.store": "F",
        "i32.store8": "i", "i32.store16": "i",
        "i64.store8": "I", "i64.store16": "I", "i64.store32": "I",
    }  # fmt: skip
    for code, (name, letter) in enumerate(stores.items(), 0x36):
        OPCODES[code] = _typed(name, f"i{letter}:", "memory")

    compare = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
    arithmetic = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
    float_compare = "eq ne lt gt le ge"
    float_unary = "abs neg ceil floor trunc nearest sqrt"
    float_binary = "add sub mul div min max copysign"

    def named(prefix: str, names: str) -> str:
        return " ".join(f"{prefix}.{name}" for name in names.split())

    _rows(0x45, "i:i", "i32.eqz")
    _rows(0x46, "ii:i", named("i32", compare))
    _rows(0x50, "I:i", "i64.eqz")
    _rows(0x51, "II:i", named("i64", compare))
    _rows(0x5B, "ff:i", named("f32", float_compare))
    _rows(0x61, "FF:i", named("f64", float_compare))
    _rows(0x67, "i:i", named("i32", "clz ctz popcnt"))
    _rows(0x6A, "ii:i", named("i32", arithmetic))
    _rows(0x79, "I:I", named("i64", "clz ctz popcnt"))
    _rows(0x7C, "II:I", named("i64", arithmetic))
    _rows(0x8B, "f:f", named("f32", float_unary))
    _rows(0x92, "ff:f", named("f32", float_binary))
    _rows(0x99, "F:F", named("f64", float_unary))
    _rows(0xA0, "FF:F", named("f64", float_binary))
    conversions = (
        "I:i i32.wrap_i64 f:i i32.trunc_f32_s f:i i32.trunc_f32_u F:i i32.trunc_f64_s "
        "F:i i32.trunc_f64_u i:I i64.extend_i32_s i:I i64.extend_i32_u f:I i64.trunc_f32_s "
        "f:I i64.trunc_f32_u F:I i64.trunc_f64_s F:I i64.trunc_f64_u i:f f32.convert_i32_s "
        "i:f f32.convert_i32_u I:f f32.convert_i64_s I:f f32.convert_i64_u F:f f32.demote_f64 "
        "i:F f64.convert_i32_s i:F f64.convert_i32_u I:F f64.convert_i64_s I:F f64.convert_i64_u "
        "f:F f64.promote_f32 f:i i32.reinterpret_f32 F:I i64.reinterpret_f64 "
        "i:f f32.reinterpret_i32 I:F f64.reinterpret_i64 "
        "i:i i32.extend8_s i:i i32.extend16_s "
        "I:I i64.extend8_s I:I i64.extend16_s I:I i64.extend32_s"
    ).split()
    for code, (signature, name) in enumerate(zip(conversions[::2], conversions[1::2]), 0xA7):
        OPCODES[code] = _typed(name, signature)

    truncations = [
        f"{to}.trunc_sat_{of}_{sign}"
        for to in ("i32", "i64")
        for of in ("f32", "f64")
        for sign in "su"
    ]
    for code, name in enumerate(truncations):
        of = "f" if "_f32_" in name else "F"
        OPCODES[0xFC00 + code] = _typed(name, f"{of}:{'i' if name[1] == '3' else 'I'}")
    OPCODES[0xFC08] = _typed("memory.init", "iii:", "segment")
    OPCODES[0xFC09] = _typed("data.drop", ":", "data")
    OPCODES[0xFC0A] = _typed("memory.copy", "iii:", "zeros")
    OPCODES[0xFC0B] = _typed("memory.fill", "iii:", "zero")


_fill()

# Bytes that a memory instruction touches; its natural alignment is the same.
ACCESS_BYTES: dict[str, int] = {
    row.name: next(
        (
            int(bits) // 8
            for bits in ("8", "16", "32")
            if row.name.partition(".")[2].rstrip("_su").endswith(bits)
        ),
        8 if row.name[1:3] == "64" else 4,
    )
    for row in OPCODES.values()
    if row.immediate == "memory"
}
