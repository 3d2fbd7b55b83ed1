"""The command line: `pyvm COMMAND ...`.

Enters: the arguments.  Leaves: an exit status; what a command does is in pyvm/commands, one module
each.  Nothing is imported before Ctrl-C is provided for: it may come while Python still loads.
"""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Objects between two garbage collections. What a command makes lives until its end, most of it.
_SELDOM = (100_000, 20, 20)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status. Without `argv`, this process is the command."""
    if argv is None:
        gc.set_threshold(*_SELDOM)
    try:
        from pyvm.commands.dispatch import dispatch

        return dispatch(argv)
    except KeyboardInterrupt:
        from pyvm.commands import interrupts

        return interrupts.status()
    finally:
        if argv is None:
            gc.freeze()  # what there is ends with the process: nobody need look what is garbage


if __name__ == "__main__":
    sys.exit(main())
