"""Constant expressions become constants, before anything is compiled.

Enters: a valid module that imports no globals.  Leaves: the same, whose globals and segments begin
with one constant each, and whose elements are functions.  (Core specification 3.0, section 3.4.14:
sums, differences and products, and the immutable globals before.)
"""

from __future__ import annotations

from dataclasses import replace

from pyvm.isa.arithmetic import fold
from pyvm.wasm.module import Element, Instr, Module, number


def fold_constants(module: Module) -> None:
    """Globals in their order: each may use those before it."""
    for i, item in enumerate(module.globals):
        module.globals[i] = replace(item, init=_folded(item.init, module))
    for i, element in enumerate(module.elements):
        if element.offset is not None:
            element = replace(element, offset=_folded(element.offset, module))
        module.elements[i] = _with_globals(element, module)
    for i, data in enumerate(module.data):
        if data.offset is not None:
            module.data[i] = replace(data, offset=_folded(data.offset, module))


def _with_globals(element: Element, module: Module) -> Element:
    """The functions that globals refer to, in the places of those globals."""
    functions = list(element.functions)
    for at, source in element.globals:
        constant = module.globals[source].init[0]
        functions[at] = number(constant.arg) if constant.op == "ref.func" else None
    return replace(element, functions=tuple(functions), globals=())


def _folded(code: list[Instr], module: Module) -> list[Instr]:
    if len(code) == 2 and code[0].op != "global.get":  # a constant and its end
        return code
    stack: list[Instr] = []
    for each in code[:-1]:
        if each.op == "global.get":
            stack.append(module.globals[number(each.arg)].init[0])
        elif each.op.endswith(".const") or each.op.startswith("ref."):
            stack.append(each)
        else:
            kind = each.op.partition(".")[0]
            mask = (1 << 64 if kind == "i64" else 1 << 32) - 1
            right, left = (number(stack.pop().arg) & mask for _ in range(2))
            value = fold(each.op, [left, right])
            assert value is not None  # validate: add, sub or mul
            stack.append(Instr(f"{kind}.const", value, each.at))
    return [*stack, code[-1]]
