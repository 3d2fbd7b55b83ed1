"""A model file as the named matrices of a plain transformer, in float64.

Enters: a `ModelFile` and a number of positions.  Leaves: `Arrays`, from which every target is
written.  The network that they describe (causal, no normalisation, no biases):

    x = embed[token] + position[p]
    each layer:  x += o softmax(q x · k x, no scale) v x, heads of width 2
                 x += down (relu(gate x) * up x)
    next token:  argmax of unembed x

Matrices are (outputs, inputs), as torch.nn.Linear has them; head h has rows 2h and 2h + 1 of q, k
and v, and these columns of o.  Numbers are those of the file.  Only the recency, the second column
of the positions, is p / n in place of the file's logarithm where pyvm built the file: there nothing
but ties depends on it, and equal steps survive float64's rounding longest (pyvm/engine/softmax.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pyvm.engine.softmax import position_table
from pyvm.printable import printable
from pyvm.weights.model_file import ModelFile

HEAD_WIDTH = 2
PARTS = ("q", "k", "v", "o", "gate", "up", "down")


class ExportError(ValueError):
    """A model that a target cannot hold, or a package that is not installed."""


@dataclass(frozen=True)
class Arrays:
    """embed (V, D), position (n, D), unembed (V, D); per layer the seven of PARTS."""

    vocabulary: tuple[str, ...]
    stop: int
    embed: np.ndarray
    position: np.ndarray
    layers: tuple[dict[str, np.ndarray], ...]
    unembed: np.ndarray
    labels: dict[str, Any]

    @property
    def sizes(self) -> dict[str, int]:
        """By the names that configurations of transformers have."""
        width = self.embed.shape[1]
        return {
            "vocab_size": len(self.vocabulary),
            "hidden_size": width,
            "num_hidden_layers": len(self.layers),
            "num_attention_heads": width // HEAD_WIDTH,
            "head_dim": HEAD_WIDTH,
            "intermediate_size": len(self.layers[0]["gate"]),
            "max_position_embeddings": len(self.position),
            "eos_token_id": self.stop,
        }


def arrays_of(model: ModelFile, positions: int) -> Arrays:
    """The matrices of a model for traces of at most so many tokens; raises ExportError."""
    if not model.layers:
        raise ExportError("a model without layers is no transformer: there is nothing to export")
    for number, layer in enumerate(model.layers, 1):
        if layer.erase_after_attention or layer.erase_after_ffn:
            raise ExportError(
                f"layer {number} sets slots to zero by a list, which no framework does: "
                "what pyvm builds today clears slots by its weights, so build the model anew"
            )
    labels = dict(model.metadata or {})
    recency = "linear" if labels.get("builder") == "pyvm" else "log"
    layers = []
    for layer in model.layers:
        parts = (*np.split(layer.qkv, 3), layer.out, *np.split(layer.w_in, 2), layer.w_ffn)
        layers.append(dict(zip(PARTS, parts)))
    width = model.embedding.shape[1]
    return Arrays(
        model.vocabulary,
        model.stop,
        model.embedding,
        position_table(positions, width, recency),
        tuple(layers),
        model.head,
        labels,
    )


_MODULES = {name: "self_attn" if name in "qkvo" else "mlp" for name in PARTS}


def named(arrays: Arrays) -> dict[str, np.ndarray]:
    """Every matrix by the name that checkpoints of decoders have for it."""
    found = {
        "model.embed_tokens.weight": arrays.embed,
        "model.embed_positions.weight": arrays.position,
        "lm_head.weight": arrays.unembed,
    }
    for number, layer in enumerate(arrays.layers):
        for name, matrix in layer.items():
            found[f"model.layers.{number}.{_MODULES[name]}.{name}_proj.weight"] = matrix
    return found


def check_words(arrays: Arrays) -> None:
    """Refuses a vocabulary that a tokenizer of words cannot have."""
    seen: set[str] = set()
    for token in arrays.vocabulary:
        if token in seen or token.split() != [token]:
            what = "stands twice" if token in seen else "is no word"
            raise ExportError(
                f"token {printable(token)!r} {what} in the vocabulary, and a tokenizer of words "
                "cannot tell it: export to safetensors, torch or onnx"
            )
        seen.add(token)
