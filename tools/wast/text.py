"""The text of a script as nested lists.

Enters: the text of a .wast file.  Leaves: nodes, with their places in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union


@dataclass
class Node:
    """A list of the script, and where it lies in the text."""

    items: list[Item] = field(default_factory=list)
    begin: int = 0
    end: int = 0

    @property
    def head(self) -> str:
        return self.items[0] if self.items and isinstance(self.items[0], str) else ""

    @property
    def nodes(self) -> list[Node]:
        return [item for item in self.items if isinstance(item, Node)]

    @property
    def strings(self) -> list[bytes]:
        return [item for item in self.items if isinstance(item, bytes)]

    @property
    def name(self) -> str | None:
        """The name behind the head, as in `(module $name ...`."""
        second = self.items[1] if len(self.items) > 1 else None
        return second if isinstance(second, str) and second.startswith("$") else None


Item = Union[Node, str, bytes]  # noqa: UP007  (it names a class that names it)


def parse(text: str) -> list[Node]:
    """S-expressions: atoms are str, strings bytes."""
    stack, i = [Node()], 0
    while i < len(text):
        c = text[i]
        if text.startswith(";;", i):
            while i < len(text) and text[i] not in "\n\r":
                i += 1
        elif text.startswith("(;", i):
            i = _behind_comment(text, i)
        elif c == "(":
            stack.append(Node(begin=i))
            i += 1
        elif c == ")":
            if len(stack) == 1:
                raise ValueError(f"line {line_of(text, i)}: a bracket closes what none has opened")
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
            i += i == begin  # a semicolon of its own
            stack[-1].items.append(text[begin:i])
    if len(stack) > 1:
        raise ValueError(f"line {line_of(text, stack[-1].begin)}: a bracket is never closed")
    return stack[0].nodes


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _behind_comment(text: str, begin: int) -> int:
    depth, i = 0, begin
    while i < len(text):
        if text.startswith("(;", i):
            depth, i = depth + 1, i + 2
        elif text.startswith(";)", i):
            depth, i = depth - 1, i + 2
            if not depth:
                return i
        else:
            i += 1
    raise ValueError(f"line {line_of(text, begin)}: a comment is never closed")


_ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", '"': b'"', "'": b"'", "\\": b"\\"}


def _string(text: str, i: int) -> tuple[bytes, int]:
    begin, value = i, bytearray()
    while i < len(text) and text[i] != '"':
        if text[i] != "\\":
            end = i
            while end < len(text) and text[end] not in '"\\':
                end += 1
            value += text[i:end].encode("utf-8", "surrogateescape")
            i = end
        elif text[i + 1 : i + 2] in _ESCAPES:
            value += _ESCAPES[text[i + 1]]
            i += 2
        elif text.startswith("u{", i + 1):
            end = text.index("}", i)
            value += chr(int(text[i + 3 : end].replace("_", ""), 16)).encode("utf-8", "replace")
            i = end + 1
        else:
            value.append(int(text[i + 1 : i + 3], 16))
            i += 3
    if i >= len(text):
        raise ValueError(f"line {line_of(text, begin)}: a string is never closed")
    return bytes(value), i + 1
