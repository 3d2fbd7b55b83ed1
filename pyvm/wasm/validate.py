"""Validation of a decoded module (core specification 2.0, chapter 3 and the algorithm in its
appendix).

Enters: a `Module`.  Leaves: nothing, or `WasmError` with the offset of what is wrong.  Lowering
relies on a valid module: operands are there and have the right types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pyvm.isa.errors import WasmError
from pyvm.wasm import limits
from pyvm.wasm.missing import is_stub
from pyvm.wasm.module import (
    MAX_PAGES,
    Body,
    FunctionType,
    Instr,
    Limits,
    Module,
    Table,
    TryTable,
    number,
    numbers,
)
from pyvm.wasm.opcodes import ACCESS_BYTES, OPCODES, REFERENCES

ROWS = {row.name: row for row in OPCODES.values()}
_Item = TypeVar("_Item")
_ANY = "any"  # the type of an operand popped in code that cannot be reached


GlobalTypes = list[tuple[str, bool]]  # type and whether it is mutable
_CONSTANT_OPERATIONS = {f"{kind}.{op}" for kind in ("i32", "i64") for op in ("add", "sub", "mul")}


def validate(module: Module) -> None:
    """Raises WasmError if the module is invalid."""
    functions = module.function_types()
    tables = [*module.imported_tables(), *module.tables]
    memories = module.imported_limits("memory") + module.memories
    global_types: GlobalTypes = module.imported_globals()
    for table in tables:
        _limits("table", table, (1 << 32) - 1)
    for memory in memories:
        _limits("memory", memory, MAX_PAGES)
    for item in module.globals:
        _constant(item.init, item.type, global_types, len(functions))
        global_types.append((item.type, item.mutable))
    counts = {
        "func": len(functions),
        "table": len(tables),
        "memory": len(memories),
        "global": len(global_types),
        "tag": len(module.tag_types()),
    }
    for kind in module.tag_types():
        if kind.results:
            raise WasmError(f"a tag of type {kind}: a tag has no results")
    seen = set()
    for export in module.exports:
        if export.index >= counts[export.kind]:
            raise WasmError(
                f"export {export.name!r}: unknown {export.kind} {export.index}", export.at
            )
        if export.name in seen:
            raise WasmError(f"export {export.name!r} twice", export.at)
        seen.add(export.name)
    if module.start:
        index, at = module.start
        if index >= len(functions) or functions[index] != FunctionType((), ()):
            raise WasmError(f"start function {index} is unknown or has parameters or results", at)
    for element in module.elements:
        if element.offset is not None:
            if element.table >= len(tables):
                raise WasmError(f"unknown table {element.table}", element.at)
            if tables[element.table].kind != element.kind:
                raise WasmError(
                    f"type mismatch: a table of {tables[element.table].kind}, and elements of "
                    f"{element.kind}",
                    element.at,
                )
            _constant(element.offset, "i32", global_types, len(functions))
        if any(index is not None and index >= len(functions) for index in element.functions):
            raise WasmError("unknown function in an element segment", element.at)
        for _, source in element.globals:
            if source >= len(global_types) or global_types[source] != (element.kind, False):
                raise WasmError(
                    f"an element comes from global {source}, which is unknown, mutable or no "
                    f"{element.kind}",
                    element.at,
                )
    for data in module.data:
        if data.offset is None:
            continue
        if not memories:
            raise WasmError("unknown memory 0", data.at)
        _constant(data.offset, "i32", global_types, len(functions))
    checker = _Checker(module, functions, global_types, tables, bool(memories))
    for type_index, body in zip(module.functions, module.bodies):
        if not is_stub(body):
            checker.function(module.types[type_index], body)


def _limits(kind: str, limits: Limits, bound: int) -> None:
    if limits.minimum > bound or (limits.maximum or 0) > bound:
        raise WasmError(f"{kind} size beyond {bound}")
    if limits.maximum is not None and limits.maximum < limits.minimum:
        raise WasmError(f"{kind} minimum is larger than its maximum")


def _declared(module: Module) -> set[int | None]:
    """The functions that a function's code may refer to: those that anything else refers to."""
    found: set[int | None] = {item.index for item in module.exports if item.kind == "func"}
    for item in module.globals:
        found |= {number(arg) for op, arg, _ in item.init if op == "ref.func"}
    return found.union(*(element.functions for element in module.elements))


def _constant(code: list[Instr], kind: str, known: GlobalTypes, functions: int) -> None:
    """A constant expression: constants, sums, differences and products of them, references, and the
    immutable globals before it.
    """
    stack: list[str] = []
    for op, arg, at in code[:-1]:
        if op.endswith(".const"):
            stack.append(op.partition(".")[0])
        elif op == "global.get":
            index = number(arg)
            if index >= len(known) or known[index][1]:
                raise WasmError("constant expression reads an unknown or mutable global", at)
            stack.append(known[index][0])
        elif op == "ref.null":
            stack.append(str(arg))
        elif op == "ref.func":
            if number(arg) >= functions:
                raise WasmError(f"unknown function {number(arg)}", at)
            stack.append("funcref")
        elif op in _CONSTANT_OPERATIONS:
            operand = op.partition(".")[0]
            if stack[-2:] != [operand, operand]:
                raise WasmError(f"type mismatch: two operands of {operand} expected", at)
            stack.pop()
        else:
            raise WasmError(f"constant expression required, found {op}", at)
    if stack != [kind]:
        found = " ".join(stack) or "nothing"
        raise WasmError(f"type mismatch: {kind} expected, found {found}", code[-1].at)


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
    """The state of the algorithm; one for all functions of a module."""

    def __init__(
        self,
        module: Module,
        functions: list[FunctionType],
        global_types: GlobalTypes,
        tables: list[Table],
        has_memory: bool,
    ):
        self.module, self.functions, self.globals = module, functions, global_types
        self.tables, self.has_memory = tables, has_memory
        self.tags = module.tag_types()
        self.declared = _declared(module)
        self.stack: list[str] = []
        self.frames: list[_Frame] = []
        self.locals: tuple[str, ...] = ()
        self.moved = 0  # operands, see limits.py
        self.at = 0

    def function(self, kind: FunctionType, body: Body) -> None:
        self.locals = (*kind.params, *body.locals)
        self.stack.clear()
        self.frames.append(_Frame("function", FunctionType((), kind.results), 0))
        for instr in body.code:
            self.at = instr.at
            row = ROWS[instr.op]
            if row.immediate == "memory":
                if not self.has_memory:
                    self.fail("unknown memory 0")
                if 1 << min(numbers(instr.arg)[0], 32) > ACCESS_BYTES[instr.op]:
                    self.fail("alignment must not be larger than natural")
            if row.immediate in ("zero", "zeros", "segment") and not self.has_memory:
                self.fail("unknown memory 0")
            if row.immediate in ("segment", "data"):
                if self.module.data_count is None:
                    self.fail("data count section required")
                self.item(self.module.data, number(instr.arg), "data segment")
            if row.params is not None:
                self.pop_all(row.params)
                self.stack += row.results or ()
            else:
                _RULES[instr.op](self, instr.arg)

    def fail(self, message: str) -> NoReturn:
        raise WasmError(message, self.at)

    def pop(self, expected: str = _ANY) -> str:
        """Takes one operand; its type, which is _ANY where code that cannot be reached has none."""
        frame = self.frames[-1]
        if len(self.stack) == frame.height:
            if frame.unreachable:
                return _ANY
            self.fail("type mismatch: an operand is missing")
        actual = self.stack.pop()
        if _ANY not in (actual, expected) and actual != expected:
            self.fail(f"type mismatch: {expected} expected, found {actual}")
        return actual

    def pop_all(self, types: tuple[str, ...]) -> list[str]:
        """Takes operands; their types, the lowest first."""
        self.count(types)
        return [self.pop(kind) for kind in reversed(types)][::-1]

    def push_all(self, types: tuple[str, ...] | list[str]) -> None:
        self.count(types)
        self.stack += types
        if len(self.stack) > limits.OPERANDS:
            limits.bounded(len(self.stack), limits.OPERANDS, "operands", self.at)

    def count(self, types: tuple[str, ...] | list[str]) -> None:
        self.moved += len(types)
        if self.moved > limits.MOVED_OPERANDS:
            limits.bounded(self.moved, limits.MOVED_OPERANDS, "operands of all functions", self.at)

    def enter(self, op: str, kind: FunctionType) -> None:
        self.pop_all(kind.params)
        self.frames.append(_Frame(op, kind, len(self.stack)))
        self.push_all(kind.params)

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

    def item(self, items: Sequence[_Item], index: int, what: str) -> _Item:
        if index >= len(items):
            self.fail(f"unknown {what} {index}")
        return items[index]

    def label(self, depth: int) -> tuple[str, ...]:
        if depth >= len(self.frames):
            self.fail(f"unknown label {depth}")
        return self.frames[-1 - depth].label

    def block(self, kind: FunctionType, op: str = "block") -> None:
        self.enter(op, kind)

    def if_(self, kind: FunctionType) -> None:
        self.pop("i32")
        self.enter("if", kind)

    def else_(self, _: None) -> None:
        if self.frames[-1].op != "if":
            self.fail("else without if")
        frame = self.leave()
        self.frames.append(_Frame("else", frame.type, len(self.stack)))
        self.push_all(frame.type.params)

    def end(self, _: None) -> None:
        frame = self.leave()
        if frame.op == "if" and frame.type.params != frame.type.results:
            self.fail("type mismatch: an if with a result needs an else")
        self.push_all(frame.type.results)

    def br(self, depth: int) -> None:
        self.pop_all(self.label(depth))
        self.dead()

    def br_if(self, depth: int) -> None:
        self.pop("i32")
        self.pop_all(self.label(depth))
        self.push_all(self.label(depth))

    def br_table(self, targets: tuple[int, ...]) -> None:
        """Each label is checked against the operands that are there: where some are missing, in
        code that cannot be reached, the labels' types may differ.
        """
        self.pop("i32")
        arity = len(self.label(targets[-1]))
        for depth in dict.fromkeys(targets):
            label = self.label(depth)
            if len(label) != arity:
                self.fail("type mismatch: the labels of br_table differ")
            self.push_all(self.pop_all(label))
        self.pop_all(self.label(targets[-1]))
        self.dead()

    def return_(self, _: None) -> None:
        self.pop_all(self.frames[0].type.results)
        self.dead()

    def call(self, index: int) -> None:
        kind = self.item(self.functions, index, "function")
        self.pop_all(kind.params)
        self.push_all(kind.results)

    def call_indirect(self, places: tuple[int, int]) -> None:
        index, table = places
        if (found := self.item(self.tables, table, "table").kind) != "funcref":
            self.fail(f"type mismatch: funcref expected, found {found}")
        kind = self.item(self.module.types, index, "type")
        self.pop("i32")
        self.pop_all(kind.params)
        self.push_all(kind.results)

    def return_call(self, index: int) -> None:
        self.tail(self.item(self.functions, index, "function"))
        self.call(index)
        self.dead()

    def return_call_indirect(self, places: tuple[int, int]) -> None:
        self.tail(self.item(self.module.types, places[0], "type"))
        self.call_indirect(places)
        self.dead()

    def tail(self, kind: FunctionType) -> None:
        if kind.results != self.frames[0].type.results:
            self.fail("type mismatch: a tail call has the results of its function")

    def try_table(self, given: TryTable) -> None:
        for tag, reference, depth in given.clauses:
            carried = () if tag is None else self.item(self.tags, tag, "tag").params
            carried += ("exnref",) * reference
            if self.label(depth) != carried:
                self.fail(
                    f"type mismatch: a clause gives ({' '.join(carried)}), its label takes "
                    f"({' '.join(self.label(depth))})"
                )
        self.enter("try_table", given.type)

    def catch(self, tag: int) -> None:
        if self.frames[-1].op not in ("try", "catch"):
            self.fail("catch without try")
        self.clause("catch", self.item(self.tags, tag, "tag").params)

    def catch_all(self, _: None) -> None:
        if self.frames[-1].op not in ("try", "catch"):
            self.fail("catch_all without try")
        self.clause("catch_all", ())

    def clause(self, op: str, given: tuple[str, ...]) -> None:
        self.frames.append(_Frame(op, self.leave().type, len(self.stack)))
        self.push_all(given)

    def delegate(self, depth: int) -> None:
        if self.frames[-1].op != "try":
            self.fail("delegate without try")
        frame = self.leave()
        self.label(depth)
        self.push_all(frame.type.results)

    def throw(self, tag: int) -> None:
        self.pop_all(self.item(self.tags, tag, "tag").params)
        self.dead()

    def throw_ref(self, _: None) -> None:
        self.pop("exnref")
        self.dead()

    def rethrow(self, depth: int) -> None:
        self.label(depth)
        if self.frames[-1 - depth].op not in ("catch", "catch_all"):
            self.fail(f"label {depth} of rethrow is no catch")
        self.dead()

    def select(self, kind: str | None) -> None:
        self.pop("i32")
        first = self.pop(kind or _ANY)
        second = self.pop(kind or first)
        if kind is None and (first in REFERENCES.values() or second in REFERENCES.values()):
            self.fail("type mismatch: a select of references names their type")
        self.stack.append(kind or (second if first == _ANY else first))

    def local_get(self, index: int) -> None:
        self.stack.append(self.item(self.locals, index, "local"))

    def local_set(self, index: int) -> None:
        self.pop(self.item(self.locals, index, "local"))

    def local_tee(self, index: int) -> None:
        self.local_set(index)
        self.local_get(index)

    def global_get(self, index: int) -> None:
        self.stack.append(self.item(self.globals, index, "global")[0])

    def global_set(self, index: int) -> None:
        kind, mutable = self.item(self.globals, index, "global")
        if not mutable:
            self.fail(f"global {index} is immutable")
        self.pop(kind)

    def table_op(self, index: int, params: str, results: str = "") -> None:
        """`params` and `results`: i for i32, r for what the table holds."""
        kind = self.item(self.tables, index, "table").kind
        for letter in reversed(params):
            self.pop("i32" if letter == "i" else kind)
        self.stack += ["i32" if letter == "i" else kind for letter in results]

    def table_copy(self, places: tuple[int, int]) -> None:
        to, source = (self.item(self.tables, place, "table").kind for place in places)
        if to != source:
            self.fail(f"type mismatch: {to} expected, found {source}")
        self.table_op(places[0], "iii")

    def table_init(self, places: tuple[int, int]) -> None:
        source = self.item(self.module.elements, places[0], "element segment").kind
        to = self.item(self.tables, places[1], "table").kind
        if to != source:
            self.fail(f"type mismatch: {to} expected, found {source}")
        self.table_op(places[1], "iii")

    def ref_is_null(self, _: None) -> None:
        if (kind := self.pop()) not in (_ANY, *REFERENCES.values()):
            self.fail(f"type mismatch: a reference expected, found {kind}")
        self.stack.append("i32")

    def ref_func(self, index: int) -> None:
        self.item(self.functions, index, "function")
        if index not in self.declared:
            self.fail(f"undeclared reference to function {index}")
        self.stack.append("funcref")


# What an immediate is follows from the instruction's row in opcodes.py.
_RULES: dict[str, Callable[[_Checker, Any], object]] = {
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
    "return_call": _Checker.return_call,
    "return_call_indirect": _Checker.return_call_indirect,
    "try": lambda checker, kind: checker.block(kind, "try"),
    "try_table": _Checker.try_table,
    "catch": _Checker.catch,
    "catch_all": _Checker.catch_all,
    "delegate": _Checker.delegate,
    "throw": _Checker.throw,
    "throw_ref": _Checker.throw_ref,
    "rethrow": _Checker.rethrow,
    "drop": lambda checker, _: checker.pop(),
    "select": _Checker.select,
    "local.get": _Checker.local_get,
    "local.set": _Checker.local_set,
    "local.tee": _Checker.local_tee,
    "global.get": _Checker.global_get,
    "global.set": _Checker.global_set,
    "table.get": lambda checker, table: checker.table_op(table, "i", "r"),
    "table.set": lambda checker, table: checker.table_op(table, "ir"),
    "table.size": lambda checker, table: checker.table_op(table, "", "i"),
    "table.grow": lambda checker, table: checker.table_op(table, "ri", "i"),
    "table.fill": lambda checker, table: checker.table_op(table, "iri"),
    "table.copy": _Checker.table_copy,
    "table.init": _Checker.table_init,
    "elem.drop": lambda checker, index: checker.item(
        checker.module.elements, index, "element segment"
    ),
    "ref.null": lambda checker, kind: checker.stack.append(kind),
    "ref.is_null": _Checker.ref_is_null,
    "ref.func": _Checker.ref_func,
}
