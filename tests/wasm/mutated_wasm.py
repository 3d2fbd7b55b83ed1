"""Damaged modules for tools/fuzz_wasm.py: what is mutated, and how.

Enters: a `random.Random`.  Leaves: the bytes of a module that is mostly invalid, in many ways.
"""

# ruff: noqa: E501  (modules as text)

from __future__ import annotations

from random import Random

from compiler.oracle import HEAD, wat
from compiler.random_wasm import random_module
from pyvm.bundled import PROGRAMS
from pyvm.wasm.reader import Reader

MAGIC = b"\0asm\1\0\0\0"
LARGEST = 4000  # bytes of a random module that is mutated: small ones are quick
INTERESTING = (0, 1, 2, 3, 0x0B, 0x0F, 0x40, 0x60, 0x63, 0x64, 0x6F, 0x70, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F,
               0x80, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF, 0x23, 0x41, 0xD0, 0xD2)  # fmt: skip
NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    1000,
    50_000,
    65_535,
    65_536,
    65_537,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)
HAND_MADE = (
    """(module (type $t (func (param i32 f64) (result i64))) (table 3 9 funcref)
      (memory (export "memory") 1 2) (global $g (mut i32) (i32.const 5)) (global $h f64 (f64.const 2))
      (elem (i32.const 1) $f) (elem declare func $f) (data (i32.const 65500) "abc") (data "passive")
      (start $s) (func $s (global.set $g (i32.const 3)))
      (func $f (type $t) (local i32 i64 f32) (block (result i64) (block (loop (br_table 0 1 0 (local.get 0))))
        (i64.const 1) (br_if 0 (local.get 0)) (drop) (unreachable)))
      (func (export "compute") (drop (call_indirect (type $t) (i32.const 1) (f64.const 1) (i32.const 1)))
        (memory.copy (i32.const 0) (i32.const 1) (memory.grow (i32.const 1)))
        (memory.fill (i32.const 0) (i32.const 1) (memory.size)) (memory.init 1 (i32.const 0) (i32.const 1)
        (i32.const 2)) (data.drop 1)))""",
    """(module (import "env" "output_byte" (func $o (param i32))) (import "env" "memory" (memory 1))
      (global (export "__heap_base") i32 (i32.const 65536))
      (func (export "compute") (param i32) (local i32) (local.set 1 (i32.load8_u (local.get 0)))
        (if (result i32 i32) (local.get 1) (then (i32.const 1) (i32.const 2))
          (else (unreachable) (br_table 0 0 0))) (call $o) (call $o)
        (call $o (select (i32.const 1) (i32.const 2) (i32.const 0)))))""",
    """(module (import "spectest" "global_i32" (global $i i32)) (import "spectest" "table" (table $t 10 funcref))
      (import "spectest" "memory" (memory 1 2)) (import "spectest" "print_i32" (func $p (param i32)))
      (table $u 3 externref) (global $j i32 (i32.add (global.get $i) (i32.const 1)))
      (elem (i32.const 2) funcref (ref.func $g) (ref.null func) (ref.func $p)) (func $g (call $p (global.get $j)))
      (func (export "compute") (call_indirect $t (i32.const 2)) (return_call_indirect $t (i32.const 3))))""",
    """(module (import "a" "f" (global $f funcref)) (import "a" "x" (global $x externref)) (table $u 3 externref)
      (table $t 10 funcref) (elem (i32.const 2) funcref (global.get $f) (ref.null func) (ref.func $g))
      (elem externref (ref.null extern) (global.get $x)) (func $g) (func (export "compute")))""",
)
LATER_MODULES = (
    '(module (type $a (array (mut i32))) (func (export "compute") (drop (array.new $a (i32.const 1) (i32.const 2)))))',
    '(module (memory i64 1) (func (export "compute") (drop (i32.load (i64.const 1)))))',
    '(module (func $f (return_call $f)) (func (export "compute") (call $f)))',
    '(module (memory 1) (memory $m 1) (func (export "compute") (drop (i32.load $m (i32.const 1)))))',
    '(module (tag $t) (func (export "compute") (block (try_table (catch $t 0) (throw $t)))))',
    '(module (memory 1 2 shared) (func (export "compute") (drop (i32.atomic.load (i32.const 0)))))',
    '(module (global i32 (i32.add (i32.const 1) (i32.const 2))) (func (export "compute")))',
    '(module (table 1 funcref) (table 1 externref) (func (export "compute") (drop (table.get 1 (i32.const 0)))))',
    '(module (func (export "compute") (drop (i8x16.splat (i32.const 1)))))',
    '(module (elem $e func) (func (export "compute") (elem.drop $e)))',
    """(module (type $t (func (param v128 (ref func)) (result (ref null $t) anyref))) (tag $e (param v128))
      (table 1 funcref) (func $u (type $t) (unreachable)) (func $v (drop (ref.null $t)) (throw $e (unreachable)))
      (func $w (block (type $t) (unreachable)) (drop) (drop)) (func (export "compute") (param i32)
      (if (local.get 0) (then (call_indirect (type $t) (unreachable)) (drop) (drop)))))""",
)


def leb(value: int) -> bytes:
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def text(content: bytes) -> bytes:
    return leb(len(content)) + content


def sections(data: bytes) -> list[tuple[int, bytes]]:
    reader, found = Reader(data, 8), []
    while reader.position < reader.end:
        number = reader.byte()
        found.append((number, reader.take(reader.unsigned())))
    return found


def joined(parts: list[tuple[int, bytes]]) -> bytes:
    return MAGIC + b"".join(bytes([number]) + text(content) for number, content in parts)


def line_table(version: int) -> bytes:
    """A small line table of DWARF."""
    standard = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    if version < 5:
        names = b"dir\0\0a.c\0\1\0\0b.c\0\0\0\0\0"
    else:
        names = bytes([1, 1, 0x1F, 1]) + bytes(4) + bytes([2, 1, 0x1F, 2, 0x0B, 2])
        names += bytes(4) + b"\0" + bytes([4, 0, 0, 0, 0])
    head = bytes([1, *([1] if version >= 4 else []), 1, 0xFB, 14, 13]) + standard + names
    code = bytes([0, 5, 2, 3, 0, 0, 0, 3, 2, 1, 0x4B, 0x91, 2, 5, 8, 9, 1, 0, 5, 2, 4, 1, 0, 1, 1])
    start = version.to_bytes(2, "little") + (bytes([4, 0]) if version >= 5 else b"")
    body = start + len(head).to_bytes(4, "little") + head + code
    return len(body).to_bytes(4, "little") + body


def with_debug(data: bytes) -> bytes:
    """The module with debug and name sections."""
    table = b"".join(map(line_table, (2, 3, 4, 5)))
    names = bytes([1]) + text(b"\3" + b"".join(leb(i) + text(b"name") for i in range(3)))
    custom = [(b".debug_line", table), (b".debug_line_str", b"dir\0a.c\0"), (b"name", names)]
    return data + b"".join(b"\0" + text(text(name) + content) for name, content in custom)


def modules() -> list[bytes]:
    """The modules that are mutated."""
    found = [PROGRAMS[name].wasm() for name in ("hello", "addition")]
    found += map(wat, HAND_MADE)
    number = 0
    while len(found) < 12:
        module = wat(random_module(number, HEAD, 0.25, 12))
        found += [module] if len(module) < LARGEST else []
        number += 1
    found += map(wat, LATER_MODULES)
    return [with_debug(data) for data in found]


def damaged(random: Random, data: bytes, times: int) -> bytes:
    """Some bytes changed, taken out, put in, repeated."""
    result = bytearray(data)
    for _ in range(times):
        at = random.randrange(len(result) + 1)
        pick = random.randrange(8)
        if pick < 2 and at < len(result):
            result[at] ^= 1 << random.randrange(8)
        elif pick == 2 and at < len(result):
            result[at] = random.choice(INTERESTING)
        elif pick == 3 and at < len(result):
            result[at] = random.randrange(256)
        elif pick == 4:
            result[at:at] = bytes([random.choice(INTERESTING)])
        elif pick == 5:
            result[at:at] = leb(random.choice(NUMBERS))
        elif pick == 6:
            del result[at : at + random.randrange(1, 5)]
        else:
            start = random.randrange(len(result) + 1)
            result[at:at] = result[start : start + random.randrange(1, 30)]
    return bytes(result)


def mutant(random: Random, seed: bytes, other: bytes) -> tuple[bytes, bool]:
    """A damaged module, and whether only its debug and name sections were touched."""
    pick = random.random()
    if pick < 0.05:
        return random_module_of_code(random), False
    if pick < 0.1:  # anywhere: mostly lengths no longer fit
        return seed[:8] + damaged(random, seed[8:], random.randrange(1, 3)), False
    parts = sections(seed)
    if pick < 0.3:
        i = random.choice([i for i, (number, _) in enumerate(parts) if not number])
        content = Reader(parts[i][1])
        name = text(content.name().encode())
        rest = damaged(random, parts[i][1][len(name) :], random.randrange(1, 4))
        parts[i] = (0, name + rest)
        return joined(parts), True
    plain = [i for i, (number, _) in enumerate(parts) if number]
    i = random.choice(plain)
    if pick < 0.36:  # sections left out, moved, repeated, of another module
        action = random.randrange(4)
        if action == 0:
            del parts[i]
        elif action == 1:
            parts.insert(random.randrange(len(parts) + 1), parts.pop(i))
        elif action == 2:
            parts.insert(random.randrange(len(parts) + 1), parts[i])
        else:
            parts[i] = random.choice(sections(other))
        return joined(parts), False
    number, content = parts[i]
    if number == 10 and pick < 0.8:
        parts[i] = (10, damaged_code(random, content))
    else:
        parts[i] = (number, damaged(random, content, random.randrange(1, 3)))
    return joined(parts), False


def damaged_code(random: Random, content: bytes) -> bytes:
    """One function's code damaged; its length fits."""
    reader = Reader(content)
    bodies = [reader.take(reader.unsigned()) for _ in range(reader.unsigned())]
    i = random.randrange(len(bodies))
    bodies[i] = damaged(random, bodies[i], random.randrange(1, 3))
    return leb(len(bodies)) + b"".join(map(text, bodies))


def random_code(random: Random) -> bytes:
    """A function without parameters: instructions in any order, blocks that are closed, and a stack
    that mostly fits; much of it cannot be reached.
    """
    simple = {  # operands taken and given
        "00": (0, 0), "01": (0, 0), "1a": (1, 0), "1b": (3, 1), "1c017f": (3, 1), "1c017e": (3, 1),
        "4101": (0, 1), "4201": (0, 1), "4300000000": (0, 1), "45": (1, 1), "50": (1, 1),
        "6a": (2, 1), "7c": (2, 1), "a7": (1, 1), "ac": (1, 1), "8c": (1, 1), "0f": (0, 0),
        "2000": (0, 1), "2101": (1, 0), "2202": (1, 1), "2300": (0, 1), "c0": (1, 1),
    }  # fmt: skip
    code = bytearray(b"\3\1\x7f\1\x7e\1\x7d")  # three locals
    if random.random() < 0.5:
        code.append(0)  # unreachable
    height, opened = 0, ["block"]
    for _ in range(random.randrange(4, 25)):
        pick = random.random()
        depth = random.randrange(len(opened))
        if pick < 0.15:
            op = random.choice((2, 3, 4))
            code += bytes([op, random.choice((0x40, 0x40, 0x7F, 0x7E, 0x7D))])
            opened.append("if" if op == 4 else "block")
        elif pick < 0.25 and len(opened) > 1:
            if opened[-1] == "if" and random.random() < 0.6:
                code.append(5)
                opened[-1] = "else"
            else:
                code += random.choice((b"\x0b", b"\0\x0b"))
                opened.pop()
        elif pick < 0.35:
            code += bytes([random.choice((0x0C, 0x0D)), depth])
        elif pick < 0.45:
            depths = [random.randrange(len(opened)) for _ in range(random.randrange(4))]
            code += b"\x0e" + leb(len(depths)) + bytes([*depths, depth])
        else:
            fitting = [op for op, (taken, _) in simple.items() if taken <= height]
            op = random.choice(fitting if random.random() < 0.8 else list(simple))
            height = max(0, height - simple[op][0]) + simple[op][1]
            code += bytes.fromhex(op)
    for _ in opened:
        code += random.choice((b"\x0b", b"\0\x0b", b"\0\x0b"))
    return bytes(code)


def random_module_of_code(random: Random) -> bytes:
    """One function that is exported, of random code."""
    results = random.choice((b"\0", b"\0", b"\1\x7f", b"\1\x7e"))
    return joined(
        [
            (1, b"\1\x60\0" + results),
            (3, b"\1\0"),
            (6, b"\1\x7f\1\x41\0\x0b"),
            (7, b"\1\7compute\0\0"),
            (10, b"\1" + text(random_code(random))),
        ]
    )
