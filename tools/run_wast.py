#!/usr/bin/env python3
"""Runs the assertions of WebAssembly's test suite (.wast files) on the machine.

    tools/run_wast.py FILE.wast ... [--transformer] [--verbose]

Enters: scripts of the official suite.  Leaves: a row for each: how many of its assertions of
results and traps passed, failed, were refused (a module or function that pyvm does not compile) and
skipped (they need a second module, are no run of a module, or compare references).  Exit status 1
where one failed.

Text becomes modules by wasmtime's assembler (the wheel `wasmtime`), and so do literals.  The
actions on a module become calls in one added function, whose results are printed: the module keeps
its state from one action to the next.  Programs run in the native executor, with --transformer in
the standard model.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

import wasmtime
from measure import table

import pyvm
from pyvm.compiler.link.debug import debug_of
from pyvm.compiler.wasm_to_machine import compile_module
from pyvm.engine.errors import LimitError
from pyvm.engine.executor import execute
from pyvm.engine.run import Run
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.isa.program import Program
from pyvm.isa.traps import Trap
from pyvm.wasm.constants import fold_constants
from pyvm.wasm.decode import decode
from pyvm.wasm.module import Body, Export, FunctionType, Instr, Module
from pyvm.wasm.validate import validate

ENTRY = "the actions of the script"
AT_ONCE = 200  # results of one run
LIMIT = 50_000_000  # tokens of one
OUTCOMES = ("passed", "failed", "refused", "skipped")
# How the suite's messages for traps begin.
TRAPS = {
    "unreachable": (Trap.UNREACHABLE,),
    "integer divide by zero": (Trap.DIVIDE_BY_ZERO,),
    "integer overflow": (Trap.INTEGER_OVERFLOW,),
    "invalid conversion to integer": (Trap.INVALID_CONVERSION,),
    "out of bounds memory access": (Trap.OUT_OF_BOUNDS, Trap.DATA_SEGMENT),
    "out of bounds table access": (Trap.TABLE_OUT_OF_BOUNDS, Trap.ELEMENT_SEGMENT),
    "undefined element": (Trap.UNDEFINED_ELEMENT,),
    "uninitialized element": (Trap.UNINITIALIZED_ELEMENT,),
    "indirect call type mismatch": (Trap.TYPE_MISMATCH,),
    "call stack exhausted": (Trap.CALL_STACK_EXHAUSTED,),
}
_INTEGERS = {"i32": "i32", "i64": "i64", "f32": "i32", "f64": "i64"}


@dataclass
class Node:
    """A list of the script, and where it lies in the text."""

    items: list[Item] = field(default_factory=list)
    begin: int = 0
    end: int = 0

    @property
    def head(self) -> str:
        return self.items[0] if self.items and isinstance(self.items[0], str) else ""


Item = Union[Node, str, bytes]  # noqa: UP007  (it names a class that names it)


def parse(text: str) -> list[Node]:
    """S-expressions: atoms are str, strings bytes."""
    stack, i = [Node()], 0
    while i < len(text):
        c = text[i]
        if text.startswith(";;", i):
            i = (text.find("\n", i) + 1) or len(text)
        elif text.startswith("(;", i):
            i = _behind_comment(text, i)
        elif c == "(":
            stack.append(Node(begin=i))
            i += 1
        elif c == ")":
            node = stack.pop()
            i += 1
            node.end = i
            stack[-1].items.append(node)
        elif c == '"':
            value, i = _string(text, i + 1)
            stack[-1].items.append(value)
        elif c.isspace():
            i += 1
        else:
            begin = i
            while i < len(text) and not text[i].isspace() and text[i] not in '();"':
                i += 1
            stack[-1].items.append(text[begin:i])
    return [item for item in stack[0].items if isinstance(item, Node)]


def _behind_comment(text: str, i: int) -> int:
    depth = 0
    while True:
        if text.startswith("(;", i):
            depth, i = depth + 1, i + 2
        elif text.startswith(";)", i):
            depth, i = depth - 1, i + 2
            if not depth:
                return i
        else:
            i += 1


_ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", '"': b'"', "'": b"'", "\\": b"\\"}


def _string(text: str, i: int) -> tuple[bytes, int]:
    value = b""
    while text[i] != '"':
        if text[i] != "\\":
            value += text[i].encode()
            i += 1
        elif text[i + 1] in _ESCAPES:
            value += _ESCAPES[text[i + 1]]
            i += 2
        elif text[i + 1] == "u":
            end = text.index("}", i)
            value += chr(int(text[i + 3 : end].replace("_", ""), 16)).encode()
            i = end + 1
        else:
            value += bytes([int(text[i + 1 : i + 3], 16)])
            i += 3
    return value, i + 1


def module_bytes(node: Node, text: str) -> bytes:
    """The module of a node `module`; raises WasmtimeError."""
    kinds = [item for item in node.items[1:3] if item in ("binary", "quote")]
    strings = b"".join(item for item in node.items if isinstance(item, bytes))
    if kinds == ["binary"]:
        return strings
    source = strings.decode() if kinds else text[node.begin : node.end]
    return bytes(wasmtime.wat2wasm(source))


class Literals:
    """Constants of the script, as instructions."""

    def __init__(self, nodes: list[Node], text: str):
        wanted = {text[n.begin : n.end]: None for n in _constants(nodes) if not _is_pattern(n)}
        body = "\n".join(f"{literal} (drop)" for literal in wanted)
        code = decode(bytes(wasmtime.wat2wasm(f"(module (func {body}))"))).bodies[0].code
        found = [each for each in code if each.op.endswith(".const")]
        self._known = dict(zip(wanted, found, strict=True))
        self._text = text

    def __getitem__(self, node: Node) -> Instr:
        return self._known[self._text[node.begin : node.end]]


def _constants(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.head in ("i32.const", "i64.const", "f32.const", "f64.const"):
            yield node
        elif node.head not in ("module", "v128.const"):
            yield from _constants([item for item in node.items if isinstance(item, Node)])


def _is_pattern(node: Node) -> bool:
    return node.items[1] in ("nan:canonical", "nan:arithmetic")


def bits(constant: Instr) -> int:
    """The number that a constant is, of a float its bits."""
    size = 32 if constant.op[1:3] == "32" else 64
    if isinstance(constant.arg, bytes):
        return int.from_bytes(constant.arg, "little")
    assert isinstance(constant.arg, int)
    return constant.arg & (1 << size) - 1


@dataclass
class Action:
    """A call, or a global that is read."""

    code: list[Instr]
    results: tuple[str, ...]
    line: int
    expected: list[Callable[[int], bool]] = field(default_factory=list)
    trap: str | None = None  # the message
    compared: bool = False


class Instance:
    """A module of the script, and what was done with it so far."""

    def __init__(self, data: bytes):
        self.data = data
        self.actions: list[Action] = []
        module = self.module()
        self.types = module.function_types()
        self.exports = {(e.name, e.kind): e.index for e in module.exports}
        self.globals = [*module.imported_globals(), *((g.type, g.mutable) for g in module.globals)]
        changing = any(mutable for _, mutable in self.globals)
        self.has_state = changing or bool(module.memories or module.tables)

    def module(self) -> Module:
        module = decode(self.data)
        validate(module)
        fold_constants(module)
        return module

    def program(self, before: list[Action], actions: list[Action]) -> Program:
        """Does what was done before, then prints what the actions give."""
        module = self.module()
        code: list[Instr] = []
        results: list[str] = []
        locals_: list[str] = []
        for action in before:
            code += [*action.code, *(Instr("drop", 0, 0) for _ in action.results)]
        for action in actions:
            code += action.code
            places = []
            for kind in action.results:
                places.append(len(locals_))
                locals_.append(kind)
            code += [Instr("local.set", place, 0) for place in reversed(places)]
            for kind, place in zip(action.results, places):
                code.append(Instr("local.get", place, 0))
                if kind != _INTEGERS[kind]:
                    code.append(Instr(f"{_INTEGERS[kind]}.reinterpret_{kind}", 0, 0))
                results.append(_INTEGERS[kind])
        module.types.append(FunctionType((), tuple(results)))
        module.functions.append(len(module.types) - 1)
        module.bodies.append(Body(tuple(locals_), [*code, Instr("end", 0, 0)], 0))
        module.exports.append(Export(ENTRY, "func", len(self.types), 0))
        done = compile_module(module, "standard", ENTRY, (), None, True)
        linked = done.linked
        debug = debug_of(done.module, linked)
        return Program(linked.code, None, linked.places, "script", debug, done.room, done.data)


class Script:
    def __init__(self, path: Path, run: Callable[[Program], Run], verbose: bool):
        self.text = path.read_text(encoding="utf-8")
        self.path, self.run, self.verbose = path, run, verbose
        self.nodes = parse(self.text)
        self.literals = Literals(self.nodes, self.text)
        self.counts: Counter[str] = Counter()
        self.current: Instance | None = None
        self.named: dict[str, Instance | None] = {}
        self.instances: list[Instance] = []

    def outcome(self) -> Counter[str]:
        for node in self.nodes:
            self._command(node)
        for instance in self.instances:
            self._judge(instance)
        return self.counts

    def _command(self, node: Node) -> None:
        head, items = node.head, node.items
        if head == "module":
            self._module(node)
        elif head == "invoke":
            if found := self._action(node):
                found[0].actions.append(found[1])
        elif head in ("assert_return", "assert_trap", "assert_exhaustion"):
            inner = items[1]
            assert isinstance(inner, Node)
            if inner.head == "module":
                self._module_trap(inner, str(bytes(items[2]), "utf-8"))  # type: ignore[arg-type]
                return
            found = self._action(inner)
            if found is None:
                self.counts["refused" if self.current is None else "skipped"] += 1
                return
            instance, action = found
            action.compared = True
            if head == "assert_return":
                wanted = [self._expected(item) for item in items[2:]]
                if None in wanted:
                    self.counts["skipped"] += 1
                    return
                action.expected = [each for each in wanted if each is not None]
            else:
                assert isinstance(items[2], bytes)
                action.trap = items[2].decode()
            instance.actions.append(action)
        elif head.startswith("assert_"):
            self.counts["skipped"] += 1

    def _module(self, node: Node) -> None:
        if "definition" in node.items[1:3] or "instance" in node.items[1:3]:
            self.current = None
            return
        try:
            self.current = Instance(module_bytes(node, self.text))
            self.instances.append(self.current)
        except (ProgramError, wasmtime.WasmtimeError) as error:
            self._say(node, f"refused: {error}")
            self.current = None
        name = node.items[1] if len(node.items) > 1 else ""
        if isinstance(name, str) and name.startswith("$"):
            self.named[name] = self.current

    def _module_trap(self, node: Node, message: str) -> None:
        try:
            instance = Instance(module_bytes(node, self.text))
            self._trapped(instance, [], Action([], (), self._line(node), trap=message))
        except (ProgramError, wasmtime.WasmtimeError) as error:
            self._say(node, f"refused: {error}")
            self.counts["refused"] += 1

    def _action(self, node: Node) -> tuple[Instance, Action] | None:
        items = node.items[1:]
        instance = self.current
        if items and isinstance(items[0], str):
            instance = self.named.get(str(items.pop(0)))
        if instance is None or not items or not isinstance(items[0], bytes):
            return None
        name = items[0].decode()
        line = self._line(node)
        if node.head == "get":
            index = instance.exports.get((name, "global"))
            if index is None:
                return None
            return instance, Action(
                [Instr("global.get", index, 0)], (instance.globals[index][0],), line
            )
        index = instance.exports.get((name, "func"))
        arguments = [item for item in items[1:] if isinstance(item, Node)]
        known = all(a.head[:4] in ("i32.", "i64.", "f32.", "f64.") for a in arguments)
        if node.head != "invoke" or index is None or not known:
            return None
        kind = instance.types[index]
        if not set(kind.results) <= set(_INTEGERS):
            return None
        code = [self.literals[argument] for argument in arguments]
        return instance, Action([*code, Instr("call", index, 0)], kind.results, line)

    def _expected(self, item: Item) -> Callable[[int], bool] | None:
        """Whether bits are what a result must be; None where that is no number."""
        if not isinstance(item, Node) or item.head[:4] not in ("i32.", "i64.", "f32.", "f64."):
            return None
        if not _is_pattern(item):
            value = bits(self.literals[item])
            return lambda found: found == value
        mantissa, size = (23, 32) if item.head[1:3] == "32" else (52, 64)
        quiet = (1 << size - 1) - (1 << mantissa - 1)  # exponent and the mantissa's highest bit
        sign = 1 << size - 1
        if item.items[1] == "nan:canonical":
            return lambda found: found & ~sign == quiet
        return lambda found: found & quiet == quiet

    def _judge(self, instance: Instance) -> None:
        """Runs what can be run together; what traps is run by itself."""
        done: list[Action] = []
        batch: list[Action] = []

        def flush() -> None:
            before = done if instance.has_state else []
            self._compare(instance, list(before), batch)
            done.extend(batch)
            batch.clear()

        for action in instance.actions:
            if action.trap is not None:
                flush()
                self._trapped(instance, done if instance.has_state else [], action)
                continue
            batch.append(action)
            if sum(len(each.results) for each in batch) >= AT_ONCE:
                flush()
        flush()

    def _compare(self, instance: Instance, before: list[Action], batch: list[Action]) -> None:
        if not any(action.compared for action in batch):
            return
        try:
            run = self.run(instance.program(before, batch))
        except Unsupported as error:
            if len(batch) == 1:
                self._refused(batch[0], str(error))
                return
            run = None
        found = None if run is None or run.trap else [int(word) for word in run.output.split()]
        if found is None and len(batch) > 1:  # which one is it?
            for i, action in enumerate(batch):
                self._compare(
                    instance, [*before, *(batch[:i] if instance.has_state else [])], [action]
                )
            return
        if found is None:
            self._failed(batch[0], str(run.trap) if run is not None else "refused")
            return
        for action in batch:
            values, found = found[: len(action.results)], found[len(action.results) :]
            masks = ((1 << (32 if "32" in kind else 64)) - 1 for kind in action.results)
            numbers = [value & mask for value, mask in zip(values, masks)]
            if not action.compared:
                continue
            checks = action.expected
            right = len(numbers) == len(checks) and all(c(n) for c, n in zip(checks, numbers))
            if right:
                self.counts["passed"] += 1
            else:
                self._failed(action, f"gives {', '.join(map(hex, numbers)) or 'nothing'}")

    def _trapped(self, instance: Instance, before: list[Action], action: Action) -> None:
        assert action.trap is not None
        wanted = next(
            (kinds for said, kinds in TRAPS.items() if action.trap.startswith(said)), None
        )
        if wanted is None:
            self.counts["skipped"] += 1
            return
        try:
            run = self.run(instance.program(before, [action]))
        except Unsupported as error:
            self._refused(action, str(error))
            return
        except LimitError:  # calls deeper than the library counts, or more tokens
            right = Trap.CALL_STACK_EXHAUSTED in wanted
            self.counts["passed" if right else "failed"] += 1
            return
        endless = run.trap is None and run.generated.size >= LIMIT
        if endless and Trap.CALL_STACK_EXHAUSTED in wanted:
            self.counts["passed"] += 1
        elif run.trap is not None and run.trap.kind in wanted:
            self.counts["passed"] += 1
        else:
            self._failed(action, f"{action.trap} expected, found {run.trap}")

    def _refused(self, action: Action, why: str) -> None:
        self.counts["refused"] += 1
        if self.verbose:
            print(f"{self.path.name}:{action.line}: refused: {why}", file=sys.stderr)

    def _failed(self, action: Action, why: str) -> None:
        if "stopped:" in why:  # an instruction that is not there was reached
            self._refused(action, why)
            return
        self.counts["failed"] += 1
        print(f"{self.path.name}:{action.line}: {why}", file=sys.stderr)

    def _line(self, node: Node) -> int:
        return self.text.count("\n", 0, node.begin) + 1

    def _say(self, node: Node, what: str) -> None:
        if self.verbose:
            print(f"{self.path.name}:{self._line(node)}: {what}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.wast")
    parser.add_argument("--transformer", action="store_true", help="generate with the model")
    parser.add_argument("--verbose", action="store_true", help="say what is refused, and why")
    args = parser.parse_args()
    run: Callable[[Program], Run] = lambda program: execute(program, LIMIT)  # noqa: E731
    if args.transformer:
        model = pyvm.load()
        run = lambda program: model.generate(program, LIMIT)  # noqa: E731
    rows: list[tuple[str, Counter[str]]] = []
    for path in args.files:
        counts = Script(path, run, args.verbose).outcome()
        rows.append((path.name, counts))
    if len(rows) > 1:
        rows.append(("all", sum((counts for _, counts in rows), Counter())))
    cells = [[name, *(f"{counts[each]:,}" for each in OUTCOMES)] for name, counts in rows]
    print(table(["script", *OUTCOMES], cells))
    return int(any(counts["failed"] for _, counts in rows))


if __name__ == "__main__":
    sys.exit(main())
