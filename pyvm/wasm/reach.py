"""The functions that a run can come to.

Enters: a valid module, and the functions that are called from outside.  Leaves: the same, in which
all other functions have no code: what they would do decides nothing for those that run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyvm.wasm.module import Body, Instr, Module, number

_NAMED = ("call", "return_call", "ref.func")
_BY_TABLE = ("call_indirect", "return_call_indirect")


def without_unreached(module: Module, roots: Iterable[int]) -> Module:
    found = _reached(module, roots)
    imports = len(module.imported("func"))
    return replace(
        module,
        bodies=[
            body if imports + i in found else _empty(body) for i, body in enumerate(module.bodies)
        ],
    )


def _empty(body: Body) -> Body:
    at = body.code[-1].at
    return Body((), [Instr("unreachable", None, at), Instr("end", None, at)], body.at)


def _reached(module: Module, roots: Iterable[int]) -> set[int]:
    """A function with a reference counts as called wherever a call goes through a table."""
    imports = len(module.imported("func"))
    referred = {f for element in module.elements for f in element.functions if f is not None}
    for item in module.globals:
        referred |= {number(arg) for op, arg, _ in item.init if op == "ref.func"}
    found = set(roots)
    queue = list(found)
    while queue:
        index = queue.pop()
        if index < imports:
            continue
        for op, arg, _ in module.bodies[index - imports].code:
            if op in _NAMED:
                more = {number(arg)} - found
            elif op in _BY_TABLE:
                more, referred = referred - found, set()
            else:
                continue
            found |= more
            queue += more
    return found
