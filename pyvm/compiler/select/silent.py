"""A selector that emits nothing: for a pass over a function that only looks at its operands.

Enters: the calls that lowering makes of a Selector.  Leaves: nothing.
"""

from __future__ import annotations

from contextlib import contextmanager


class Silent:
    at: int | None = None
    most = 0

    def __getattr__(self, name: str):
        return lambda *args, **options: None

    @contextmanager
    def held(self, *items):
        yield 0 if len(items) == 1 else (0,) * len(items)

    @contextmanager
    def temporaries(self, count: int = 1):
        yield 0 if count == 1 else (0,) * count
