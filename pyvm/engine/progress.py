"""How far a long call has come, told while it goes on.

Enters: `progress` of a caller.  Leaves: a function that takes how many tokens more are done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from pyvm.engine.errors import ArgumentTypeError

SELDOM = 10.0  # seconds between two lines


class Bar(Protocol):
    """What tqdm.tqdm() gives, for example."""

    def update(self, n: int) -> object: ...


@contextmanager
def telling(progress: bool | Bar, total: int = 0) -> Iterator[Callable[[int], object]]:
    """True: a bar of tqdm where that is installed, else a line on stderr every ten seconds."""
    if progress is True:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            yield _lines(total)
            return
        with tqdm(total=total or None, unit=" tokens", unit_scale=True) as bar:
            yield bar.update
    elif progress is False:
        yield _nothing
    elif callable(getattr(progress, "update", None)):
        yield progress.update
    else:
        raise ArgumentTypeError(
            f"progress must be True, False or have an update(n) as bars of tqdm, not {progress!r}"
        )


def _nothing(more: int) -> None:
    pass


def _lines(total: int) -> Callable[[int], None]:
    begin = time.monotonic()
    said, done = begin, 0

    def tell(more: int) -> None:
        nonlocal said, done
        done += more
        now = time.monotonic()
        if now - said >= SELDOM:
            said = now
            of = f" of {total:,}" if total else ""
            rate = done / (now - begin)
            print(f"{done:,}{of} tokens, {rate:,.0f} tokens/s", file=sys.stderr, flush=True)

    return tell
