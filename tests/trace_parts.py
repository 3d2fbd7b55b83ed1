"""A trace file taken apart, to be put together wrongly, with digests that are right.

Enters: a trace file.  Leaves: another.
"""

from __future__ import annotations

import struct

from pyvm.trace.file import TraceFile
from pyvm.trace.format import (
    border_payload,
    first_digest,
    meaning,
    opening,
    packed,
    prompt_meaning,
    section,
)


class Parts:
    """A trace taken apart, to be put together wrongly, with right digests."""

    def __init__(self, path):
        with TraceFile(path) as trace:
            self.header = trace.header
            count = range(len(trace.segments))
            self.tokens = [trace.tokens(k).ids() for k in count]
            self.changes = [trace.changes(k).content() for k in count]
            self.wholes = [w if w is None else w.content() for w in map(trace.whole, count)]
            self.order = list(count)
            self.first = [s.first for s in trace.segments]

    def write(self, path, means_less=None, between=None):
        """The border `means_less` has another digest; behind `between` there is more."""
        data = opening() + section(b"HEAD", self.header.payload(), first_digest())
        means = prompt_meaning(self.header.prompt)
        since = self.header.prompt.size - 1
        first = self.header.prompt.size
        rows = []
        for k in self.order:
            tokens_at = len(data)
            tokens = self.tokens[k]
            payload = struct.pack("<QI", first, tokens.size) + packed(tokens)
            data += section(b"TOKS", payload, data[-32:])
            means = meaning(means, self.changes[k] + b"!" * (k == means_less))
            position = first + tokens.size - 1
            payload = border_payload(since, position, self.changes[k], means)
            changes_at, whole_at = len(data), 0
            data += section(b"CHNG", payload, data[-32:])
            if self.wholes[k] is not None:
                whole_at = len(data)
                payload = border_payload(0, position, self.wholes[k], means)
                data += section(b"WHOL", payload, data[-32:])
            if k == between:
                data += section(b"MORE", b"", data[-32:])
            rows.append(struct.pack("<QIQQQ", first, tokens.size, tokens_at, changes_at, whole_at))
            first, since = first + tokens.size, position
        if between is not None:
            begin = len(data)
            data += section(b"INDX", b"".join(rows), data[-32:])
            data += section(b"END ", struct.pack("<QQB", begin, first, 0), data[-32:])
        path.write_bytes(data)
        return path


def changed(border, random_source):
    """The border with one number changed, which a reader still takes."""
    border = bytearray(border)
    border[random_source.randrange(12, len(border))] ^= 1 << random_source.randrange(7)
    return bytes(border)
