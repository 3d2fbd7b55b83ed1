"""The live side of a run: output to stdout as it is generated, one progress line on stderr.

Enters: chunks of generated tokens.  Leaves: text on a terminal; counts of tokens and bytes.

The progress line appears only when stderr is a terminal, and gives way to output: it is erased
before output is written, and drawn again only below a finished line.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from pyvm.trace.output import output_bytes

_ERASE = "\r\x1b[K"
_INTERVAL = 0.2  # seconds between two progress lines


class Live:
    """`on_tokens` is what Model.generate calls."""

    def __init__(self, vocabulary: tuple[str, ...], quiet: bool = False, keep: bool = False):
        """`keep`: the output is kept for a report, nothing of it is written."""
        self._vocabulary = vocabulary
        self._shown = sys.stderr.isatty() and not quiet
        self._keep = keep
        self.output = bytearray()
        self._begin = self._next = time.monotonic()
        self._drawn = False
        self._fresh_line = True
        self.generated = 0
        self.written = 0

    def on_tokens(self, tokens: np.ndarray) -> None:
        self.generated += tokens.size
        written = output_bytes(tokens, self._vocabulary)
        if written and self._keep:
            self.output += written
        elif written:
            self.erase()
            sys.stdout.buffer.write(written)
            sys.stdout.buffer.flush()
            self.written += len(written)
            self._fresh_line = written.endswith(b"\n") or not sys.stdout.isatty()
        now = time.monotonic()
        if self._shown and self._fresh_line and now >= self._next:
            self._next = now + _INTERVAL
            speed = self.generated / max(now - self._begin, 1e-9)
            line = f"{_ERASE}{self.generated:,} tokens, {speed:,.0f} tokens/s"
            print(line, end="", file=sys.stderr, flush=True)
            self._drawn = True

    def erase(self) -> None:
        if self._drawn:
            print(_ERASE, end="", file=sys.stderr, flush=True)
            self._drawn = False

    def finish(self) -> None:
        """Leaves the terminal at the start of a line."""
        self.erase()
        if not self._fresh_line and sys.stderr.isatty():
            print(file=sys.stderr, flush=True)
