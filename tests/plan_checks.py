"""The plan against the network as written, for the tests of traces and of models."""

from __future__ import annotations

import re

import numpy as np

from pyvm.engine.errors import LimitError, UnsupportedError
from pyvm.engine.model import Model

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
