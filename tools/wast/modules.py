"""The modules of a script as bytes.

Enters: a node `module`, in text form, quoted or binary.  Leaves: its bytes, by wasmtime's assembler
(the wheel `wasmtime`).
"""

from __future__ import annotations

import re

import wasmtime

from wast.legacy import has_folded_try, unfolded
from wast.text import Node

# How pyvm refuses what needs a part of WebAssembly that it does not have.
_NEEDS = re.compile(r"(needs .+?), which pyvm does not have")


def needs(refusal: str) -> str | None:
    """What something needs that is refused; None: it is refused for another reason."""
    found = _NEEDS.search(refusal)
    return found[1] if found else None


def is_quoted(node: Node) -> bool:
    return "quote" in node.items[1:4]


def module_bytes(node: Node, text: str) -> bytes:
    """The module of a node `module`; raises WasmtimeError, UnicodeDecodeError."""
    strings = b"".join(node.strings)
    if "binary" in node.items[1:4]:
        return strings
    if is_quoted(node):
        source = strings.decode()
    elif has_folded_try(node):
        source = unfolded(node, text)
    else:
        source = text[node.begin : node.end]
    if "definition" in node.items[1:2]:
        source = source.replace(" definition", "", 1)
    return bytes(wasmtime.wat2wasm(source))
