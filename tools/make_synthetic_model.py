#!/usr/bin/env python3
"""Writes a model file with random weights, for benchmarks: any sizes, any sparsity, by seed.

    python tools/make_synthetic_model.py OUT.bin --vocabulary 128 --width 128 --layers 8 --heads 4 \
        --neurons 256 --sparsity 0.9 --seed 1

Enters: sizes.  Leaves: a model file (pyvm/weights/model_file.py), always the same bytes.
Needs numpy alone. The format has width / 2 heads; `--heads` of them per layer get weights.

Position and its square are not read: they would drown everything else. What each layer adds is
kept small, so that numbers stay near 1 however deep the model is.
"""

from __future__ import annotations

import argparse
import struct
from pathlib import Path

import numpy as np

INPUT_SLOTS = 3  # position, recency, position squared


def sparse_matrix(
    random: np.random.Generator, rows: int, columns: int, sparsity: float, size: float
) -> np.ndarray:
    """Normal weights, of which a share is zero; a row of normal numbers gives about `size`."""
    weights = random.standard_normal((rows, columns))
    kept = random.random((rows, columns)) >= sparsity
    expected = max(1.0, columns * (1.0 - sparsity))
    return np.where(kept, weights * (size / np.sqrt(expected)), 0.0)


def synthetic_model(
    vocabulary: int,
    width: int,
    layers: int,
    heads: int | None,
    neurons: int,
    sparsity: float,
    seed: int,
) -> bytes:
    """The bytes of the file."""
    if vocabulary < 1 or width < 4 or width % 2 or layers < 1 or neurons < 0:
        raise ValueError("sizes: V >= 1, D >= 4 and even, L >= 1, F >= 0")
    heads = width // 2 if heads is None else heads
    if not 0 <= heads <= width // 2:
        raise ValueError(f"heads is {heads}: width {width} has room for 0 to {width // 2}")
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity is {sparsity}: it must lie between 0 and 1")
    random = np.random.default_rng(seed)
    parts = [struct.pack("<6i", vocabulary, width, layers, width // 2, neurons, vocabulary - 1)]
    for token in range(vocabulary):
        text = f"t{token}".encode()
        parts.append(struct.pack("<I", len(text)) + text)

    def put(matrix: np.ndarray) -> None:
        parts.append(np.ascontiguousarray(matrix, dtype="<f8").tobytes())

    embedding = random.standard_normal((vocabulary, width))
    embedding[:, :INPUT_SLOTS] = 0.0
    put(embedding)
    change = 0.3 / np.sqrt(layers)
    for _ in range(layers):
        qkv = sparse_matrix(random, 3 * width, width, sparsity, 1.0)
        out = sparse_matrix(random, width, width, sparsity, change)
        w_in = sparse_matrix(random, 2 * neurons, width, sparsity, 1.0)
        w_ffn = sparse_matrix(random, width, neurons, sparsity, change)
        qkv.reshape(3, width, width)[:, 2 * heads :] = 0.0
        out[:, 2 * heads :] = 0.0
        for reader in (qkv, w_in):
            reader[:, [0, 2]] = 0.0
        for writer in (out, w_ffn):
            writer[:INPUT_SLOTS] = 0.0
        for matrix in (qkv, out, w_in, w_ffn):
            put(matrix)
    head = sparse_matrix(random, vocabulary, width, sparsity, 1.0)
    head[:, [0, 2]] = 0.0
    head[vocabulary - 1] = 0.0
    put(head)
    return b"".join(parts)


def add_size_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vocabulary", "-V", type=int, default=128)
    parser.add_argument("--width", "-D", type=int, default=128)
    parser.add_argument("--layers", "-L", type=int, default=8)
    parser.add_argument("--heads", "-H", type=int, default=None, help="with weights; default: all")
    parser.add_argument("--neurons", "-F", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)


def main() -> None:
    parser = argparse.ArgumentParser(description="writes a model with random weights")
    parser.add_argument("out", type=Path)
    add_size_arguments(parser)
    parser.add_argument("--sparsity", type=float, default=0.0, help="share of zeros, 0 to 1")
    given = parser.parse_args()
    try:
        data = synthetic_model(
            given.vocabulary,
            given.width,
            given.layers,
            given.heads,
            given.neurons,
            given.sparsity,
            given.seed,
        )
    except ValueError as error:
        parser.error(str(error))
    given.out.write_bytes(data)


if __name__ == "__main__":
    main()
