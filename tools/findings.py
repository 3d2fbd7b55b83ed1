"""What tools that measure leave behind: a table, the same figures as files, a picture.

Enters: rows of figures.  Leaves: --json and --tsv, each with the command and the build that gave
the figures, --plot, and the table on stdout.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyvm.engine.library import build_info  # noqa: E402
from pyvm.files import write_file  # noqa: E402


def measuring_parser(doc: str, published: str | None = None) -> argparse.ArgumentParser:
    """A parser with the options of this file; `published`: the command behind README's table."""
    parser = argparse.ArgumentParser(
        description=doc.splitlines()[0],
        epilog=published and f"The table in tools/README.md: {published}",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="command, build and a row per figure; -: stdout, alone"
    )
    parser.add_argument("--tsv", metavar="FILE", help="the same, columns parted by tabs")
    parser.add_argument("--plot", metavar="FILE", help="a picture (SVG)")
    return parser


def share(part: float, whole: float) -> float | None:
    """Of the time that one phase took; None where phases are not measured, as in the plan."""
    return part / whole if part > 0 and whole > 0 else None


def percent(part: float | None) -> str:
    """A share as a table tells it."""
    return "" if part is None else f"{100 * part:.0f} %"


def leave(
    given: argparse.Namespace,
    rows: Sequence[dict[str, Any]],
    text: str,
    picture: Callable[[], str],
) -> None:
    """Writes what was asked for; `text` is the table."""
    build, command = build_info(), shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    whole = json.dumps({"command": command, "build": build, "rows": list(rows)}, indent=1) + "\n"
    if given.json not in (None, "-"):
        write_file(given.json, whole.encode())
    if given.tsv is not None:
        write_file(given.tsv, tsv(rows, command, build).encode())
    if given.plot is not None:
        write_file(given.plot, picture().encode())
    if given.json == "-":
        print(whole, end="")
    else:
        print(f"{text}\n\nbuild: {json.dumps(build)}")


def tsv(rows: Sequence[dict[str, Any]], command: str, build: dict[str, Any]) -> str:
    """Command and build as comments, then names, then a line for each row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["# command: " + command, "# build: " + json.dumps(build), "\t".join(names)]
    lines += ["\t".join(_cell(row.get(name)) for name in names) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    """As JSON has it, without what would end a cell; nothing where there is no figure."""
    if value is None:
        return ""
    return value.translate({9: " ", 10: " ", 13: " "}) if isinstance(value, str) else f"{value}"
