"""The model file: arrays to bytes and back.

Enters: a `ModelFile` (arrays of float64 and lists), or the bytes of one.  Leaves: the other.

Little endian: six int32 V D L H F stop; V x (uint32 length, UTF-8 token); float64: E (V x D); per
layer Wqkv (3D x D), Wout (D x D), W_in (2F x D), W_ffn (D x F); head (V x D).  Then trailers,
each optional, in this order:
    int32 1, per layer (int32 n, n x int32) slots set to zero after attention, the same after the
        ffn: n = 0 in what pyvm builds, whose weights clear slots; others have such lists
    int32 1, L x H int32 tie-break (1 LATEST, 0 AVERAGE)
    int32 1, L x H int32 head kind (0 lookup, 1 passthrough, 2 gather)
    "TVMX", uint32 version 1, uint64 length n, uint32 CRC-32 of all bytes before
        "TVMX" and of the JSON, n bytes of JSON (UTF-8): names of slots, heads and neurons
A flag 0 in place of 1 means that the trailer is empty.

A file may end before any trailer, and without tie-breaks it is another machine.  So what is written
here with all four carries a mark in its front part: the weight of token 0 at slot 2 is -0.0.  That
slot holds the squared position, which the embedding leaves at zero, and a zero of either sign adds
nothing, so that other readers see the same model.  A file with the mark and without its last
trailer was cut, and is refused.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pyvm.weights.metadata import MetadataError, Sizes, read_metadata

LOOKUP, PASSTHROUGH, GATHER = range(3)
MAGIC = b"TVMX"
VERSION = 1
MARK_SLOT = 2  # of token 0; lib/model/reader.cpp has the same
_MARK = struct.pack("<d", -0.0)


class ModelFileError(ValueError):
    """Bytes that are not a model file, with the offset of the fault."""


@dataclass(frozen=True)
class LayerWeights:
    """One layer. Shapes: qkv (3D, D), out (D, D), w_in (2F, D), w_ffn (D, F)."""

    qkv: np.ndarray
    out: np.ndarray
    w_in: np.ndarray
    w_ffn: np.ndarray
    erase_after_attention: tuple[int, ...] = ()
    erase_after_ffn: tuple[int, ...] = ()


@dataclass(frozen=True, repr=False)
class ModelFile:
    """A model: vocabulary, E (V, D), layers, head (V, D); tie_break, head_kind (L, H) or None."""

    vocabulary: tuple[str, ...]
    stop: int
    embedding: np.ndarray
    layers: tuple[LayerWeights, ...]
    head: np.ndarray
    tie_break: np.ndarray | None = None
    head_kind: np.ndarray | None = None
    metadata: dict[str, Any] | None = None

    def __repr__(self) -> str:
        size, width = self.embedding.shape
        return f"<ModelFile V={size} D={width} L={len(self.layers)}>"

    def to_bytes(self, trailers: int = 4) -> bytes:
        """The file; `trailers` says after how many of the four it ends."""
        size, width = self.embedding.shape
        neurons = self.layers[0].w_ffn.shape[1] if self.layers else 0
        parts = [struct.pack("<6i", size, width, len(self.layers), width // 2, neurons, self.stop)]
        for token in self.vocabulary:
            text = token.encode()
            parts.append(struct.pack("<I", len(text)) + text)
        complete = trailers > 3 and self.metadata is not None
        arrays = [_marked(self.embedding, complete)]
        for layer in self.layers:
            arrays += [layer.qkv, layer.out, layer.w_in, layer.w_ffn]
        parts += [np.ascontiguousarray(a, dtype="<f8").tobytes() for a in (*arrays, self.head)]
        if trailers > 0:
            parts.append(struct.pack("<i", 1))
            for layer in self.layers:
                for slots in (layer.erase_after_attention, layer.erase_after_ffn):
                    parts.append(struct.pack(f"<i{len(slots)}i", len(slots), *slots))
        for grid in (self.tie_break, self.head_kind)[: max(0, trailers - 1)]:
            parts.append(struct.pack("<i", int(grid is not None)))
            if grid is not None:
                parts.append(np.ascontiguousarray(grid, dtype="<i4").tobytes())
        if complete:
            text = json.dumps(self.metadata, separators=(",", ":")).encode()
            checksum = zlib.crc32(text, zlib.crc32(b"".join(parts)))
            parts.append(MAGIC + struct.pack("<IQI", VERSION, len(text), checksum) + text)
        return b"".join(parts)

    @staticmethod
    def from_bytes(data: bytes) -> ModelFile:
        """Reads a file that ends after any trailer; raises ModelFileError."""
        return _Reader(data).model()


def _is_marked(embedding: np.ndarray) -> bool:
    return (
        embedding.shape[1] > MARK_SLOT
        and embedding[0, MARK_SLOT : MARK_SLOT + 1].tobytes() == _MARK
    )


def _marked(embedding: np.ndarray, complete: bool) -> np.ndarray:
    """With the mark if the file is complete, without it if not; a weight that is not 0 stays."""
    marked = embedding.astype("<f8")
    if embedding.shape[1] > MARK_SLOT and marked[0, MARK_SLOT] == 0:
        marked[0, MARK_SLOT] = -0.0 if complete else 0.0
    return marked


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int, what: str) -> bytes:
        if count < 0 or count > len(self.data) - self.at:
            raise ModelFileError(f"offset {self.at}: the file ends inside {what}")
        self.at += count
        return self.data[self.at - count : self.at]

    def ints(self, count: int, what: str) -> tuple[int, ...]:
        return struct.unpack(f"<{count}i", self.take(4 * count, what))

    def array(self, rows: int, columns: int, what: str) -> np.ndarray:
        return np.frombuffer(self.take(8 * rows * columns, what), "<f8").reshape(rows, columns)

    def grid(self, layers: int, heads: int, what: str) -> np.ndarray | None:
        if self.at == len(self.data) or not self.ints(1, what)[0]:
            return None
        return np.frombuffer(self.take(4 * layers * heads, what), "<i4").reshape(layers, heads)

    def model(self) -> ModelFile:
        size, width, count, heads, neurons, stop = self.ints(6, "the header")
        if min(size, width, count + 1, neurons + 1) < 1 or heads != width // 2 or width % 2:
            raise ModelFileError("offset 0: the header's sizes are not those of a model")
        names = []
        for i in range(size):
            (length,) = struct.unpack("<I", self.take(4, f"token {i}"))
            names.append(self.take(length, f"token {i}").decode())
        embedding = self.array(size, width, "the embedding")
        layers = [
            LayerWeights(
                self.array(3 * width, width, f"layer {layer}"),
                self.array(width, width, f"layer {layer}"),
                self.array(2 * neurons, width, f"layer {layer}"),
                self.array(width, neurons, f"layer {layer}"),
            )
            for layer in range(count)
        ]
        head = self.array(size, width, "the output head")
        if self.at < len(self.data) and self.ints(1, "the erase lists")[0]:
            layers = [
                replace(layer, erase_after_attention=self.slots(), erase_after_ffn=self.slots())
                for layer in layers
            ]
        tie_break = self.grid(count, heads, "the tie-breaks")
        head_kind = self.grid(count, heads, "the head kinds")
        metadata = self.metadata(Sizes(width, count, heads, neurons))
        if metadata is None and _is_marked(embedding):
            raise ModelFileError(
                f"offset {self.at}: the file was cut: it ends before the last trailer (names and "
                "checksum) that its front part promises"
            )
        return ModelFile(
            tuple(names), stop, embedding, tuple(layers), head, tie_break, head_kind, metadata
        )

    def slots(self) -> tuple[int, ...]:
        (count,) = self.ints(1, "the erase lists")
        return self.ints(count, "the erase lists")

    def metadata(self, sizes: Sizes) -> dict[str, Any] | None:
        if self.at == len(self.data):
            return None
        before = self.at
        if self.take(4, "the metadata") != MAGIC:
            raise ModelFileError(f"offset {before}: unknown trailer")
        version, length, checksum = struct.unpack("<IQI", self.take(16, "the metadata"))
        text = self.take(length, "the metadata")
        if version != VERSION or zlib.crc32(text, zlib.crc32(self.data[:before])) != checksum:
            raise ModelFileError(f"offset {before}: wrong version or checksum: the file is damaged")
        try:
            return read_metadata(text.decode(), sizes)
        except (MetadataError, UnicodeDecodeError) as error:
            raise ModelFileError(f"offset {before}: {error}") from None
