"""Hatch's metadata hook: README as a package page shows it.

Enters: README.md, whose links lead to files beside it.  Leaves: the description in the metadata of
wheel and sdist.  A package page has no such files, and the project no address of its own: a link
becomes its text and the file's name in the sdist, a picture is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

NOTE = """    pip install libtvm
    pyvm run sudoku

The files named here are in the source distribution; those below pyvm are installed, too."""
_PICTURE = re.compile(r"^ *!\[[^\]]*\]\([^)]*\)\n\n?", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)#]+)(?:#[^)]*)?\)")


def package_page(readme: str) -> str:
    """The page without links that lead nowhere."""

    def named(link: re.Match[str]) -> str:
        text, file = link[1], link[2]
        return f"`{file}`" if " ".join(text.split()) == file else f"{text} (`{file}`)"

    title, _, rest = _LINK.sub(named, _PICTURE.sub("", readme)).partition("\n\n")
    return f"{title}\n\n{NOTE}\n\n{rest}"


class ReadmeHook(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": package_page(text)}
