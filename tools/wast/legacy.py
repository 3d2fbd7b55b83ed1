"""Folded `try` of the older exception handling, which wasmtime's assembler reads only unfolded.

Enters: the node of a module in text form.  Leaves: its text with all instructions of functions
unfolded: operands first, `end` behind blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from wast.text import Item, Node

# Lists in code that are no instructions.
_IMMEDIATES = ("type", "param", "result", "catch_ref", "catch_all_ref")
_ARMS = ("then", "else")
_HEADERS = ("export", "import", "type", "param", "result", "local")


def has_folded_try(node: Node) -> bool:
    return node.head == "try" or any(has_folded_try(each) for each in node.nodes)


def unfolded(node: Node, text: str) -> str:
    """The text of a module."""
    parts, at = [], node.begin
    for each in node.nodes:
        if each.head == "func":
            parts += [text[at : each.begin], _function(each, text)]
            at = each.end
    return "".join([*parts, text[at : node.end]])


def _function(node: Node, text: str) -> str:
    count = 1
    while count < len(node.items) and _is_header(node.items[count]):
        count += 1
    end = node.begin + len("(func")
    for item in node.items[1:count]:
        end = item.end if isinstance(item, Node) else text.index(str(item), end) + len(str(item))
    return f"{text[node.begin : end]} {_sequence(node.items[count:], text)})"


def _is_header(item: Item) -> bool:
    if isinstance(item, Node):
        return item.head in _HEADERS
    return isinstance(item, str) and item.startswith("$")


def _sequence(items: Sequence[Item], text: str) -> str:
    return " ".join(_one(item, text) for item in items)


def _one(item: Item, text: str) -> str:
    if not isinstance(item, Node):
        return str(item)
    if item.head in _IMMEDIATES:
        return text[item.begin : item.end]
    return _instruction(item, text)


def _instruction(node: Node, text: str) -> str:
    head, rest = node.head, node.items[1:]
    begin = [head]
    if head in ("block", "loop", "if", "try", "try_table"):
        while rest and _is_type(rest[0], head):
            first = rest[0]
            begin.append(text[first.begin : first.end] if isinstance(first, Node) else str(first))
            rest = rest[1:]
    if head in ("block", "loop", "try_table"):
        return " ".join([*begin, _sequence(rest, text), "end"])
    if head == "if":
        arms = [each for each in rest if isinstance(each, Node) and each.head in _ARMS]
        code = [_sequence([each for each in rest if each not in arms], text), *begin]
        for arm in arms:
            code += ["else"] * (arm.head == "else") + [_sequence(arm.items[1:], text)]
        return " ".join([*code, "end"])
    if head == "try":
        code = begin
        for clause in rest:
            assert isinstance(clause, Node)
            words = [] if clause.head == "do" else [clause.head]
            code = [*code, *words, _sequence(clause.items[1:], text)]
            if clause.head == "delegate":
                return " ".join(code)
        return " ".join([*code, "end"])
    operands = [each for each in rest if isinstance(each, Node) and each.head not in _IMMEDIATES]
    own = [each for each in rest if each not in operands]
    return " ".join([_sequence(operands, text), head, _sequence(own, text)])


def _is_type(item: Item, head: str) -> bool:
    """A label, a type, or a clause of try_table."""
    if not isinstance(item, Node):
        return isinstance(item, str) and item.startswith("$")
    clauses = ("catch", "catch_all") if head == "try_table" else ()
    return item.head in _IMMEDIATES or item.head in clauses
