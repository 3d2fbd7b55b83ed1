"""The command line: `pyvm COMMAND ...`.

Enters: the arguments.  Leaves: an exit status; what a command does is in pyvm/commands, one module
each.  Nothing is imported before Ctrl-C is provided for: it may come while Python still loads.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status. Without `argv`, this process is the command."""
    try:
        from pyvm.commands.dispatch import dispatch

        return dispatch(argv)
    except KeyboardInterrupt:
        from pyvm.commands import interrupts

        return interrupts.status()


if __name__ == "__main__":
    sys.exit(main())
