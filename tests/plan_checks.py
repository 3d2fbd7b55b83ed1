"""The plan against the network as written, for the tests of traces and of models."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from pyvm.engine.errors import LimitError, UnsupportedError
from pyvm.engine.model import Model
from pyvm.weights import ModelFile

MATRICES = ("embedding", "head", "qkv", "out", "w_in", "w_ffn")

AS_WRITTEN = {
    "path": "layers",
    "projection": "dense",
    "attention": "scan",
    "bypass": "none",
    "threads": 1,
}


def predictions(model: Model, tokens: np.ndarray, **how) -> np.ndarray:
    """The token predicted after each, up to where a path refuses to go on."""
    while len(tokens) > 2:
        try:
            return model.verify(tokens, first=1, predicted=True, **how).predictions
        except (LimitError, UnsupportedError) as error:
            found = re.search(r"position (\d+)", str(error))
            end = int(found[1]) + 1 if found else len(tokens) // 2
            tokens = tokens[: min(end, len(tokens) - 1)]
    return np.empty(0, np.int32)


def agreeing(model: Model, tokens: np.ndarray) -> int:
    """How many predictions were compared, all equal."""
    expected = predictions(model, tokens, **AS_WRITTEN)
    found = predictions(model, tokens, path="plan")
    both = min(len(expected), len(found))
    differ = np.nonzero(expected[:both] != found[:both])[0]
    assert differ.size == 0, f"after position {differ[0]}: {expected[differ[0]]} {found[differ[0]]}"
    return both


def with_matrix(file: ModelFile, layer: int, name: str, matrix: np.ndarray) -> ModelFile:
    if name in ("embedding", "head"):
        return replace(file, **{name: matrix})
    layers = list(file.layers)
    layers[layer] = replace(layers[layer], **{name: matrix})
    return replace(file, layers=tuple(layers))


def matrix_of(file: ModelFile, layer: int, name: str) -> np.ndarray:
    return getattr(file if name in ("embedding", "head") else file.layers[layer], name)


def damaged(file: ModelFile, seed: int) -> ModelFile:
    """One number is another: moved, negated, doubled, removed, or put where none was."""
    random = np.random.default_rng(seed)
    layer, name = int(random.integers(len(file.layers))), MATRICES[seed % len(MATRICES)]
    matrix = matrix_of(file, layer, name).copy()
    rows, columns = np.nonzero(matrix)
    if not len(rows):
        return file
    pick = int(random.integers(len(rows)))
    at = rows[pick], columns[pick]
    how = seed // len(MATRICES) % 6
    if how == 5:
        at = int(random.integers(matrix.shape[0])), int(random.integers(matrix.shape[1]))
        matrix[at] = matrix[rows[pick], columns[pick]]
    else:
        old = matrix[at]
        matrix[at] = (old + 1, old - 2, -old, 2 * old, 0)[how]
    return replace(with_matrix(file, layer, name, matrix), head_kind=None, metadata=None)


def equal_or_refused(file: ModelFile, tokens: np.ndarray) -> bool:
    """Whether there were tokens to compare."""
    with Model(file.to_bytes()) as model:
        try:
            by_layers = model.verify(tokens, first=1, predicted=True, **AS_WRITTEN).predictions
        except LimitError:
            return False
        by_auto = model.verify(tokens, first=1, predicted=True).predictions
        assert np.array_equal(by_auto, by_layers)
        try:
            by_plan = model.verify(tokens, first=1, predicted=True, path="plan").predictions
        except UnsupportedError:
            return False
        assert np.array_equal(by_plan, by_layers)
    return True
