"""The library of floats: floats.c as WebAssembly, in a module that computes with floats.

Enters: floats.wasm, which `python -m pyvm.floats` makes; a valid module.  Leaves: the module with
those functions behind its own that its instructions need, and which function each instruction is.

What the library imports from the module `pyvm` are instructions of the machine.  Its instructions
have offsets behind all others, so that no two places are the same.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pyvm.wasm.decode import decode
from pyvm.wasm.floats import SAME_WITH_SIGN
from pyvm.wasm.merge import reached
from pyvm.wasm.module import Body, Instr, Module, number

SOURCE = Path(__file__).with_name("floats.c")
BINARY = SOURCE.with_suffix(".wasm")


@lru_cache(maxsize=1)
def float_module() -> Module:
    return decode(BINARY.read_bytes())


def with_floats(module: Module, printed: tuple[str, ...]) -> tuple[Module, dict[str, int]]:
    """The module, and the index of the function that computes each instruction, or prints each of
    these types.
    """
    library = float_module()
    exported = {item.name: item.index for item in library.exports if item.kind == "func"}
    used = {SAME_WITH_SIGN.get(instr.op, instr.op) for body in module.bodies for instr in body.code}
    used |= {f"{kind}.print" for kind in printed}
    wanted = {op: exported[op] for op in sorted(used & set(exported))}
    if not wanted:
        return module, {}
    imports = library.imported("func")
    added = [i for i in reached(library, set(wanted.values())) if i >= len(imports)]
    first = len(module.function_types())
    place = {index: first + i for i, index in enumerate(added)}
    behind = max([module.code.stop, *(body.code[-1].at + 1 for body in module.bodies)])
    names = {index: op for op, index in exported.items()}
    bodies = []
    for index in added:
        body = library.bodies[index - len(imports)]
        code = [_linked(instr, library, place, behind) for instr in body.code]
        bodies.append(Body(body.locals, code, body.at + behind))
    linked = replace(
        module,
        types=[*module.types, *library.types],
        functions=[
            *module.functions,
            *(library.functions[i - len(imports)] + len(module.types) for i in added),
        ],
        bodies=[*module.bodies, *bodies],
        names={**module.names, **{place[i]: names.get(i, f"float {i}") for i in added}},
    )
    return linked, {op: place[index] for op, index in wanted.items()}


def _linked(instr: Instr, library: Module, place: dict[int, int], behind: int) -> Instr:
    op, arg, at = instr
    if op == "call":
        index = number(arg)
        if index not in place:
            return Instr(library.imported("func")[index].name, None, at + behind)
        arg = place[index]
    return Instr(op, arg, at + behind)
