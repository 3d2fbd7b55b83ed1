"""The live side of a run: what the program writes goes to stdout and stderr as it is generated,
and one progress line to stderr.

Enters: chunks of generated tokens.  Leaves: text on a terminal; counts of tokens and bytes.

On a terminal the progress line gives way to output: it is erased before output is written, and
drawn again only below a finished line.  Elsewhere it is a line of its own every ten seconds.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from pyvm.commands import streams
from pyvm.engine.follow import Follower

if TYPE_CHECKING:
    from pyvm.engine.arrays import Ids

_ERASE = "\r\x1b[K"
_INTERVAL, _SELDOM = 0.2, 10.0  # seconds between two progress lines


def _memory() -> str:
    """What this process takes, where the system says so."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[1])
        return f", {pages * os.sysconf('SC_PAGE_SIZE') / 1e6:,.0f} MB"
    except (OSError, ValueError, IndexError):
        return ""


class Line:
    """A line on a terminal that is drawn again and again; elsewhere there is none."""

    def __init__(self, quiet: bool = False):
        self.shown = sys.stderr.isatty() and not quiet
        self._next = 0.0
        self._drawn = False

    def due(self) -> bool:
        return self.shown and time.monotonic() >= self._next

    def draw(self, text: str) -> None:
        self._next = time.monotonic() + _INTERVAL
        print(f"{_ERASE}{text}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def erase(self) -> None:
        if self._drawn:
            print(_ERASE, end="", file=sys.stderr, flush=True)
            self._drawn = False


class Live:
    """`on_tokens` is what Model.generate calls."""

    def __init__(self, vocabulary: tuple[str, ...], quiet: bool = False, keep: bool = False):
        """`keep`: what is written is kept for a report, and goes nowhere else."""
        self.follower = Follower(vocabulary)
        self._terminal = Line(quiet)
        self._said = not sys.stderr.isatty() and not quiet
        self._keep = keep
        self.output, self.errors = bytearray(), bytearray()
        self._begin = time.monotonic()
        self._next = self._begin + _SELDOM
        self._fresh_line = True
        self.generated = 0
        self.written = 0

    def on_tokens(self, tokens: Ids) -> None:
        self.generated += len(tokens)
        for is_error, written in self.follower.feed(tokens):
            self._write(is_error, written)
        now = time.monotonic()
        if self._fresh_line and self._terminal.due():
            self._terminal.draw(self._line(now))
        elif self._said and now >= self._next:
            self._next = now + _SELDOM
            streams.warn(f"{self._line(now)}\n")

    def _line(self, now: float) -> str:
        speed = self.generated / max(now - self._begin, 1e-9)
        written = f", {self.written:,} bytes of output" if self.written else ""
        return f"{self.generated:,} tokens, {speed:,.0f} tokens/s{_memory()}{written}"

    def _write(self, is_error: bool, written: bytes) -> None:
        if self._keep:
            kept = self.errors if is_error else self.output
            kept += written
            return
        self._terminal.erase()
        if is_error:
            streams.write_errors(written)
            self._fresh_line = written.endswith(b"\n")
            return
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
        self.written += len(written)
        self._fresh_line = written.endswith(b"\n") or not sys.stdout.isatty()

    def finish(self) -> None:
        """Leaves the terminal at the start of a line."""
        self._terminal.erase()
        if not self._fresh_line and sys.stderr.isatty():
            streams.write_errors(b"\n")
