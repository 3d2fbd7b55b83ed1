"""The module `spectest`, whose imports WebAssembly's official test suite takes for granted.

Enters: nothing.  Leaves: a module that exports them by the names `spectest.name`: four globals, a
table, a memory, and functions that print their arguments, a line each: integers as decimal numbers,
floats as their bits.
"""

from __future__ import annotations

from functools import lru_cache

from pyvm.wasm.module import (
    Body,
    Export,
    FunctionType,
    Global,
    Import,
    Instr,
    Limits,
    Module,
    Table,
)

NAME = "spectest"
_GLOBALS: dict[str, int | bytes] = {
    "i32": 666,
    "i64": 666,
    "f32": bytes.fromhex("66a62644"),  # 666.6
    "f64": bytes.fromhex("cdccccccccd48440"),
}
# Functions of this module: those that it needs itself, then what it exports.
_OUTPUT, _NUMBER, _SIGNED, _BITS = range(4)
_PRINTED = ((), ("i32",), ("i64",), ("f32",), ("f64",), ("i32", "f32"), ("f64", "f64"))


@lru_cache(maxsize=1)
def spectest_module() -> Module:
    module = Module(types=[FunctionType(("i32",), ())], code=range(0, 1))
    module.add_import(Import("pyvm", "output", "func", 0, 0))
    _add(module, ("i64", "i64"), _number())
    _add(module, ("i64",), _signed())
    _add(module, ("i64",), _text("0x") + _code(f"local.get 0; i64.const 16; call {_NUMBER}"))
    for kinds in _PRINTED:
        name = "_".join(("print", *kinds))
        index = _add(module, kinds, _printed(kinds))
        module.exports.append(Export(f"{NAME}.{name}", "func", index, 0))
    for i, (kind, value) in enumerate(_GLOBALS.items()):
        code = [Instr(f"{kind}.const", value, 0), Instr("end", None, 0)]
        module.globals.append(Global(kind, False, code))
        module.exports.append(Export(f"{NAME}.global_{kind}", "global", i, 0))
    module.tables = [Table(10, 20, "funcref")]
    module.memories = [Limits(1, 2)]
    module.exports.append(Export(f"{NAME}.table", "table", 0, 0))
    module.exports.append(Export(f"{NAME}.memory", "memory", 0, 0))
    return module


def _add(module: Module, params: tuple[str, ...], code: list[Instr]) -> int:
    module.types.append(FunctionType(params, ()))
    module.functions.append(len(module.types) - 1)
    module.bodies.append(Body((), [*code, Instr("end", None, 0)], 0))
    return len(module.function_types()) - 1


def _code(text: str) -> list[Instr]:
    """Instructions, between semicolons, with a number each or nothing."""
    rows = (row.split() for row in text.split(";"))
    return [Instr(row[0], int(row[1]) if len(row) > 1 else None, 0) for row in rows]


def _text(text: str) -> list[Instr]:
    return _code("; ".join(f"i32.const {ord(c)}; call {_OUTPUT}" for c in text))


def _block() -> list[Instr]:
    return [Instr("if", FunctionType((), ()), 0)]


def _number() -> list[Instr]:
    """The digits of a number to a base: those before the last one first."""
    return [
        *_code("local.get 0; local.get 1; i64.ge_u"),
        *_block(),
        *_code(f"local.get 0; local.get 1; i64.div_u; local.get 1; call {_NUMBER}; end"),
        *_code("local.get 0; local.get 1; i64.rem_u; local.set 0"),
        *_code("local.get 0; i32.wrap_i64; i32.const 48; i32.add"),
        *_code(f"i32.const {ord('a') - ord('9') - 1}; i32.const 0"),
        *_code("local.get 0; i64.const 9; i64.gt_u; select; i32.add"),
        *_code(f"call {_OUTPUT}"),
    ]


def _signed() -> list[Instr]:
    return [
        *_code("local.get 0; i64.const 0; i64.lt_s"),
        *_block(),
        *_text("-"),
        *_code("i64.const 0; local.get 0; i64.sub; local.set 0; end"),
        *_code(f"local.get 0; i64.const 10; call {_NUMBER}"),
    ]


_AS_LONG = {
    "i32": f"i64.extend_i32_s; call {_SIGNED}",
    "i64": f"call {_SIGNED}",
    "f32": f"i32.reinterpret_f32; i64.extend_i32_u; call {_BITS}",
    "f64": f"i64.reinterpret_f64; call {_BITS}",
}


def _printed(kinds: tuple[str, ...]) -> list[Instr]:
    code: list[Instr] = []
    for i, kind in enumerate(kinds):
        code += _text(" ") * (i > 0) + _code(f"local.get {i}; {_AS_LONG[kind]}")
    return code + _text("\n")
