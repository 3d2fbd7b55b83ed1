"""Text from files and from callers, made fit to be shown: control characters as escapes.

Enters: any text, such as a name in a model file.  Leaves: the same text without anything that a
terminal obeys, and without lone surrogates, which no output can encode.
"""

from __future__ import annotations


def printable(text: str, kept: str = "") -> str:
    """`text` with every character that is not printable as its escape, except those in `kept`."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text
    )
