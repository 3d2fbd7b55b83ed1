"""The truth for short traces: the whole network, densely, one position at a time.

Enters: a `ModelFile` and token ids.  Leaves: the token predicted after each position.

Slow and plain on purpose: every head that adds something scores every position before it, no head
kind is used.  Numbers are numpy's longest floats (80 bits on x86-64), so that rounding decides
nothing at the lengths and addresses of the tests.  float64, which is faster, only rules out keys
that are behind by more than it can be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from pyvm.weights.model_file import ModelFile

FLOAT = np.longdouble
AVERAGE = 0
SCALE, OLD_SCALE = 2.0**34, 1e10 * math.sqrt(2)  # of queries: today's files, and older ones
# A score of float64 is off by less than this share of its two products' sizes (each part is rounded
# four times), and this much where they are too small for a share.
ROUNDING, LEAST = 2.0**-50, 2.0**-1022


def unscaled(query: np.ndarray) -> np.ndarray:
    """Query rows (heads, 2, D), divided by a scale where all of a head are multiples of it: of
    today's exactly, of the old one up to the rounding of a product.

    A positive factor common to both components changes no argmax; without it the rows hold the
    small integers that they were built from, and scores stay exact longer.
    """

    def multiples(scale: float, rounding: float, others: np.ndarray) -> np.ndarray:
        ratio = query / scale
        whole = np.rint(ratio)
        scaled = np.all(abs(ratio - whole) <= rounding * abs(whole), axis=(1, 2), keepdims=True)
        return np.where(scaled, whole, others)

    return multiples(SCALE, 0.0, multiples(OLD_SCALE, 2.0**-51, query))


class DenseNetwork:
    """One sequence. `step` takes a token and returns the predicted next one."""

    def __init__(self, model: ModelFile):
        self._embedding = model.embedding.astype(FLOAT)
        self._layers = model.layers
        self._head = model.head.astype(FLOAT)
        self._width = model.embedding.shape[1]
        heads = self._width // 2
        shape = (len(model.layers), heads)
        self._average = (
            np.zeros(shape, bool) if model.tie_break is None else model.tie_break == AVERAGE
        )
        self._weights = [
            (
                self._projection(layer.qkv),
                *(w.astype(FLOAT) for w in (layer.out, layer.w_in, layer.w_ffn)),
            )
            for layer in model.layers
        ]
        self._reads = [
            np.flatnonzero(layer.out.reshape(-1, heads, 2).any(axis=(0, 2)))
            for layer in model.layers
        ]
        self._past = np.empty((len(model.layers), 2, heads, 64, 2), FLOAT)  # keys, values
        self._rough = np.empty((len(model.layers), 2, heads, 64))  # keys in float64
        self._position = 0

    def _projection(self, qkv: np.ndarray) -> np.ndarray:
        rows = qkv.astype(FLOAT)
        rows[: self._width] = unscaled(qkv[: self._width].reshape(-1, 2, self._width)).reshape(
            self._width, -1
        )
        return rows

    def step(self, token: int) -> int:
        """Reads one token; returns the id of the token that is generated after it."""
        return int(np.argmax(self.scores(token)))  # the lowest index wins a tie

    def scores(self, token: int) -> np.ndarray:
        """Reads one token; returns the score of every token after it."""
        p, width = FLOAT(self._position), self._width
        if self._position == self._past.shape[3]:
            self._past = np.concatenate((self._past, np.empty_like(self._past)), axis=3)
            self._rough = np.concatenate((self._rough, np.empty_like(self._rough)), axis=3)
        x = self._embedding[token].copy()
        x[0] += p
        x[1] += 1 / np.log(FLOAT(2)) - 1 / np.log(p + 2)
        x[2] += p * p
        for i, (layer, (qkv, out, w_in, w_ffn)) in enumerate(zip(self._layers, self._weights)):
            q, k, v = (qkv @ x).reshape(3, width // 2, 2)
            x += out @ self._attend(i, q, k, v).reshape(width)
            if layer.erase_after_attention:  # other builders' files: ours clear slots by weights
                x[list(layer.erase_after_attention)] = 0
            gate, value = np.split(w_in @ x, 2)
            x += w_ffn @ (np.maximum(gate, 0) * value)
            if layer.erase_after_ffn:
                x[list(layer.erase_after_ffn)] = 0
        self._position += 1
        scores: np.ndarray = self._head @ x
        return scores

    def _attend(self, i: int, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Hard attention of every head of layer i, the own position included: (heads, 2)."""
        self._past[i, :, :, self._position] = k, v
        self._rough[i, :, :, self._position] = k.T
        keys, values = self._past[i, :, :, : self._position + 1]
        found = np.zeros_like(v)
        for head in self._reads[i]:
            near = self._near(q[head].astype(float), self._rough[i, :, head, : self._position + 1])
            scores = keys[head, near] @ q[head]
            best = near[scores == scores.max()]  # the newest, or all of them
            chosen = best if self._average[i, head] else best[-1:]
            found[head] = values[head, chosen].mean(axis=0)
        return found

    @staticmethod
    def _near(query: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """The positions among which the best are, however float64 rounds. keys: (2, positions)."""
        parts = query[:, None] * keys
        score = parts[0] + parts[1]
        slack = np.abs(parts, out=parts)
        slack = (slack[0] + slack[1]) * ROUNDING + LEAST
        least = (score - slack).max()
        score += slack
        return np.flatnonzero(~(score < least))  # what overflows is near


def predict(model: ModelFile, tokens: Iterable[int]) -> list[int]:
    """Teacher forcing: the token predicted after each of `tokens`."""
    network = DenseNetwork(model)
    return [network.step(int(token)) for token in tokens]
