"""Arguments and expected results of a script.

Enters: nodes such as (i32.const 1), (ref.null func), (f32.const nan:canonical), (either ...).
Leaves: instructions that push an argument; whether the bits of a result are what is expected.

References are numbers, as in compiled code: 0 is null, an external one is its number plus 1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import wasmtime

from pyvm.wasm.decode import decode
from pyvm.wasm.module import Instr
from wast.text import Node

Check = Callable[[int], bool]
# How many bytes a result of each type is; what is not here has no value that can be compared.
BYTES = {"i32": 4, "i64": 8, "f32": 4, "f64": 8, "funcref": 4, "externref": 4, "exnref": 4}
# What a result that is a reference can be.
_REFERENCES = ("ref.null", "ref.func", "ref.extern", "ref.exn")


class Skipped(Exception):
    """An assertion that is not run, and why."""


class Literals:
    """The numbers of a script, as instructions."""

    def __init__(self, nodes: list[Node], text: str):
        wanted = {text[n.begin : n.end]: None for n in _constants(nodes) if not _is_pattern(n)}
        self._text = text
        self._known: dict[str, Instr] = {}
        try:
            self._known = _assembled(list(wanted))
        except wasmtime.WasmtimeError:  # one of them is no number
            for literal in wanted:
                with contextlib.suppress(wasmtime.WasmtimeError):
                    self._known |= _assembled([literal])

    def __getitem__(self, node: Node) -> Instr:
        literal = self._text[node.begin : node.end]
        if literal not in self._known:
            raise Skipped("a value that wasmtime's assembler does not know")
        return self._known[literal]

    def argument(self, node: Node) -> Instr:
        """Pushes it."""
        if node.head in _NUMBERS:
            return self[node]
        if node.head == "ref.null":
            return Instr("i32.const", 0, 0)
        if node.head in ("ref.extern", "ref.host") and len(node.items) > 1:
            return Instr("i32.const", int(str(node.items[1]), 0) + 1, 0)
        raise Skipped(_why(node))

    def expected(self, node: Node) -> Check:
        """Whether the bits of a result are right."""
        if node.head == "either":
            checks = [self.expected(each) for each in node.nodes]
            return lambda found: any(check(found) for check in checks)
        if node.head in _REFERENCES:
            return _reference(node)
        if node.head not in _NUMBERS:
            raise Skipped(_why(node))
        if not _is_pattern(node):
            value = bits(self[node])
            return lambda found: found == value
        mantissa, size = (23, 32) if node.head[1:3] == "32" else (52, 64)
        quiet = (1 << size - 1) - (1 << mantissa - 1)  # exponent and the mantissa's highest bit
        sign = 1 << size - 1
        if node.items[1] == "nan:canonical":
            return lambda found: found & ~sign == quiet
        return lambda found: found & quiet == quiet


def _assembled(literals: list[str]) -> dict[str, Instr]:
    body = "\n".join(f"{literal} (drop)" for literal in literals)
    code = decode(bytes(wasmtime.wat2wasm(f"(module (func {body}))"))).bodies[0].code
    found = [each for each in code if each.op.endswith(".const")]
    return dict(zip(literals, found, strict=True))


_NUMBERS = ("i32.const", "i64.const", "f32.const", "f64.const")


def _constants(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.head in _NUMBERS:
            yield node
        elif node.head not in ("module", "v128.const"):
            yield from _constants(node.nodes)


def _is_pattern(node: Node) -> bool:
    return node.items[1] in ("nan:canonical", "nan:arithmetic")


def _reference(node: Node) -> Check:
    if node.head == "ref.null":
        return lambda found: found == 0
    if len(node.items) == 1:
        return lambda found: found != 0
    number = int(str(node.items[1]), 0) + 1
    return lambda found: found == number


def _why(node: Node) -> str:
    if node.head.startswith("v128"):
        return "SIMD"
    return f"values of later proposals ({node.head})"


def bits(constant: Instr) -> int:
    """The number that a constant is, of a float its bits."""
    size = 32 if constant.op[1:3] == "32" else 64
    if isinstance(constant.arg, bytes):
        return int.from_bytes(constant.arg, "little")
    assert isinstance(constant.arg, int)
    return constant.arg & (1 << size) - 1
