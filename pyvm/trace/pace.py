"""Whether what goes on beside a run holds it up so much that there should be less of it.

Enters: the times that pieces took.  Leaves: yes or no.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SLOWEST = 2  # times as long as alone: nobody shall fall below a third of its rate
_KEPT = 7 / 8  # what is past counts for less and less
_WORTH = 3 / 4  # less compression takes at most so much of the time: loops take no less by it
_TRIED = 16  # pieces: one of these is compressed well, to know how long that takes now


@dataclass
class Pace:
    """The last pieces: how long generating took alone, and how long all did.

    All counts by the clock or by the processors that the process had, whichever is less: what other
    processes take holds a run up as well, and is no reason to write more bytes.
    """

    alone: float = 0.0
    all: float = 0.0
    pieces: int = 0
    fast: float = 0.0  # what compressing a piece took the last time, less
    well: float = 0.0  # and well

    def next_is_fast(self) -> bool:
        """Whether to compress the next piece less; asked once for each."""
        self.pieces += 1
        if not self.behind or self.pieces % _TRIED == 0:
            return False
        return self.fast < _WORTH * self.well

    @contextmanager
    def packing(self, fast: bool) -> Iterator[None]:
        """Around the compression of a piece, on any thread."""
        begin = time.thread_time()
        yield
        took = time.thread_time() - begin
        if fast:
            self.fast = took
        else:
            self.well = took

    @property
    def behind(self) -> bool:
        return self.all > _SLOWEST * self.alone

    def note(self, alone: float, clock: float, processors: float) -> None:
        self.alone = _KEPT * self.alone + alone
        self.all = _KEPT * self.all + min(clock, processors)

    @contextmanager
    def piece(self) -> Iterator[None]:
        """Around all that is done for a piece; inside, generating() is around its tokens."""
        self._alone = 0.0
        clock, processors = time.perf_counter(), time.process_time()
        yield
        self.note(self._alone, time.perf_counter() - clock, time.process_time() - processors)

    @contextmanager
    def generating(self) -> Iterator[None]:
        begin = time.thread_time()
        yield
        self._alone = time.thread_time() - begin
