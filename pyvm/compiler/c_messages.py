"""What a C compiler and its linker say, in the order and the words that help.

Enters: their messages.  Leaves: the errors before the warnings; what is missing by its name.
"""

from __future__ import annotations

import re

_BEGINS = re.compile(r"^(?:In file included from |.*?: (?:fatal )?(error|warning|remark): )")
_COUNT = re.compile(r"^\d+ (?:warning|error)s?\b.* generated\.$")
_UNDEFINED = re.compile(r"undefined symbol: (\S+)")
_OLD_JUMPS = ("saveSetjmp", "testSetjmp")  # what compilers called before LLVM 19
_NO_EXPORT = re.compile(r"symbol exported via --export not found: (\S+)")
_SIGNATURE = re.compile(r"function signature mismatch: (\S+)")


def errors_first(message: str) -> str:
    """The same diagnostics, each whole, with the errors before all others."""
    blocks: list[list[str]] = []
    errors: list[bool] = []
    counts: list[str] = []
    included = False  # the last block is a list of includes, which belongs to what follows
    for line in message.splitlines():
        found = _BEGINS.match(line)
        if _COUNT.match(line):
            counts.append(line)
            continue
        if found is None or included:
            if not blocks:
                blocks.append([])
                errors.append(True)
            blocks[-1].append(line)
        else:
            blocks.append([line])
            errors.append(False)
        if found is not None:
            included = found.group(1) is None
            errors[-1] = errors[-1] or found.group(1) == "error"
    ordered = sorted(range(len(blocks)), key=lambda i: not errors[i])
    return "\n".join([line for i in ordered for line in blocks[i]] + counts)


def explain_link(message: str, small: bool, entry: str = "main") -> str:
    """What the linker misses; other messages as they are."""
    if found := _NO_EXPORT.search(message):
        return f"error: the program defines no function {found.group(1)}"
    missing = dict.fromkeys(_UNDEFINED.findall(message))
    if not missing:
        found = _SIGNATURE.search(message)
        name = found and found.group(1)
        what = f"error: {name} is declared with one type and defined with another\n" if name else ""
        return what + message
    if not missing.keys().isdisjoint(_OLD_JUMPS):
        return (
            "error: setjmp and longjmp need clang 19 or a newer one, or the zig wheel "
            "(pip install ziglang)"
        )
    names = ", ".join(missing)
    if all(name.startswith("__") for name in missing):
        return (
            f"error: nothing defines {names}, which the compiler calls: this clang has no "
            "compiler-rt for wasm32; the zig wheel (pip install ziglang) has"
        )
    if small:
        return (
            f"error: nothing defines {names}: the small runtime library of {entry} is in pyvm.h; "
            "a program that defines main has the whole C library"
        )
    return f"error: nothing defines {names}"
