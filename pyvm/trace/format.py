"""What a trace file is made of: sections with digests; what they hold.

Enters: the parts of a run.  Leaves: their bytes; or the parts again, whatever bytes are given.

README.md in this folder has the format byte by byte, and what may be believed of a file.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pyvm.trace.packing import TraceFileError as TraceFileError
from pyvm.trace.packing import deflated, inflated, packed, unpacked

MAGIC = b"\x89TVMTRC\n"
VERSION = 3
SPACING = 1 << 19  # tokens between two borders
DIGEST = 16  # bytes of a SHA-256: no accident has the same
STOPPED = ("halt", "limit")
SECTION_HEAD = struct.Struct("<4sQ")  # kind, length of what follows before the digest
TOKENS_HEAD = struct.Struct("<QI")  # position of the first, how many
BORDER_HEAD = struct.Struct(f"<QQQ{DIGEST}s")  # since, position, bytes, digest of what it means
ROW = struct.Struct("<QIQQQ")  # first token, count; where tokens, changes and whole border begin
END = struct.Struct("<BQ")  # why the run ended; where this section begins
_HEADER = struct.Struct(f"<8s{DIGEST}sIIIB")  # model, vocabulary, stop, spacing, prompt, library
_FEWEST = 4  # borders between two whole ones
MOST_TOKENS = 1 << 24  # of a segment that is read: a damaged file shall not ask for all memory
MOST_BORDER = 1 << 32


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
        model: fingerprint of the model's plan, 16 hexadecimal digits.
        vocabulary: digest of the spellings, in hexadecimal: the version of the language.
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
        model, vocabulary = bytes.fromhex(self.model), bytes.fromhex(self.vocabulary)
        library = self.library.encode()
        numbers = (self.stop, self.spacing, self.prompt.size, len(library))
        return _HEADER.pack(model, vocabulary, *numbers) + library + packed(self.prompt)

    @classmethod
    def of(cls, payload: bytes, name: str) -> Header:
        try:
            model, vocabulary, stop, spacing, count, length = _HEADER.unpack_from(payload)
            begin = _HEADER.size + length
            library = payload[_HEADER.size : begin].decode()
            if not (
                1 <= count < 1 << 31 and 1 <= spacing <= MOST_TOKENS and len(library) == length
            ):
                raise ValueError
            prompt = unpacked(payload[begin:], count, name)
        except TraceFileError:
            raise
        except (ValueError, struct.error):
            raise TraceFileError(f"{name}: its header is damaged") from None
        return cls(model.hex(), vocabulary.hex(), library, stop, spacing, prompt)


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:DIGEST]


def vocabulary_digest(vocabulary: tuple[str, ...]) -> str:
    return digest("\n".join(vocabulary).encode()).hex()


def section(kind: bytes, payload: bytes, before: bytes) -> bytes:
    """A section with its digest, which is of the one before as well."""
    head = SECTION_HEAD.pack(kind, len(payload))
    return head + payload + digest(before + head + payload)


def opening(version: int = VERSION) -> bytes:
    return MAGIC + struct.pack("<H", version)


def first_digest() -> bytes:
    """What the first section's digest covers besides it: the bytes before it."""
    return digest(opening())


def meaning(before: bytes, changes: bytes) -> bytes:
    """The digest of a border: of all changes from the prompt on, however they are stored."""
    return digest(before + changes)


def prompt_meaning(prompt: np.ndarray) -> bytes:
    """The digest that the first border's begins with."""
    return digest(prompt.astype("<u2").tobytes())


@dataclass(frozen=True)
class Piece:
    """A segment and the border behind it, compressed to be written."""

    count: int
    tokens: bytes
    changes: bytes  # as they are, for their digest
    packed_changes: bytes
    whole_size: int
    packed_whole: bytes | None

    @classmethod
    def of(
        cls, tokens: np.ndarray, changes: bytes, whole: bytes | None, fast: bool = False
    ) -> Piece:
        """`fast`: the tokens compressed less."""
        return cls(
            int(tokens.size),
            packed(tokens, fast),
            changes,
            deflated(changes),
            len(whole or b""),
            None if whole is None else deflated(whole),
        )


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
        content = inflated(self.data, self.size, self.name)
        if len(content) != self.size:
            raise TraceFileError(f"{self.name}: a border has another length than it says")
        return content


@dataclass(frozen=True)
class State:
    """A whole border (None: the state behind the prompt), then changes, each with the tokens of its
    segment."""

    whole: Border | None
    changes: list[tuple[Border, Tokens]]
