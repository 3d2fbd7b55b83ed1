"""What a trace file is made of: sections with digests, packed tokens, borders.

Enters: the parts of a run.  Leaves: their bytes; or the parts again, whatever bytes are given.

README.md in this folder has the format byte by byte, and what may be believed of a file.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

MAGIC = b"\x89TVMTRC\n"
VERSION = 1
SPACING = 1 << 19  # tokens between two borders
DIGEST = 32
STOPPED = ("halt", "limit")
SECTION_HEAD = struct.Struct("<4sQ")  # kind, length of what follows before the digest
TOKENS_HEAD = struct.Struct("<QI")  # position of the first, how many
BORDER_HEAD = struct.Struct("<QQQ32s")  # since, position, bytes, digest of what it means
END = struct.Struct("<QQB")  # where the index begins, tokens, why the run ended
ROW = struct.Struct("<QIQQQ")  # first token, count; where tokens, changes and whole border begin
_FEWEST = 4  # borders between two whole ones
MOST_TOKENS = 1 << 24  # of a segment that is read: a damaged file shall not ask for all memory
MOST_BORDER = 1 << 32
_SHORT = 1 << 16  # bytes: compressed as well as zlib can, which takes milliseconds


class TraceFileError(ValueError):
    """A file is no trace, or a damaged one, or does not belong to what is asked."""


class NothingYet(TraceFileError):
    """A trace that was cut before its header was whole."""


class Segment(NamedTuple):
    """Tokens `first` to `first + count` of the sequence, and where its parts lie in the file.

    `whole_at` is 0 where the border behind the segment is only there as changes.
    """

    first: int
    count: int  # type: ignore[assignment]  # a tuple's method of that name is of no use here
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
            if count < 1 or not 1 <= fields["spacing"] <= MOST_TOKENS:
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
    return _deflated(pairs.T.tobytes())


def unpacked(data: bytes, count: int, name: str) -> np.ndarray:
    """int32 ids."""
    planes = np.frombuffer(_inflated(data, 2 * count, name), dtype=np.uint8).reshape(2, count)
    ids: np.ndarray = planes[1].astype(np.int32)
    ids <<= 8
    ids |= planes[0]
    return ids


def _deflated(data: bytes) -> bytes:
    """A piece of a long run is compressed in about the time that a kernel takes to generate it."""
    return zlib.compress(data, 1 if len(data) > _SHORT else 9)


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
    head = SECTION_HEAD.pack(kind, len(payload))
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
    return BORDER_HEAD.pack(since, position, len(border), means) + _deflated(border)


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
