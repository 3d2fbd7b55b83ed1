"""Colours on a terminal, few of them: what went wrong, what a check found, headings of help.

Enters: words with a meaning, and the stream that they go to.  Leaves: text, which has escape codes
only where a terminal shows it and nobody said otherwise: NO_COLOR and TERM=dumb turn colours off,
FORCE_COLOR turns them on where there is no terminal.
"""

from __future__ import annotations

import os
import re
from typing import IO, NamedTuple

_RED, _GREEN, _BOLD = "1;31", "32", "1"
_HEADING = r"^(?:usage:|\S[^\n]*:$)"


class Painted(NamedTuple):
    """Words in a colour."""

    text: str
    code: str


def bad(text: str) -> Painted:
    return Painted(text, _RED)


def good(text: str) -> Painted:
    return Painted(text, _GREEN)


def wanted(stream: IO[str] | None) -> bool:
    """Whether what goes to the stream may have colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    if os.environ.get("TERM") == "dumb" or stream is None:
        return False
    return stream.isatty()


def painted(part: Painted) -> str:
    return f"\x1b[{part.code}m{part.text}\x1b[0m"


def headings(text: str) -> str:
    """Help, with its headings in bold: lines that begin at the margin and end in a colon."""
    return re.sub(_HEADING, lambda found: painted(Painted(found[0], _BOLD)), text, flags=re.M)
