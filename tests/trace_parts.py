"""What a trace file says; and one taken apart, to be put together wrongly, with right digests.

Enters: a trace file.  Leaves: what it says; another file.
"""

from __future__ import annotations

from pyvm.trace.file import TraceFile
from pyvm.trace.format import (
    BORDER_HEAD,
    DIGEST,
    END,
    ROW,
    TOKENS_HEAD,
    first_digest,
    meaning,
    opening,
    prompt_meaning,
    section,
)
from pyvm.trace.packing import deflated, packed


def said(path):
    """All that a file says; how its tokens are compressed depends on how fast the machine was."""
    with TraceFile(path) as trace:
        trace.check()
        tokens = [ids.tobytes() for ids in trace.pieces()]
        count = range(len(trace.segments))
        borders = [(b.since, b.position, b.means, b.content()) for b in map(trace.changes, count)]
        wholes = [whole and whole.content() for whole in map(trace.whole, count)]
        return trace.header.payload(), tokens, borders, wholes, trace.stopped


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
            payload = TOKENS_HEAD.pack(first, tokens.size) + packed(tokens)
            data += section(b"TOKS", payload, data[-DIGEST:])
            means = meaning(means, self.changes[k] + b"!" * (k == means_less))
            position = first + tokens.size - 1
            payload = border(since, position, self.changes[k], means)
            changes_at, whole_at = len(data), 0
            data += section(b"CHNG", payload, data[-DIGEST:])
            if self.wholes[k] is not None:
                whole_at = len(data)
                payload = border(0, position, self.wholes[k], means)
                data += section(b"WHOL", payload, data[-DIGEST:])
            if k == between:
                data += section(b"MORE", b"", data[-DIGEST:])
            rows.append(ROW.pack(first, tokens.size, tokens_at, changes_at, whole_at))
            first, since = first + tokens.size, position
        if between is not None:
            begin = len(data)
            data += section(b"END ", b"".join(rows) + END.pack(0, begin), data[-DIGEST:])
        path.write_bytes(data)
        return path


def border(since, position, content, means):
    """The payload of a border's section."""
    return BORDER_HEAD.pack(since, position, len(content), means) + deflated(content)


def changed(border, random_source):
    """The border with one number changed, which a reader still takes."""
    border = bytearray(border)
    border[random_source.randrange(12, len(border))] ^= 1 << random_source.randrange(7)
    return bytes(border)
