"""The pages of the tree, taken apart.

Enters: nothing; the pages are found.  Leaves: links, commands and blocks of Python of each page.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("lib", "pyvm", "tests", "tools")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for folder in _FOLDERS for page in (ROOT / folder).rglob("*.md"))]
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where links of a page lead that are no addresses of the network."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [link for link in found if "://" not in link]


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


def python_blocks(page: Path) -> list[str]:
    return [body for language, body in _FENCE.findall(page.read_text()) if language == "python"]


def commands(page: Path) -> list[str]:
    """What a page has a reader type: between backticks, behind `$` in a block, or in an indented
    block, where two spaces end the command and begin what is said of it."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"^\$ (.+)$", "\n".join(body for _, body in _FENCE.findall(text)), re.M)
    rest = _FENCE.sub("", text)
    for line in re.findall(r"^    (\S.*)$", rest, re.MULTILINE):
        spans.append(re.split(r"\s{2,}", line)[0])
    paragraphs = re.sub(r"^    .*$", "", rest, flags=re.MULTILINE)
    spans += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", paragraphs)]
    begins = re.compile(r"(?:^|\| |\./|\.venv/bin/)(?:pyvm [a-z]|tools/\w|python -m pyvm)")
    return [span for span in dict.fromkeys(spans) if begins.search(span)]
