"""Trace files: the tokens of a run in segments, each followed by the border that it ends in.

Enters: tokens and borders in order; or a file.  Leaves: a file; or its segments, wherever they lie.

README.md in this folder has the format byte by byte, and what may be believed of a file.  What is
read here is what the file claims: engine/segments.py checks the claims.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"\x89TVMTRC\n"
VERSION = 1
SPACING = 1 << 19  # tokens between two borders
DIGEST = 32
STOPPED = ("halt", "limit")
_SECTION = struct.Struct("<4sQ")  # kind, length of what follows before the digest
_TOKENS = struct.Struct("<QI")  # position of the first, how many
_BORDER = struct.Struct("<QQQ32s")  # since, position, bytes, digest of what it means
_END = struct.Struct("<QQB")  # where the index begins, tokens, why the run ended
_ROW = struct.Struct("<QIQQQ")  # first token, count; where tokens, changes and whole border begin
_FEWEST = 4  # borders between two whole ones
_MOST_TOKENS = 1 << 24  # of a segment that is read: a damaged file shall not ask for all memory
_MOST_BORDER = 1 << 32


class TraceFileError(ValueError):
    """A file is no trace, or a damaged one, or does not belong to what is asked."""


class NothingYet(TraceFileError):
    """A trace that was cut before its header was whole."""


@dataclass(frozen=True)
class Segment:
    """Tokens `first` to `first + count` of the sequence, and where its parts lie in the file.

    `whole_at` is 0 where the border behind the segment is only there as changes.
    """

    first: int
    count: int
    tokens_at: int
    changes_at: int
    whole_at: int

    @property
    def end(self) -> int:
        return self.first + self.count


@dataclass
class Wholes:
    """When the next border is written whole: once the changes since the last, and the tokens that
    go with them, are as long as that was.  So no place is far from one, and few are written."""

    borders: int = 0
    changed: int = 0
    last: int = 0

    def due(self, changes: int, tokens: int) -> bool:
        """Counts a border that has so many bytes as changes, behind so many tokens."""
        self.borders += 1
        self.changed += changes + tokens
        return self.borders >= _FEWEST and self.changed >= self.last

    def written(self, size: int) -> None:
        self.borders, self.changed, self.last = 0, 0, size


@dataclass
class Header:
    """What a file says of its run.

    Attributes:
        model: fingerprint of the model's plan.
        vocabulary: SHA-256 of the spellings, the version of the language.
        library: version of pyvm that wrote it.
        stop: id of the stop token.
        spacing: tokens between two borders.
        prompt: ids.
    """

    model: str
    vocabulary: str
    library: str
    stop: int
    spacing: int
    prompt: np.ndarray

    def payload(self) -> bytes:
        fields = {
            "library": self.library,
            "model": self.model,
            "prompt": int(self.prompt.size),
            "spacing": self.spacing,
            "stop": self.stop,
            "vocabulary": self.vocabulary,
        }
        text = json.dumps(fields, sort_keys=True).encode()
        return struct.pack("<I", len(text)) + text + packed(self.prompt)

    @classmethod
    def of(cls, payload: bytes, name: str) -> Header:
        try:
            (length,) = struct.unpack_from("<I", payload)
            fields: dict[str, Any] = json.loads(payload[4 : 4 + length])
            count = fields.pop("prompt")
            texts = (fields["model"], fields["vocabulary"], fields["library"])
            numbers = (count, fields["stop"], fields["spacing"])
            if not all(isinstance(text, str) for text in texts) or len(fields) != 5:
                raise ValueError
            if not all(type(n) is int and 0 <= n < 1 << 31 for n in numbers):
                raise ValueError
            prompt = unpacked(payload[4 + length :], count, name)
            if count < 1 or not 1 <= fields["spacing"] <= _MOST_TOKENS:
                raise ValueError
            return cls(prompt=prompt, **fields)
        except TraceFileError:
            raise
        except (ValueError, KeyError, TypeError, struct.error):
            raise TraceFileError(f"{name}: its header is damaged") from None


def vocabulary_digest(vocabulary: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(vocabulary).encode()).hexdigest()


def packed(tokens: np.ndarray) -> bytes:
    """16-bit tokens, all low bytes before all high ones, which zlib finds more alike."""
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < 1 << 16:
        raise TraceFileError("a trace file has room for 65,536 different tokens")
    pairs = tokens.astype("<u2").view(np.uint8).reshape(-1, 2)
    return zlib.compress(pairs.T.tobytes(), 1)


def unpacked(data: bytes, count: int, name: str) -> np.ndarray:
    """int32 ids."""
    planes = np.frombuffer(_inflated(data, 2 * count, name), dtype=np.uint8).reshape(2, count)
    ids: np.ndarray = planes[0].astype(np.int32) | planes[1].astype(np.int32) << 8
    return ids


def _inflated(data: bytes, size: int, name: str) -> bytes:
    """The bytes that were compressed, which are so many and no more."""
    unpack = zlib.decompressobj()
    try:
        out = unpack.decompress(data, size + 1)
    except zlib.error:
        raise TraceFileError(f"{name}: what was compressed is damaged") from None
    if len(out) != size or not unpack.eof or unpack.unused_data:
        raise TraceFileError(f"{name}: what was compressed has another length than it says")
    return out


def section(kind: bytes, payload: bytes, before: bytes) -> bytes:
    """A section with its digest, which is of the one before as well."""
    head = _SECTION.pack(kind, len(payload))
    return head + payload + hashlib.sha256(before + head + payload).digest()


def opening(version: int = VERSION) -> bytes:
    return MAGIC + struct.pack("<H", version)


def first_digest() -> bytes:
    """What the first section's digest covers besides it: the bytes before it."""
    return hashlib.sha256(opening()).digest()


def meaning(before: bytes, changes: bytes) -> bytes:
    """The digest of a border: of all changes from the prompt on, however they are stored."""
    return hashlib.sha256(before + changes).digest()


def prompt_meaning(prompt: np.ndarray) -> bytes:
    """The digest that the first border's begins with."""
    return hashlib.sha256(prompt.astype("<u2").tobytes()).digest()


def border_payload(since: int, position: int, border: bytes, means: bytes) -> bytes:
    return _BORDER.pack(since, position, len(border), means) + zlib.compress(border, 1)


@dataclass(frozen=True)
class Tokens:
    """A segment's tokens as the file has them: compressed."""

    data: bytes
    count: int
    name: str

    def ids(self) -> np.ndarray:
        return unpacked(self.data, self.count, self.name)


@dataclass(frozen=True)
class Border:
    """A border as the file has it: compressed."""

    data: bytes
    size: int
    name: str
    since: int
    position: int
    means: bytes

    def content(self) -> bytes:
        return _inflated(self.data, self.size, self.name)


@dataclass(frozen=True)
class State:
    """A whole border (None: the state behind the prompt), then changes, each with the tokens of its
    segment."""

    whole: Border | None
    changes: list[tuple[Border, Tokens]]


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
        start = self._bytes(0, min(begin, self._size))
        if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
            raise TraceFileError(f"{self.name} is no trace file")
        if len(start) == begin:
            (version,) = struct.unpack_from("<H", start, len(MAGIC))
            if version != VERSION:
                raise TraceFileError(
                    f"{self.name} is a trace of version {version}, and this pyvm reads version "
                    f"{VERSION}: use the pyvm that wrote it, or a newer one"
                )
        kind = self._kind(begin)
        if kind is None:
            raise NothingYet(f"{self.name} was cut short before its first token")
        self.header = Header.of(self.section(begin, b"HEAD", first_digest()), self.name)
        self.segments: list[Segment] = []
        self.stopped: str | None = None
        self._begin = self.end = begin + self._length(begin)
        if not self._read_index():
            self._scan()

    def _bytes(self, at: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(at)
            data = self._file.read(size)
        if len(data) != size:
            raise TraceFileError(f"{self.name}: byte {at}: it ends too early")
        return data

    def _kind(self, at: int) -> bytes | None:
        """The kind of the section there; None where it is not whole."""
        if at + _SECTION.size > self._size:
            return None
        kind, length = _SECTION.unpack(self._bytes(at, _SECTION.size))
        if length > self._size - at - _SECTION.size - DIGEST:
            return None
        return bytes(kind)

    def _length(self, at: int) -> int:
        _, length = _SECTION.unpack(self._bytes(at, _SECTION.size))
        return int(_SECTION.size + length + DIGEST)

    def section(self, at: int, kind: bytes, before: bytes | None = None) -> bytes:
        """What a section holds, if its digest is right: by default behind the digest before it."""
        if before is None:
            before = self._bytes(at - DIGEST, DIGEST)
        if self._kind(at) != kind:
            raise TraceFileError(f"{self.name}: byte {at}: no section {kind.decode()} is there")
        size = self._length(at)
        data = self._bytes(at, size)
        if hashlib.sha256(before + data[:-DIGEST]).digest() != data[-DIGEST:]:
            raise TraceFileError(
                f"{self.name}: byte {at}: the digest is wrong: the file is damaged there"
            )
        return data[_SECTION.size : -DIGEST]

    def _read_index(self) -> bool:
        """Whether the file has an end that says where all segments are."""
        size = _SECTION.size + _END.size + DIGEST
        at = self._size - size
        if at < self._begin or self._bytes(at, 4) != b"END ":
            return False
        try:
            begin, count, why = _END.unpack(self.section(at, b"END "))
            rows = self.section(begin, b"INDX") if self._begin <= begin < at else b""
        except (TraceFileError, struct.error):
            return False
        if len(rows) % _ROW.size or why >= len(STOPPED) or begin + self._length(begin) != at:
            return False
        self.segments = [Segment(*row) for row in _ROW.iter_unpack(rows)]
        follows = int(self.header.prompt.size)
        for segment in self.segments:
            if segment.first != follows or segment.count < 1:
                raise TraceFileError(f"{self.name}: its index is wrong")
            follows = segment.end
        if follows != count:
            raise TraceFileError(f"{self.name}: its index is wrong")
        self.stopped = STOPPED[why]
        self.end = begin
        return True

    def _scan(self) -> None:
        """Finds the segments of a file without an end, by the heads of its sections."""
        at, first = self.end, int(self.header.prompt.size)
        since = first - 1
        while (kind := self._kind(at)) == b"TOKS":
            begin, count = _TOKENS.unpack(self._bytes(at + _SECTION.size, _TOKENS.size))
            changes_at = at + self._length(at)
            if self._kind(changes_at) != b"CHNG":
                break
            old, position, *_ = _BORDER.unpack(
                self._bytes(changes_at + _SECTION.size, _BORDER.size)
            )
            if begin != first or not count or old != since or position != first + count - 1:
                raise TraceFileError(
                    f"{self.name}: byte {at}: this is not the segment that follows: it has "
                    f"tokens from {begin} on, and {first} come next"
                )
            end = changes_at + self._length(changes_at)
            whole_at = 0
            if self._kind(end) == b"WHOL":
                whole_at, end = end, end + self._length(end)
            self.segments.append(Segment(begin, count, at, changes_at, whole_at))
            at, first, since = end, first + count, position
            self.end = end
        if kind is not None and kind not in (b"TOKS", b"INDX") and any(kind):
            raise TraceFileError(f"{self.name}: byte {at}: no section is there")

    def tokens(self, k: int) -> Tokens:
        """A segment's tokens."""
        segment = self.segments[k]
        at = segment.tokens_at
        payload = self.section(at, b"TOKS")
        if payload[: _TOKENS.size] != _TOKENS.pack(segment.first, segment.count) or (
            segment.count > _MOST_TOKENS
        ):
            raise TraceFileError(f"{self.name}: byte {at}: these are other tokens")
        return Tokens(payload[_TOKENS.size :], segment.count, self.name)

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
        if len(payload) < _BORDER.size:
            raise TraceFileError(f"{self.name}: byte {at}: it ends too early")
        old, position, size, means = _BORDER.unpack_from(payload)
        if (old, position) != (since, self.segments[k].end - 1) or size > _MOST_BORDER:
            raise TraceFileError(f"{self.name}: byte {at}: this is another border")
        return Border(payload[_BORDER.size :], size, self.name, since, position, means)

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
        chain = self._bytes(self._begin - DIGEST, DIGEST)
        means = prompt_meaning(self.header.prompt)
        wholes = Wholes()
        for k, segment in enumerate(self.segments):
            if self._bytes(segment.tokens_at - DIGEST, DIGEST) != chain:
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
            last = segment.whole_at or segment.changes_at
            end = last + self._length(last)
            chain = self._bytes(end - DIGEST, DIGEST)
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
        chain = reader._bytes(reader.end - DIGEST, DIGEST)
        since = reader.count - 1
        writer = cls(
            file, reader.name, chain, means, reader.end, reader.count, since, [*reader.segments]
        )
        writer._cut()
        return writer

    def append(self, tokens: np.ndarray, changes: bytes, whole: bytes | None) -> None:
        """A segment with the border behind it."""
        count, position = int(tokens.size), self.first + int(tokens.size) - 1
        means = meaning(self.means, changes)
        data = section(b"TOKS", _TOKENS.pack(self.first, count) + packed(tokens), self.chain)
        changes_at = self.end + len(data)
        payload = border_payload(self.since, position, changes, means)
        data += section(b"CHNG", payload, data[-DIGEST:])
        whole_at = 0
        if whole is not None:
            whole_at = self.end + len(data)
            payload = border_payload(0, position, whole, means)
            data += section(b"WHOL", payload, data[-DIGEST:])
        tokens_at = self.end
        self._write(data)
        self.rows.append(Segment(self.first, count, tokens_at, changes_at, whole_at))
        self.chain, self.means = data[-DIGEST:], means
        self.first, self.since = self.first + count, position

    def finish(self, stopped: str) -> None:
        """The index, and why the run ended; what is appended later takes their place."""
        begin = self.end
        rows = b"".join(
            _ROW.pack(row.first, row.count, row.tokens_at, row.changes_at, row.whole_at)
            for row in self.rows
        )
        data = section(b"INDX", rows, self.chain)
        ending = _END.pack(begin, self.first, STOPPED.index(stopped))
        self._write(data + section(b"END ", ending, data[-DIGEST:]))
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
