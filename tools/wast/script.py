"""A script as modules with the actions on each of them.

Enters: a .wast file.  Leaves: instances with their actions in order, and counts of what is no
action: modules that must be refused, and assertions that are not run, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import wasmtime

from pyvm.isa.errors import ProgramError
from pyvm.wasm.decode import decode
from pyvm.wasm.merge import merged
from pyvm.wasm.missing import needs_more
from pyvm.wasm.module import Instr, Module
from pyvm.wasm.validate import validate
from wast.modules import is_quoted, module_bytes, needs
from wast.program import Action
from wast.text import Node, line_of, parse
from wast.values import BYTES, Literals, Skipped

ACTIONS = ("invoke", "get")
_TRAPS = ("assert_trap", "assert_exhaustion", "assert_exception")
_NANS = {
    "assert_return_canonical_nan": "nan:canonical",
    "assert_return_arithmetic_nan": "nan:arithmetic",
}


@dataclass
class Instance:
    """A module of the script, and what is done with it.

    Attributes:
        providers: the modules that it imports from, by name; none of them has a state.
        has_state: an action can depend on those before.
        shared: another module changes what it has: from then on its actions cannot be run alone.
        starts: the message of the trap that its start must end with, or None.
    """

    data: bytes
    line: int
    module: Module
    providers: dict[str, Instance] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    shared: bool = False
    starts: str | None = None

    def __post_init__(self) -> None:
        linked = self.linked()
        self.types = linked.function_types()
        self.exports = {(e.name, e.kind): e.index for e in linked.exports}
        self.globals = [
            *linked.imported_globals(),
            *((g.type, g.mutable) for g in linked.globals),
        ]
        changing = any(mutable for _, mutable in self.globals)
        imported = any(self.module.imported(kind) for kind in ("memory", "table"))
        own = self.module.memories or self.module.tables or self.module.elements
        self.has_state = bool(changing or imported or own or self.module.data or self.module.start)

    def linked(self) -> Module:
        """The module, one with those that it imports from.  What comes to know it may change it."""
        module = decode(self.data)
        for name, provider in self.providers.items():
            other = provider.linked()
            exports = [replace(item, name=f"{name}.{item.name}") for item in other.exports]
            module = merged(module, replace(other, exports=exports))
        return module

    def action(self, node: Node, literals: Literals, line: int) -> Action:
        """Raises Skipped."""
        if not node.strings:
            raise Skipped("actions that are no call")
        name = node.strings[0].decode()
        if node.head == "get":
            index = self.exports.get((name, "global"))
            if index is None:
                raise Skipped("a global that the module does not export")
            code = [Instr("global.get", index, 0)]
            results: tuple[str, ...] = (self.globals[index][0],)
        else:
            index = self.exports.get((name, "func"))
            if index is None:
                raise Skipped("a function that the module does not export")
            code = [literals.argument(each) for each in node.nodes]
            code.append(Instr("call", index, 0))
            results = self.types[index].results
        for kind in results:
            if kind not in BYTES:
                raise Skipped(needs(str(self.module.missing_types[kind])) or kind)
        return Action(code, results, line)


class Unlinked(str):
    """Why a module is not there: it imports from some that have a state."""

    providers: list[Instance]

    def runs(self) -> None:
        """It can change what those have."""
        for each in self.providers:
            each.shared = True


class Script:
    """What a file asks for.

    Attributes:
        instances: with their actions.
        skipped: how many assertions are not run, by the reason.
        refused: by the reason: of modules that pyvm does not compile.
        invalid: how many modules that must be refused are, and how many are not.
    """

    def __init__(self, path: Path, said: Callable[[int, str], None]):
        self.text = path.read_bytes().decode("utf-8", "surrogateescape")
        self.said = said
        self.instances: list[Instance] = []
        self.skipped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.invalid: Counter[bool] = Counter()
        self._registered: dict[str, Instance | str] = {}
        self._named: dict[str, Instance | str] = {}
        self._definitions: dict[str | None, Node] = {}
        self._current: Instance | str = "no module stands before it"  # or why there is none
        nodes = parse(self.text)
        self._literals = Literals(nodes, self.text)
        for node in nodes:
            self._command(node)

    def _line(self, node: Node) -> int:
        return line_of(self.text, node.begin)

    def _command(self, node: Node) -> None:
        head = node.head
        if head == "module":
            self._module(node)
        elif head == "register":
            found = self._named.get(node.name, self._current) if node.name else self._current
            self._registered[node.strings[0].decode()] = found
        elif head in ACTIONS:
            self._act(node, node, None, None)
        elif head in ("assert_invalid", "assert_malformed"):
            self._must_be_refused(node.nodes[0])
        elif head == "assert_return" or head in _NANS:
            self._act(node, node.nodes[0], node.nodes[1:], None)
        elif head in _TRAPS:
            message = node.strings[0].decode() if node.strings else "uncaught exception"
            if node.nodes[0].head == "module":
                self._must_trap(node.nodes[0], message)
            else:
                self._act(node, node.nodes[0], None, message)
        elif head == "assert_unlinkable":
            self.skipped["modules that must not link (assert_unlinkable)"] += 1
        elif head.startswith("assert_") or head in ("thread", "wait"):
            self.skipped[f"{head} is of a later proposal"] += 1

    # -- modules --------------------------------------------------------------------------------

    def _module(self, node: Node) -> None:
        if "definition" in node.items[1:2]:
            name = next((i for i in node.items[2:3] if isinstance(i, str) and i[0] == "$"), None)
            self._definitions[name] = node
            return
        name = node.name
        if "instance" in node.items[1:2]:
            names = [item for item in node.items[2:] if isinstance(item, str)]
            name = names[0] if names else None
            node = self._definitions.get(names[-1] if names else None, node)
        self._current = self._instance(node)
        if isinstance(self._current, Instance):
            self.instances.append(self._current)
        else:
            self.said(self._line(node), self._current)
        if name is not None:
            self._named[name] = self._current

    def _instance(self, node: Node) -> Instance | str:
        """Or why there is none."""
        try:
            data = module_bytes(node, self.text)
        except (wasmtime.WasmtimeError, UnicodeDecodeError) as error:
            return f"no text of a module: {str(error).splitlines()[0]}"
        try:
            module = decode(data)
            validate(module)
            return self._linked(node, data, module)
        except ProgramError as error:
            return needs(str(error)) or f"refused: {error}"

    def _linked(self, node: Node, data: bytes, module: Module) -> Instance | str:
        """With the modules that it imports from, where they have no state."""
        needed = {
            item.module: self._registered[item.module]
            for item in module.imports
            if item.module in self._registered
        }
        there = {name: each for name, each in needed.items() if isinstance(each, Instance)}
        providers = {name: each for name, each in there.items() if not each.has_state}
        if len(providers) == len(needed):
            return Instance(data, self._line(node), module, providers)
        unlinked = Unlinked("needs a second module with a state")
        unlinked.providers = [each for each in there.values() if each.has_state]
        offsets = [item.offset for item in module.elements] + [item.offset for item in module.data]
        if module.start or any(offset is not None for offset in offsets):
            unlinked.runs()
        return unlinked

    def _must_trap(self, node: Node, message: str) -> None:
        instance = self._instance(node)
        if isinstance(instance, Instance):
            instance.starts = message
            self.instances.append(instance)
        else:
            self._count(instance)

    def _must_be_refused(self, node: Node) -> None:
        if is_quoted(node):
            return  # that is for the assembler
        try:
            data = module_bytes(node, self.text)
        except (wasmtime.WasmtimeError, UnicodeDecodeError):
            return
        try:
            module = decode(data)
            validate(module)
        except ProgramError:
            self.invalid[True] += 1
        else:
            if not needs_more(module):
                self.invalid[False] += 1
                self.said(self._line(node), "the module is not refused")

    # -- actions --------------------------------------------------------------------------------

    def _act(self, node: Node, inner: Node, expected: list[Node] | None, trap: str | None) -> None:
        asked = node is not inner
        instance = self._named.get(inner.name, "unknown") if inner.name else self._current
        try:
            if inner.head not in ACTIONS:
                raise Skipped(f"{inner.head} is no action")
            if isinstance(instance, Unlinked) and inner.head == "invoke":
                instance.runs()
            if isinstance(instance, str):
                raise Skipped(instance)
            if instance.shared:
                raise Skipped("a second module shares the state")
            action = instance.action(inner, self._literals, self._line(node))
            action.trap = trap
            if node.head in _NANS:
                kinds = [Node([f"{kind}.const", _NANS[node.head]]) for kind in action.results]
                expected = kinds
            if expected is not None:
                action.checks = [self._literals.expected(each) for each in expected]
        except Skipped as why:
            if asked:
                self._count(str(why))
                self.said(self._line(node), str(why))
            elif isinstance(instance, Instance) and instance.has_state:
                instance.shared = True  # it would have changed something
            return
        instance.actions.append(action)

    def _count(self, why: str) -> None:
        if why.startswith("refused"):
            self.refused[why] += 1
        else:
            self.skipped[why if not why.startswith("no text") else "no text of a module"] += 1
