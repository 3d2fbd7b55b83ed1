"""`--json`: one object on stdout and nothing else, whatever happens; README.md here has its fields.

Enters: what a command finds, as it finds it.  Leaves: the object, when the command ends.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from pyvm.commands.common import complain

if TYPE_CHECKING:
    from pyvm.isa.traps import TrapSite


class Report(dict[str, Any]):
    """The fields; they are printed once, and only where `--json` asked for them."""

    def __init__(self, wanted: bool, *fields: str):
        super().__init__({field: None for field in (*fields, "error", "exit_status")})
        self.wanted = wanted

    def trap(self, site: TrapSite) -> None:
        """The program trapped."""
        self["stopped"] = "trap"
        self["trap"] = {
            "kind": site.kind.description,
            "function": site.function,
            "offset": site.offset,
            "line": site.line,
            "caller": site.caller,
        }

    def fail(self, error: str, exit_status: int) -> int:
        """Says an error on stderr and in the report."""
        complain(error)
        self["error"] = error
        return exit_status

    def finish(self, exit_status: int) -> None:
        if self.wanted:
            self["exit_status"] = exit_status
            self.wanted = False
            sys.stdout.write(json.dumps(self) + "\n")
            sys.stdout.flush()


def add_option(parser: argparse.ArgumentParser, *fields: str) -> None:
    """Gives a command `--json`; its report has these fields, null until they are known."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    parser.set_defaults(fields=fields)


def of(arguments: argparse.Namespace) -> Report:
    return Report(getattr(arguments, "json", False), *getattr(arguments, "fields", ()))
