"""Validation of a decoded module (core specification 1.0, chapter 3 and its algorithm in the
appendix).

Enters: a `Module`.  Leaves: nothing, or `WasmError` with the offset of what is wrong.  Lowering
relies
on a valid module: operands are there and have the right types.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.program.errors import WasmError
from pyvm.program.module import MAX_PAGES, Body, FunctionType, Instr, Module
from pyvm.program.opcodes import ACCESS_BYTES, OPCODES

ROWS = {row.name: row for row in OPCODES.values()}
_ANY = "any"  # the type of an operand popped in code that cannot be reached


def validate(module: Module) -> None:
    """Raises WasmError if the module is invalid."""
    functions = module.function_types()
    tables = module.imported("table") + module.tables
    memories = module.imported("memory") + module.memories
    global_types = [item.desc for item in module.imported("global")]
    imported_globals = list(global_types)
    global_types += [(item.type, item.mutable) for item in module.globals]
    if len(tables) > 1 or len(memories) > 1:
        raise WasmError("more than one table or memory")
    for kind, limits in [("table", t) for t in module.tables] + [
        ("memory", m) for m in module.memories
    ]:
        bound = MAX_PAGES if kind == "memory" else 1 << 32
        if limits.minimum > bound or (limits.maximum or 0) > bound:
            raise WasmError(f"{kind} size beyond {bound}")
        if limits.maximum is not None and limits.maximum < limits.minimum:
            raise WasmError(f"{kind} minimum is larger than its maximum")
    for item in module.globals:
        _constant(item.init, item.type, imported_globals)
    seen = set()
    for item in module.exports:
        counts = {"func": functions, "table": tables, "memory": memories, "global": global_types}
        if item.index >= len(counts[item.kind]):
            raise WasmError(f"export {item.name!r}: unknown {item.kind} {item.index}", item.at)
        if item.name in seen:
            raise WasmError(f"export {item.name!r} twice", item.at)
        seen.add(item.name)
    if module.start:
        index, at = module.start
        if index >= len(functions) or functions[index] != FunctionType((), ()):
            raise WasmError(f"start function {index} is unknown or has parameters or results", at)
    for item in module.elements:
        if item.offset is not None:
            if not tables:
                raise WasmError("unknown table 0", item.at)
            _constant(item.offset, "i32", imported_globals)
        if any(index is not None and index >= len(functions) for index in item.functions):
            raise WasmError("unknown function in an element segment", item.at)
    for item in module.data:
        if item.offset is None:
            continue
        if not memories:
            raise WasmError("unknown memory 0", item.at)
        _constant(item.offset, "i32", imported_globals)
    for type_index, body in zip(module.functions, module.bodies):
        _Checker(module, functions, global_types, bool(tables), bool(memories)).function(
            module.types[type_index], body
        )


def _constant(code: list[Instr], kind: str, imported_globals: list) -> None:
    """A constant expression: one constant or one immutable imported global."""
    first = code[0]
    if first.op == "global.get":
        if first.arg >= len(imported_globals) or imported_globals[first.arg][1]:
            raise WasmError("constant expression reads an unknown or mutable global", first.at)
        actual = imported_globals[first.arg][0]
    elif first.op.endswith(".const"):
        actual = first.op.partition(".")[0]
    else:
        raise WasmError(f"constant expression required, found {first.op}", first.at)
    if len(code) != 2:
        raise WasmError("a constant expression is one instruction", code[1].at)
    if actual != kind:
        raise WasmError(f"type mismatch: {kind} expected, found {actual}", first.at)


@dataclass
class _Frame:
    op: str
    type: FunctionType
    height: int
    unreachable: bool = False

    @property
    def label(self) -> tuple[str, ...]:
        return self.type.params if self.op == "loop" else self.type.results


class _Checker:
    def __init__(self, module, functions, global_types, has_table, has_memory):
        self.module, self.functions, self.globals = module, functions, global_types
        self.has_table, self.has_memory = has_table, has_memory
        self.stack: list[str] = []
        self.frames: list[_Frame] = []
        self.at = 0

    def function(self, kind: FunctionType, body: Body) -> None:
        self.locals = (*kind.params, *body.locals)
        self.frames.append(_Frame("function", FunctionType((), kind.results), 0))
        for instr in body.code:
            self.at = instr.at
            row = ROWS[instr.op]
            if row.immediate == "memory":
                if not self.has_memory:
                    self.fail("unknown memory 0")
                if 1 << min(instr.arg[0], 32) > ACCESS_BYTES[instr.op]:
                    self.fail("alignment must not be larger than natural")
            if row.immediate in ("zero", "zeros") and not self.has_memory:
                self.fail("unknown memory 0")
            if row.params is not None:
                self.pop_all(row.params)
                self.stack += row.results
            else:
                _RULES[instr.op](self, instr.arg)

    def fail(self, message: str):
        raise WasmError(message, self.at)

    def pop(self, expected: str = _ANY) -> str:
        frame = self.frames[-1]
        if len(self.stack) == frame.height:
            if frame.unreachable:
                return expected
            self.fail("type mismatch: an operand is missing")
        actual = self.stack.pop()
        if _ANY not in (actual, expected) and actual != expected:
            self.fail(f"type mismatch: {expected} expected, found {actual}")
        return expected if actual == _ANY else actual

    def pop_all(self, types: tuple[str, ...]) -> None:
        for kind in reversed(types):
            self.pop(kind)

    def enter(self, op: str, kind: FunctionType) -> None:
        self.pop_all(kind.params)
        self.frames.append(_Frame(op, kind, len(self.stack)))
        self.stack += kind.params

    def leave(self) -> _Frame:
        frame = self.frames[-1]
        self.pop_all(frame.type.results)
        if len(self.stack) != frame.height:
            self.fail("type mismatch: operands are left over at the end of a block")
        self.frames.pop()
        return frame

    def dead(self) -> None:
        frame = self.frames[-1]
        del self.stack[frame.height :]
        frame.unreachable = True

    def item(self, items, index: int, what: str):
        if index >= len(items):
            self.fail(f"unknown {what} {index}")
        return items[index]

    def label(self, depth: int) -> tuple[str, ...]:
        if depth >= len(self.frames):
            self.fail(f"unknown label {depth}")
        return self.frames[-1 - depth].label

    def block(self, kind, op="block"):
        self.enter(op, kind)

    def if_(self, kind):
        self.pop("i32")
        self.enter("if", kind)

    def else_(self, _):
        if self.frames[-1].op != "if":
            self.fail("else without if")
        frame = self.leave()
        self.frames.append(_Frame("else", frame.type, len(self.stack)))
        self.stack += frame.type.params

    def end(self, _):
        frame = self.leave()
        if frame.op == "if" and frame.type.params != frame.type.results:
            self.fail("type mismatch: an if with a result needs an else")
        self.stack += frame.type.results

    def br(self, depth):
        self.pop_all(self.label(depth))
        self.dead()

    def br_if(self, depth):
        self.pop("i32")
        self.pop_all(self.label(depth))
        self.stack += self.label(depth)

    def br_table(self, targets):
        self.pop("i32")
        default = self.label(targets[-1])
        for depth in targets:
            if self.label(depth) != default:
                self.fail("type mismatch: the labels of br_table differ")
        self.pop_all(default)
        self.dead()

    def return_(self, _):
        self.pop_all(self.frames[0].type.results)
        self.dead()

    def call(self, index):
        kind = self.item(self.functions, index, "function")
        self.pop_all(kind.params)
        self.stack += kind.results

    def call_indirect(self, index):
        if not self.has_table:
            self.fail("unknown table 0")
        kind = self.item(self.module.types, index, "type")
        self.pop("i32")
        self.pop_all(kind.params)
        self.stack += kind.results

    def select(self, kind):
        self.pop("i32")
        kind = self.pop(kind or _ANY)
        self.stack.append(self.pop(kind))

    def local_get(self, index):
        self.stack.append(self.item(self.locals, index, "local"))

    def local_set(self, index):
        self.pop(self.item(self.locals, index, "local"))

    def local_tee(self, index):
        self.local_set(index)
        self.local_get(index)

    def global_get(self, index):
        self.stack.append(self.item(self.globals, index, "global")[0])

    def global_set(self, index):
        kind, mutable = self.item(self.globals, index, "global")
        if not mutable:
            self.fail(f"global {index} is immutable")
        self.pop(kind)


_RULES = {
    "unreachable": lambda checker, _: checker.dead(),
    "block": _Checker.block,
    "loop": lambda checker, kind: checker.block(kind, "loop"),
    "if": _Checker.if_,
    "else": _Checker.else_,
    "end": _Checker.end,
    "br": _Checker.br,
    "br_if": _Checker.br_if,
    "br_table": _Checker.br_table,
    "return": _Checker.return_,
    "call": _Checker.call,
    "call_indirect": _Checker.call_indirect,
    "drop": lambda checker, _: checker.pop(),
    "select": _Checker.select,
    "local.get": _Checker.local_get,
    "local.set": _Checker.local_set,
    "local.tee": _Checker.local_tee,
    "global.get": _Checker.global_get,
    "global.set": _Checker.global_set,
}
