"""References become numbers: 0 is null, and a function's is its place among those that have one.

Enters: a valid module.  Leaves: the same without instructions that make or look at references, and
the functions that have one, in the order of their numbers.

The types of values stay, because functions are told apart by them; where code is lowered, a
reference is an i32.
"""

from __future__ import annotations

from dataclasses import replace

from pyvm.wasm.module import Instr, Module, number


def numbered(module: Module) -> tuple[Module, list[int]]:
    expressions = [item.init for item in module.globals] + [body.code for body in module.bodies]
    named = {number(instr.arg) for code in expressions for instr in code if instr.op == "ref.func"}
    named |= {f for element in module.elements for f in element.functions if f is not None}
    functions = sorted(named)
    numbers = {function: i for i, function in enumerate(functions, 1)}
    result = replace(
        module,
        globals=[replace(item, init=_numbered(item.init, numbers)) for item in module.globals],
        bodies=[replace(body, code=_numbered(body.code, numbers)) for body in module.bodies],
    )
    return result, functions


def _numbered(code: list[Instr], numbers: dict[int, int]) -> list[Instr]:
    if not any(instr.op.startswith("ref.") for instr in code):
        return code
    result = []
    for op, arg, at in code:
        if op == "ref.null":
            op, arg = "i32.const", 0
        elif op == "ref.func":
            op, arg = "i32.const", numbers[number(arg)]
        elif op == "ref.is_null":
            op = "i32.eqz"
        result.append(Instr(op, arg, at))
    return result
