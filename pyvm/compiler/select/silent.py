"""A selector that emits nothing: for a pass over a function that only looks at its operands.

Enters: the calls that lowering makes of a Selector.  Leaves: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyvm.compiler.ir.expression import Node


class Silent:
    at: int | None = None
    most = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **options: None

    @contextmanager
    def held(self, item: Node) -> Iterator[int]:
        yield 0

    @contextmanager
    def all_held(self, *items: Node) -> Iterator[tuple[int, ...]]:
        yield (0,) * len(items)

    @contextmanager
    def temporary(self) -> Iterator[int]:
        yield 0

    @contextmanager
    def temporaries(self, count: int) -> Iterator[tuple[int, ...]]:
        yield (0,) * count
