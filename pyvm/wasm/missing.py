"""Functions that need a part of WebAssembly which pyvm does not have.

Enters: a decoded module, whose types may name such parts.  Leaves: the same, in which the code of
every function that needs one is a single instruction `missing`, which says what: only where a run
can come to it, is the module refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyvm.isa.errors import Missing
from pyvm.wasm.module import Body, FunctionType, Instr, Module, TryTable, number, numbers

OP = "missing"
_CALLS = ("call", "return_call")
_BY_TYPE = ("call_indirect", "return_call_indirect")
_TAGS = ("throw", "catch")


def stub(why: Missing, at: int) -> Body:
    place = at if why.offset is None else why.offset
    return Body((), [Instr(OP, str(why), place), Instr("end", None, place)], at)


def is_stub(body: Body) -> bool:
    return body.code[0].op == OP


def needs_more(module: Module) -> bool:
    """Whether anything of a module is missing."""
    return bool(module.missing_types) or any(map(is_stub, module.bodies))


def without_missing_types(module: Module, missing: dict[str, Missing]) -> None:
    """Of functions that have or use one of these types, by name, only a stub stays."""
    if not missing:
        return
    own = module.function_types()[len(module.imported("func")) :]
    for i, body in enumerate(module.bodies):
        kinds = _kinds(own[i], module, body) if i < len(own) else iter(())
        why = next((missing[kind] for kind in kinds if kind in missing), None)
        if why is not None:
            module.bodies[i] = stub(why, body.at)


def _kinds(kind: FunctionType, module: Module, body: Body) -> Iterator[str]:
    """The types of a function and of what its instructions name."""
    functions, tags = module.function_types(), module.tag_types()

    def known(types: list[FunctionType], index: int) -> Iterator[str]:
        if index < len(types):  # else the module is invalid
            yield from types[index].params + types[index].results

    yield from kind.params + kind.results
    for op, arg, _ in body.code:
        if isinstance(arg, TryTable):
            arg = arg.type
        if isinstance(arg, FunctionType):
            yield from arg.params + arg.results
        elif op in _CALLS:
            yield from known(functions, number(arg))
        elif op in _BY_TYPE:
            yield from known(module.types, numbers(arg)[0])
        elif op in _TAGS:
            yield from known(tags, number(arg))
