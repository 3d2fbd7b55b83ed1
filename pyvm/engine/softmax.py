"""The network as a framework runs it: softmax attention in float64, a whole trace at once.

Enters: a `ModelFile` without erase lists and the token ids of a trace.  Leaves: the token predicted
after each position (teacher forcing), and the residual stream before every layer and at the end.

    x += Wout softmax(q k^T, causal) v       (Vaswani et al., Attention Is All You Need, 2017)
    x += W_ffn (max(0, gate) * value)

Scores are scaled by the weights alone; there is no tie-break and no head kind.  Where rounding
makes two scores equal, both keys count half, and tokens differ from those of the exact engines:
this pass shows how far that does not happen (tools/check_softmax.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.weights.model_file import ModelFile

RECENCIES = ("log", "linear")
# exp(x) is 0 in float64 for every x below this.
UNDERFLOW = -746.0
_BLOCK = 1 << 20  # scores at a time


@dataclass(frozen=True)
class SoftmaxPass:
    """predictions (n,): the token after each position; streams: (n, D) before each layer, and what
    the output head reads."""

    predictions: np.ndarray
    streams: tuple[np.ndarray, ...]


def softmax(model: ModelFile, tokens: np.ndarray, recency: str = "log") -> np.ndarray:
    """The token predicted after each of `tokens`; `recency` is a name of `position_table`."""
    return softmax_pass(model, tokens, recency).predictions


def softmax_pass(model: ModelFile, tokens: np.ndarray, recency: str = "log") -> SoftmaxPass:
    """The same, with what the layers were given."""
    if any(layer.erase_after_attention or layer.erase_after_ffn for layer in model.layers):
        raise ValueError("the file has erase lists, which no framework computes")
    tokens = np.asarray(tokens, np.int64)
    x = model.embedding[tokens] + position_table(tokens.size, model.embedding.shape[1], recency)
    streams = []
    for layer in model.layers:
        streams.append(x.copy())
        query, key, value = (x @ rows.T for rows in np.split(layer.qkv, 3))
        found = np.zeros_like(x)
        for first in range(0, x.shape[1], 2):
            head = slice(first, first + 2)
            if layer.out[:, head].any():  # others add nothing
                found[:, head] = _attend(query[:, head], key[:, head], value[:, head])
        x += found @ layer.out.T
        gate, gated = np.split(layer.w_in, 2)
        for rows in _blocks(tokens.size, gate.shape[0]):
            hidden = np.maximum(x[rows] @ gate.T, 0) * (x[rows] @ gated.T)
            x[rows] += hidden @ layer.w_ffn.T
    streams.append(x)
    blocks = _blocks(tokens.size, len(model.vocabulary))
    predicted = [np.argmax(x[rows] @ model.head.T, axis=1) for rows in blocks]
    return SoftmaxPass(np.concatenate([np.empty(0, np.int64), *predicted]), tuple(streams))


def position_table(length: int, width: int, recency: str) -> np.ndarray:
    """What is added to the embedding: position, recency, squared position; (length, width).

    The recency is the file's definition ("log", 1/ln 2 - 1/ln(p + 2)), or p / length ("linear"):
    any column between 0 and 2 that grows makes the newest of equal keys win, and equal steps
    survive rounding longest.
    """
    if recency not in RECENCIES:
        raise ValueError(f"recency is one of {', '.join(RECENCIES)}, not {recency!r}")
    p = np.arange(length, dtype=np.float64)
    table = np.zeros((length, width))
    table[:, 0], table[:, 2] = p, p * p
    table[:, 1] = p / length if recency == "linear" else 1 / np.log(2) - 1 / np.log(p + 2)
    return table


def _blocks(length: int, width: int) -> list[slice]:
    """Rows of a matrix, as many at a time as have some million numbers."""
    step = min(max(_BLOCK // max(width, 1), 16), 256)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def _attend(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    """One head, every position: (n, 2) each."""
    length = len(query)
    found = np.empty_like(value)
    for rows in _blocks(length, length):
        last = rows.stop
        # Two numbers a score: a BLAS with threads would take twenty times as long.
        scores = query[rows, :1] * key[:last, 0]
        scores += query[rows, 1:] * key[:last, 1]
        own = scores[:, rows.start :]
        own[np.triu_indices(len(own), 1)] = -np.inf  # the positions after this one
        top = scores.max(axis=1, keepdims=True)
        counted = scores >= top + UNDERFLOW  # the weight of every other key is exactly 0
        some = np.count_nonzero(counted)
        if 4 * some > scores.size:
            weights = np.exp(scores - top)
            weights /= weights.sum(axis=1, keepdims=True)
            found[rows] = np.einsum("qk,ki->qi", weights, value[:last])
            continue
        at = np.flatnonzero(counted)
        row, column = np.divmod(at, last)
        weight = np.exp(scores.reshape(-1)[at] - top[row, 0])
        weight /= np.bincount(row, weight)[row]
        for i in (0, 1):
            found[rows, i] = np.bincount(row, weight * value[column, i])
    return found
