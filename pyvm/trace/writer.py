"""Writes trace files.

Enters: tokens and borders in order.  Leaves: a file that is at any moment one that can be read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import BinaryIO

from pyvm.trace.file import TraceFile
from pyvm.trace.format import (
    BORDER_HEAD,
    DIGEST,
    END,
    ROW,
    STOPPED,
    TOKENS_HEAD,
    Header,
    Piece,
    Segment,
    first_digest,
    meaning,
    opening,
    prompt_meaning,
    section,
)


@dataclass
class TraceWriter:
    """Appends to a trace file.  Not for several threads at once.

    A write that fails leaves the file at the end of its last whole segment.
    """

    file: BinaryIO
    name: str
    chain: bytes  # the digest of the last section
    means: bytes  # the digest of the last border
    end: int
    first: int  # position of the next token
    since: int  # position of the last border
    rows: list[Segment] = field(default_factory=list)
    error: OSError | None = None  # of a write: nothing can follow what is not there

    @classmethod
    def begin(cls, file: BinaryIO, name: str, header: Header) -> TraceWriter:
        """A new trace, in an empty file."""
        data = opening() + section(b"HEAD", header.payload(), first_digest())
        means = prompt_meaning(header.prompt)
        writer = cls(
            file,
            name,
            data[-DIGEST:],
            means,
            0,
            int(header.prompt.size),
            int(header.prompt.size) - 1,
        )
        writer._write(data)
        return writer

    @classmethod
    def behind(cls, file: BinaryIO, reader: TraceFile) -> TraceWriter:
        """Goes on behind the last whole segment: what stands there is cut off."""
        last = len(reader.segments) - 1
        means = reader.changes(last).means if last >= 0 else prompt_meaning(reader.header.prompt)
        chain = reader.bytes_at(reader.end - DIGEST, DIGEST)
        since = reader.count - 1
        writer = cls(
            file, reader.name, chain, means, reader.end, reader.count, since, [*reader.segments]
        )
        writer._cut()
        return writer

    def append(self, piece: Piece) -> None:
        """A segment with the border behind it."""
        position = self.first + piece.count - 1
        means = meaning(self.means, piece.changes)
        data = section(
            b"TOKS", TOKENS_HEAD.pack(self.first, piece.count) + piece.tokens, self.chain
        )
        changes_at = self.end + len(data)
        head = BORDER_HEAD.pack(self.since, position, len(piece.changes), means)
        data += section(b"CHNG", head + piece.packed_changes, data[-DIGEST:])
        whole_at = 0
        if piece.packed_whole is not None:
            whole_at = self.end + len(data)
            head = BORDER_HEAD.pack(0, position, piece.whole_size, means)
            data += section(b"WHOL", head + piece.packed_whole, data[-DIGEST:])
        tokens_at = self.end
        self._write(data)
        self.rows.append(Segment(self.first, piece.count, tokens_at, changes_at, whole_at))
        self.chain, self.means = data[-DIGEST:], means
        self.first, self.since = self.first + piece.count, position

    def finish(self, stopped: str) -> None:
        """Where all is, and why the run ended; what is appended later takes its place."""
        begin = self.end
        rows = b"".join(
            ROW.pack(row.first, row.count, row.tokens_at, row.changes_at, row.whole_at)
            for row in self.rows
        )
        end = END.pack(STOPPED.index(stopped), begin)
        self._write(section(b"END ", rows + end, self.chain))
        self.end = begin
        os.fsync(self.file.fileno())

    def _write(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        try:
            _require_room(self.file, len(data))
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self.file.fileno(), rest) :]
        except OSError as error:
            self._cut()
            self.error = type(error)(error.errno, error.strerror, self.name)
            raise self.error from None
        self.end += len(data)

    def _cut(self) -> None:
        self.file.seek(self.end)
        self.file.truncate()


def _require_room(file: BinaryIO, size: int) -> None:
    """Refuses before the disk is full to the last byte: others need some, too."""
    import errno

    if hasattr(os, "fstatvfs"):
        found = os.fstatvfs(file.fileno())
        if found.f_bavail * found.f_frsize < size + (1 << 16):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
