"""Which functions a C file defines, as far as that decides how it is compiled.

Enters: the text of a C file, as it is or preprocessed.  Leaves: names.  Macros are not expanded: a
text that hides a name in one has to be preprocessed before.
"""

from __future__ import annotations

import re

# What has no part in the structure: comments, strings, characters, lines of the preprocessor.
_IGNORED = re.compile(
    r"""/\*.*?(?:\*/|\Z)|//(?:[^\n\\]|\\.)*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
    r"""|^[ \t]*\#(?:[^\n\\/]|\\.|/(?!\*)|/\*.*?\*/)*""",
    re.DOTALL | re.MULTILINE,
)
_BRACKETS = re.compile(r"[(){}\[\]]")
# A name, its parameters, then attributes or the declarations of the oldest style, then the body.
_FUNCTION = re.compile(r"(\w+)\s*\(\)\s*(?:(?:__\w+\s*\(\)\s*)*|[A-Za-z_][\w\s*,;\[\]]*;\s*)\{\}")


def defined_functions(text: str) -> set[str]:
    """The functions that are defined at file scope."""
    text = _IGNORED.sub(" ", text.replace("\\\r\n", "\\\n"))
    kept: list[str] = []
    depth, last = 0, 0
    for found in _BRACKETS.finditer(text):
        bracket, begin = found.group(), found.start()
        opens = bracket in "([{"
        if depth == 0:
            kept.append(text[last:begin])
        if opens:
            if depth == 0:
                kept.append(bracket)
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                kept.append(bracket)
        last = found.end()
    return set(_FUNCTION.findall("".join(kept)))
