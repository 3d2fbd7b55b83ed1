"""Two modules become one: what a program imports, from a module that exports it.

Enters: a valid module, and a provider, which exports what it has by the names `module.name` of
imports.  Leaves: one module, in which these imports are functions, globals, tables, tags and the
memory of its own.

Only functions of the provider that something of the module leads to are there, and its globals,
tables and tags where one is used.  It works on the module's memory, and brings no segments and no
start function.  Its instructions have offsets behind those of the module's code, so that no two
places are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyvm.isa.errors import Unsupported
from pyvm.wasm.module import (
    Body,
    Immediate,
    Import,
    Instr,
    Limits,
    Module,
    Table,
    TryTable,
    number,
    numbers,
)

_FUNCTIONS = ("call", "return_call", "ref.func")  # what names a function
_GLOBALS = ("global.get", "global.set")
_TABLES = ("table.get", "table.set", "table.size", "table.grow", "table.fill")
_TAGS = ("throw", "catch")
_CALLED = ("call_indirect", "return_call_indirect")


@dataclass(frozen=True)
class _Places:
    """The new index of each function, global, table and tag; types and offsets begin later."""

    functions: dict[int, int]
    globals: dict[int, int]
    tables: dict[int, int]
    tags: dict[int, int]
    types: int = 0
    behind: int = 0

    def of(self, kind: str, index: int) -> int:
        known = {
            "func": self.functions,
            "global": self.globals,
            "table": self.tables,
            "tag": self.tags,
        }
        return known[kind][index] if kind in known else index

    def code(self, code: list[Instr]) -> list[Instr]:
        return [Instr(op, self._immediate(op, arg), at + self.behind) for op, arg, at in code]

    def _immediate(self, op: str, arg: Immediate) -> Immediate:
        if op in _FUNCTIONS:
            return self.functions[number(arg)]
        if op in _GLOBALS:
            return self.globals[number(arg)]
        if op in _TABLES:
            return self.tables[number(arg)]
        if op in _CALLED:
            kind, table = numbers(arg)
            return kind + self.types, self.tables[table]
        if op in _TAGS:
            return self.tags[number(arg)]
        if isinstance(arg, TryTable):
            clauses = (
                each if each.tag is None else each._replace(tag=self.tags[each.tag])
                for each in arg.clauses
            )
            return TryTable(arg.type, tuple(clauses))
        if op == "table.copy":
            to, source = numbers(arg)
            return self.tables[to], self.tables[source]
        if op == "table.init":
            segment, table = numbers(arg)
            return segment, self.tables[table]
        return arg


def merged(module: Module, provider: Module) -> Module:
    """The module with what the provider has for its imports; others stay imports."""
    if provider.data or provider.elements or provider.start:
        raise AssertionError("a provider brings no segments and no start function")
    provided = _provided(module, provider)
    if not any(provided.values()):
        return module
    inits = [instr for item in provider.globals for instr in item.init]
    referred = {number(arg) for op, arg, _ in inits if op == "ref.func"}
    wanted = reached(provider, referred.union(provided["func"].values()))
    types, more = list(module.types), len(module.types)
    # Of functions: imports that stay, those of the provider, its own, then all others.
    own, theirs = module.imported("func"), provider.imported("func")
    kept = [i for i in range(len(own)) if i not in provided["func"]]
    asked = [i for i in wanted if i < len(theirs)]
    added = [i for i in wanted if i >= len(theirs)]
    first = len(kept) + len(asked)
    host = {index: len(kept) + i for i, index in enumerate(asked)}
    host |= {index: first + len(module.functions) + i for i, index in enumerate(added)}
    place = {index: i for i, index in enumerate(kept)}
    place |= {index: host[target] for index, target in provided["func"].items()}
    place |= {len(own) + i: first + i for i in range(len(module.functions))}
    bodies = [provider.bodies[i - len(theirs)] for i in added]
    used = {op for body in bodies for op, _, _ in body.code}
    globals_ = provider.globals if used.intersection(_GLOBALS) or provided["global"] else []
    tags = provider.tags if used.intersection(_TAGS) or provided["tag"] else []
    tables = provider.tables if provided["table"] else []
    ours, its_globals = _before("global", module, provided["global"], len(globals_))
    our_tables, its_tables = _before("table", module, provided["table"], len(tables))
    our_tags, its_tags = _before("tag", module, provided["tag"], len(tags))
    mine = _Places(place, ours, our_tables, our_tags)
    its = _Places(host, its_globals, its_tables, its_tags, more, module.code.stop)

    result = replace(
        module,
        types=[*types, *provider.types],
        imports=[],
        imports_of={},
        tables=[*tables, *module.tables],
        globals=[
            *(replace(item, init=its.code(item.init)) for item in globals_),
            *(replace(item, init=mine.code(item.init)) for item in module.globals),
        ],
        tags=[*(index + more for index in tags), *module.tags],
        tag_names={our_tags[i]: name for i, name in module.tag_names.items()},
        functions=list(module.functions),
        bodies=[replace(body, code=mine.code(body.code)) for body in module.bodies],
        exports=[replace(item, index=mine.of(item.kind, item.index)) for item in module.exports],
        start=module.start and (place[module.start[0]], module.start[1]),
        elements=[
            replace(
                item,
                functions=tuple(f if f is None else place[f] for f in item.functions),
                table=our_tables.get(item.table, item.table),
                offset=item.offset and mine.code(item.offset),
                globals=tuple((at, ours[source]) for at, source in item.globals),
            )
            for item in module.elements
        ],
        data=[replace(item, offset=item.offset and mine.code(item.offset)) for item in module.data],
        names={},
    )
    counts = dict.fromkeys(provided, 0)
    for item in module.imports:
        position = counts.get(item.kind, 0)
        counts[item.kind] = position + 1
        if position not in provided.get(item.kind, {}) and item.kind != "func":
            result.add_import(item)
    for index in kept:
        result.add_import(own[index])
    for index in asked:
        result.add_import(replace(theirs[index], desc=_type_of(theirs[index]) + more))
    if provided["memory"]:
        result.memories = list(provider.memories)
    elif not module.memories and not module.imported("memory"):
        result.memories = [Limits(0, 0)]
    for index, body in zip(added, bodies):
        result.functions.append(provider.functions[index - len(theirs)] + more)
        result.bodies.append(Body(body.locals, its.code(body.code), body.at + its.behind))
    exported = {item.index: item.name for item in provider.exports if item.kind == "func"}
    for i in added:
        result.names[host[i]] = exported.get(i, f"host.{provider.function_name(i)}")
    for i, name in module.names.items():
        if i in place and i not in provided["func"]:
            result.names[place[i]] = name
    return result


def _before(
    kind: str, module: Module, provided: dict[int, int], count: int
) -> tuple[dict[int, int], dict[int, int]]:
    """New indices of the module's and of the provider's, of which there are `count`: imports that
    stay, the provider's, then the module's own, which may be computed from those."""
    imports = module.imported(kind)
    counts = {
        "global": len(module.globals),
        "table": len(module.tables),
        "tag": len(module.tags),
    }
    kept = [i for i in range(len(imports)) if i not in provided]
    theirs = {i: len(kept) + i for i in range(count)}
    place = {index: i for i, index in enumerate(kept)}
    place |= {index: theirs[target] for index, target in provided.items()}
    place |= {len(imports) + i: len(kept) + count + i for i in range(counts[kind])}
    return place, theirs


def _provided(module: Module, provider: Module) -> dict[str, dict[int, int]]:
    """By kind: what the provider has for each import."""
    exported = {(item.name, item.kind): item.index for item in provider.exports}
    kinds = ("func", "global", "table", "tag", "memory")
    result: dict[str, dict[int, int]] = {kind: {} for kind in kinds}
    for kind, found in result.items():
        for i, item in enumerate(module.imported(kind)):
            target = exported.get((f"{item.module}.{item.name}", kind))
            if target is not None:
                _check_type(item, module, provider, target)
                found[i] = target
    return result


def _check_type(item: Import, module: Module, provider: Module, target: int) -> None:
    given: object = item.desc
    known: object
    if item.kind == "func":
        given, known = module.types[_type_of(item)], provider.function_types()[target]
        fits = given == known
    elif item.kind == "tag":
        given, known = module.types[_type_of(item)], provider.tag_types()[target]
        fits = given == known
    elif item.kind == "global":
        found = provider.globals[target]
        known = found.type, found.mutable
        fits = given == known
        given, known = (_global(each) for each in (item.desc, known))
    else:
        known = (provider.tables if item.kind == "table" else provider.memories)[target]
        fits = isinstance(given, Limits) and _holds(given, known)
    if not fits:
        raise Unsupported(
            f"import of {item} at offset {item.at:#x} with the type {given}: its type is {known}"
        )


def _global(desc: object) -> str:
    if not isinstance(desc, tuple):
        raise AssertionError(f"{desc!r} is no global")
    kind, mutable = desc
    return f"mut {kind}" if mutable else f"{kind}"


def _holds(asked: Limits, known: Limits) -> bool:
    """Whether what is there is as large as asked, and never larger than it may be."""
    if isinstance(asked, Table) != isinstance(known, Table):
        return False
    if isinstance(asked, Table) and isinstance(known, Table) and asked.kind != known.kind:
        return False
    if known.minimum < asked.minimum:
        return False
    return asked.maximum is None or (known.maximum is not None and known.maximum <= asked.maximum)


def _type_of(item: Import) -> int:
    if not isinstance(item.desc, int):
        raise AssertionError(f"{item} is no function")
    return item.desc


def reached(provider: Module, roots: set[int]) -> list[int]:
    """The functions that direct calls lead to from these, in ascending order."""
    found, queue = set(roots), list(roots)
    imports = len(provider.imported("func"))
    while queue:
        index = queue.pop()
        if index < imports:
            continue
        for op, arg, _ in provider.bodies[index - imports].code:
            if op in _CALLED:
                raise AssertionError("a provider's functions use no table")
            if op in _FUNCTIONS and number(arg) not in found:
                found.add(number(arg))
                queue.append(number(arg))
    return sorted(found)
