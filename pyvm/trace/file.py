"""Reads trace files: the tokens of a run in segments, each followed by the border that it ends in.

Enters: a file.  Leaves: its segments, wherever they lie.

What is read here is what the file claims: engine/segments.py checks the claims.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from pyvm.trace.format import (
    BORDER_HEAD,
    DIGEST,
    END,
    MAGIC,
    MOST_BORDER,
    MOST_TOKENS,
    ROW,
    SECTION_HEAD,
    STOPPED,
    TOKENS_HEAD,
    VERSION,
    Border,
    Header,
    NothingYet,
    Segment,
    State,
    Tokens,
    TraceFileError,
    Wholes,
    first_digest,
    meaning,
    opening,
    prompt_meaning,
)

_HEAD = SECTION_HEAD.size + BORDER_HEAD.size


class _Head(NamedTuple):
    """Of a section: its kind, the offset behind it, and the first bytes of what it holds."""

    kind: bytes
    end: int
    data: bytes


class TraceFile:
    """A trace file that is open for reading, by any number of threads.

    Attributes:
        header: what it says of its run.
        segments: in order; those of a file that was cut short as far as they are whole.
        stopped: why the run ended, "halt" or "limit"; None where the file has no end.
        end: the offset behind the last whole segment.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.name = os.fspath(path)
        self._file: BinaryIO = open(path, "rb")
        self._lock = threading.Lock()
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def count(self) -> int:
        """Tokens, the prompt included."""
        return self.segments[-1].end if self.segments else int(self.header.prompt.size)

    @property
    def complete(self) -> bool:
        return self.stopped == "halt"

    def _open(self) -> None:
        self._size = os.fstat(self._file.fileno()).st_size
        begin = len(opening())
        start = self.bytes_at(0, min(begin, self._size))
        if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
            raise TraceFileError(f"{self.name} is no trace file")
        if len(start) == begin:
            (version,) = struct.unpack_from("<H", start, len(MAGIC))
            if version != VERSION:
                raise TraceFileError(
                    f"{self.name} is a trace of version {version}, and this pyvm reads version "
                    f"{VERSION}: use the pyvm that wrote it, or a newer one"
                )
        head = self._head(begin)
        if head is None:
            raise NothingYet(f"{self.name} was cut short before its first token")
        self.header = Header.of(self.section(begin, b"HEAD", first_digest()), self.name)
        self.segments: list[Segment] = []
        self.stopped: str | None = None
        self._begin = self.end = head.end
        if not self._read_index():
            self._scan()

    def bytes_at(self, at: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            data = os.pread(self._file.fileno(), size, at)
        else:
            with self._lock:
                self._file.seek(at)
                data = self._file.read(size)
        if len(data) != size:
            raise TraceFileError(f"{self.name}: byte {at}: it ends too early")
        return data

    def _head(self, at: int) -> _Head | None:
        """The head of the section there; None where it is not whole."""
        room = self._size - at
        if room < SECTION_HEAD.size:
            return None
        data = self.bytes_at(at, min(_HEAD, room))
        kind, length = SECTION_HEAD.unpack_from(data)
        end = at + SECTION_HEAD.size + length + DIGEST
        return _Head(kind, end, data[SECTION_HEAD.size :]) if end <= self._size else None

    def section(self, at: int, kind: bytes, before: bytes | None = None) -> bytes:
        """What a section holds, if its digest is right: by default behind the digest before it."""
        if before is None:
            before = self.bytes_at(at - DIGEST, DIGEST)
        head = self._head(at)
        if head is None or head.kind != kind:
            raise TraceFileError(f"{self.name}: byte {at}: no section {kind.decode()} is there")
        data = self.bytes_at(at, head.end - at)
        found = hashlib.sha256(before)
        found.update(memoryview(data)[:-DIGEST])
        if found.digest()[:DIGEST] != data[-DIGEST:]:
            raise TraceFileError(
                f"{self.name}: byte {at}: the digest is wrong: the file is damaged there"
            )
        return data[SECTION_HEAD.size : -DIGEST]

    def _read_index(self) -> bool:
        """Whether the file has an end, which says where all segments are."""
        at = self._size - DIGEST - END.size
        if at < self._begin:
            return False
        why, begin = END.unpack(self.bytes_at(at, END.size))
        head = self._head(begin) if self._begin <= begin < at and why < len(STOPPED) else None
        if head is None or head.end != self._size:
            return False
        try:
            rows = self.section(begin, b"END ")[: -END.size]
        except TraceFileError:
            return False
        if len(rows) % ROW.size:
            return False
        self.segments = list(map(Segment._make, ROW.iter_unpack(rows)))
        follows = int(self.header.prompt.size)
        for first, count, *_ in self.segments:
            if first != follows or count < 1:
                raise TraceFileError(f"{self.name}: its index is wrong")
            follows += count
        self.stopped = STOPPED[why]
        self.end = begin
        return True

    def _scan(self) -> None:
        """Finds the segments of a file without an end, by the heads of its sections."""
        at, first = self.end, int(self.header.prompt.size)
        head = self._head(at)
        while head is not None and head.kind == b"TOKS":
            changes_at = head.end
            changes = self._head(changes_at)
            if changes is None or changes.kind != b"CHNG":
                break
            try:
                begin, count = TOKENS_HEAD.unpack_from(head.data)
                since, position, *_ = BORDER_HEAD.unpack_from(changes.data)
            except struct.error:
                raise TraceFileError(f"{self.name}: byte {at}: it ends too early") from None
            if begin != first or not count or (since, position) != (first - 1, first + count - 1):
                raise TraceFileError(
                    f"{self.name}: byte {at}: this is not the segment that follows: it has "
                    f"tokens from {begin} on, and {first} come next"
                )
            end, whole_at = changes.end, 0
            following = self._head(end)
            if following is not None and following.kind == b"WHOL":
                end, whole_at = following.end, end
                following = self._head(end)
            self.segments.append(Segment(begin, count, at, changes_at, whole_at))
            at, first, head = end, first + count, following
            self.end = end
        if head is not None and head.kind not in (b"TOKS", b"END ") and any(head.kind):
            raise TraceFileError(f"{self.name}: byte {at}: no section is there")

    def tokens(self, k: int) -> Tokens:
        """A segment's tokens."""
        segment = self.segments[k]
        at = segment.tokens_at
        payload = self.section(at, b"TOKS")
        if payload[: TOKENS_HEAD.size] != TOKENS_HEAD.pack(segment.first, segment.count) or (
            segment.count > MOST_TOKENS
        ):
            raise TraceFileError(f"{self.name}: byte {at}: these are other tokens")
        return Tokens(payload[TOKENS_HEAD.size :], segment.count, self.name)

    def changes(self, k: int) -> Border:
        """The border behind a segment, as changes since the one before."""
        since = self.segments[k].first - 1
        return self._border(self.segments[k].changes_at, b"CHNG", since, k)

    def whole(self, k: int) -> Border | None:
        """The same border whole, where the file has it."""
        if self.segments[k].whole_at == 0:
            return None
        return self._border(self.segments[k].whole_at, b"WHOL", 0, k)

    def _border(self, at: int, kind: bytes, since: int, k: int) -> Border:
        payload = self.section(at, kind)
        if len(payload) < BORDER_HEAD.size:
            raise TraceFileError(f"{self.name}: byte {at}: it ends too early")
        old, position, size, means = BORDER_HEAD.unpack_from(payload)
        if (old, position) != (since, self.segments[k].end - 1) or size > MOST_BORDER:
            raise TraceFileError(f"{self.name}: byte {at}: this is another border")
        return Border(payload[BORDER_HEAD.size :], size, self.name, since, position, means)

    def state_before(self, k: int) -> State:
        """What leads to the begin of a segment: nothing at first."""
        begin = k
        while begin > 0 and self.segments[begin - 1].whole_at == 0:
            begin -= 1
        whole = self.whole(begin - 1) if begin > 0 else None
        return State(whole, [(self.changes(i), self.tokens(i)) for i in range(begin, k)])

    def pieces(self) -> Iterator[np.ndarray]:
        """All generated tokens, segment by segment."""
        for k in range(len(self.segments)):
            yield self.tokens(k).ids()

    def check(self) -> Wholes:
        """Looks at every digest; a last segment that a cut has left without its whole border is
        dropped.

        Returns when the next whole border is due.
        """
        chain = self.bytes_at(self._begin - DIGEST, DIGEST)
        means = prompt_meaning(self.header.prompt)
        wholes = Wholes()
        for k, segment in enumerate(self.segments):
            if self.bytes_at(segment.tokens_at - DIGEST, DIGEST) != chain:
                raise TraceFileError(
                    f"{self.name}: byte {segment.tokens_at}: something lies between two segments"
                )
            self.tokens(k)
            changes, whole = self.changes(k), self.whole(k)
            means = meaning(means, changes.content())
            if means != changes.means or (whole is not None and means != whole.means):
                raise TraceFileError(
                    f"{self.name}: byte {segment.changes_at}: the border is not the one that its "
                    "digest is of"
                )
            due = wholes.due(changes.size, segment.count)
            if whole is not None:
                wholes.written(whole.size)
            elif due and k == len(self.segments) - 1:
                self.drop_last()  # a cut has taken its whole border
                return self.check()
            last = self._head(segment.whole_at or segment.changes_at)
            assert last is not None  # it was read a moment ago
            chain = self.bytes_at(last.end - DIGEST, DIGEST)
        return wholes

    def drop_last(self) -> None:
        """The last segment is no more one of `segments`: its writer goes on in front of it."""
        self.end = self.segments.pop().tokens_at

    def segment_of(self, position: int) -> int:
        """The segment that has the token at a position behind the prompt."""
        low, high = 0, len(self.segments)
        while low < high:
            middle = (low + high) // 2
            low, high = (
                (middle + 1, high) if self.segments[middle].end <= position else (low, middle)
            )
        return low
