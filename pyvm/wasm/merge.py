"""Two modules become one: what a program imports, from a module that exports it.

Enters: a valid module, and a host module, which exports functions by the names `module.name` of
imports.  Leaves: one module, in which these imports are functions.

Only functions of the host that something of the module leads to are there.  The host works on the
module's memory, and brings no data, table or start function of its own.  Its instructions have
offsets behind those of the module's code, so that no two places are the same.
"""

from __future__ import annotations

from dataclasses import replace

from pyvm.isa.errors import Unsupported
from pyvm.wasm.module import (
    Body,
    Export,
    FunctionType,
    Import,
    Instr,
    Limits,
    Module,
    number,
)

_NAMES = ("call", "return_call", "ref.func")  # what names a function


def merged(module: Module, host: Module) -> Module:
    """The module with the host's functions for its imports; others stay imports."""
    if host.data or host.elements or host.start:
        raise AssertionError("a host module brings no data, no table and no start function")
    provided = _provided(module, host)
    if not provided:
        return module
    wanted = reached(host, set(provided.values()))
    # The new index of each function: imports that stay, those of the host, then all others.
    own, hosts = module.imported("func"), host.imported("func")
    kept = [i for i in range(len(own)) if i not in provided]
    asked = [i for i in wanted if i < len(hosts)]
    added = [i for i in wanted if i >= len(hosts)]
    first = len(kept) + len(asked)
    host_place = {index: len(kept) + i for i, index in enumerate(asked)}
    host_place |= {index: first + len(module.functions) + i for i, index in enumerate(added)}
    place = {index: i for i, index in enumerate(kept)}
    place |= {index: host_place[target] for index, target in provided.items()}
    place |= {len(own) + i: first + i for i in range(len(module.functions))}

    result = Module(
        types=[*module.types, *host.types],
        tables=module.tables,
        memories=module.memories,
        globals=[
            *(replace(item, init=_own(item.init, place)) for item in module.globals),
            *host.globals,
        ],
        data=module.data,
        data_count=module.data_count,
        instructions=module.instructions,
        debug=module.debug,
        code=module.code,
    )
    for item in module.imports:
        if item.kind != "func":
            result.add_import(item)
    for index in kept:
        result.add_import(own[index])
    for index in asked:
        result.add_import(_with_type(hosts[index], len(module.types)))
    if not module.memories and not module.imported("memory"):
        result.memories = [Limits(0, 0)]
    result.functions = list(module.functions)
    result.bodies = [Body(body.locals, _own(body.code, place), body.at) for body in module.bodies]
    globals_before = len(module.globals) + len(module.imported("global"))
    for index in added:
        body = host.bodies[index - len(hosts)]
        code = _hosts(body.code, host_place, globals_before, module.code.stop)
        result.functions.append(host.functions[index - len(hosts)] + len(module.types))
        result.bodies.append(Body(body.locals, code, body.at + module.code.stop))
    result.exports = [
        Export(item.name, item.kind, place[item.index], item.at) if item.kind == "func" else item
        for item in module.exports
    ]
    if module.start is not None:
        result.start = place[module.start[0]], module.start[1]
    result.elements = [
        replace(item, functions=tuple(f if f is None else place[f] for f in item.functions))
        for item in module.elements
    ]
    exported = {item.index: item.name for item in host.exports if item.kind == "func"}
    for i in added:
        result.names[host_place[i]] = exported.get(i, f"host.{host.function_name(i)}")
    for i, name in module.names.items():
        if i in place and i not in provided:
            result.names[place[i]] = name
    return result


def _provided(module: Module, host: Module) -> dict[int, int]:
    """The host's function for each import that it has."""
    exported = {item.name: item.index for item in host.exports if item.kind == "func"}
    types, result = host.function_types(), {}
    for i, item in enumerate(module.imported("func")):
        target = exported.get(f"{item.module}.{item.name}")
        if target is None:
            continue
        kind = module.types[_type_of(item)]
        if kind != types[target]:
            raise _wrong_type(item, kind, types[target])
        result[i] = target
    return result


def _wrong_type(item: Import, given: FunctionType, known: FunctionType) -> Unsupported:
    return Unsupported(
        f"import of {item} at offset {item.at:#x} with the type {given}: its type is {known}"
    )


def _type_of(item: Import) -> int:
    if not isinstance(item.desc, int):
        raise AssertionError(f"{item} is no function")
    return item.desc


def _with_type(item: Import, more: int) -> Import:
    return Import(item.module, item.name, item.kind, _type_of(item) + more, item.at)


def reached(host: Module, roots: set[int]) -> list[int]:
    """The functions that direct calls lead to from these, in ascending order."""
    found, queue = set(roots), list(roots)
    imports = len(host.imported("func"))
    while queue:
        index = queue.pop()
        if index < imports:
            continue
        for op, arg, _ in host.bodies[index - imports].code:
            if op == "call_indirect":
                raise AssertionError("a host module has no table")
            if op == "call" and number(arg) not in found:
                found.add(number(arg))
                queue.append(number(arg))
    return sorted(found)


def _own(code: list[Instr], place: dict[int, int]) -> list[Instr]:
    return [
        Instr(instr.op, place[number(instr.arg)], instr.at) if instr.op in _NAMES else instr
        for instr in code
    ]


def _hosts(code: list[Instr], place: dict[int, int], more: int, behind: int) -> list[Instr]:
    result = []
    for op, arg, at in code:
        if op == "call":
            arg = place[number(arg)]
        elif op in ("global.get", "global.set"):
            arg = number(arg) + more
        result.append(Instr(op, arg, at + behind))
    return result
