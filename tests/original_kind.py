"""A machine of the kind that the original publishes: the base machine, with what differs there.

Leaves: a model file in which
* `{` has no embedding, so that "one" is 1 except at position 0, where the whole stream is zero;
* averaging heads have the key `one`, and the count of what they average is the position;
* residual slots hold sums and differences of means, as the output projection adds them or a head
  copies them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pyvm.engine.dense import OLD_SCALE, SCALE
from pyvm.graph.machine import build_machine
from pyvm.graph.primitives import AVERAGE, Expr, Fetch, Linear, Reglu
from pyvm.graph.state import LIFT, Builder
from pyvm.schedule.schedule import assign_slots
from pyvm.schedule.solve import earliest
from pyvm.weights.graph_to_weights import build_weights
from pyvm.weights.model_file import PASSTHROUGH, ModelFile

BEGIN = "{"


def original_kind(copied: bool = False) -> ModelFile:
    """With `copied`, a neuron reads a sum of two means that a head has copied to a slot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Builder, "running_sums", _running_sums)
        graph = build_machine("base")
    means = [f"mean {name}" for name in ("stack_depth less call_depth", "call_depth")]
    # All but these means a layer later, if a head is to copy them in between.
    layers = {n: at + (copied and n not in means) for n, at in earliest(graph).items()}
    schedule = assign_slots(graph, 4 + copied, layers)
    model = build_weights(graph, schedule)
    embedding = model.embedding.copy()
    embedding[model.vocabulary.index(BEGIN)] = 0
    older = [replace(x, qkv=_scaled(x.qkv)) for x in model.layers]
    model = replace(model, embedding=embedding, layers=tuple(older))
    if not copied:
        return model
    first, second = (schedule.slot[mean] for mean in means)
    return _with_copied_sum(model, (first, second), schedule.layer["stack_depth"] - 1)


def _scaled(qkv: np.ndarray) -> np.ndarray:
    """With the original's factor in its queries."""
    scaled = qkv.copy()
    scaled[: qkv.shape[1]] *= OLD_SCALE / SCALE
    return scaled


def _running_sums(b: Builder, *terms: tuple[str, Linear]) -> list[Expr]:
    """Of the first of two terms the mean is kept less that of the second.  Of one term alone it is
    kept as the difference of two means."""
    zero, one = Expr(), b.one._expr()
    names = [name for name, _ in terms]
    values = [term._expr() for _, term in terms]
    if len(values) == 1:
        values = [values[0] + b.embedded["byte"], b.embedded["byte"]._expr()]
    fetch = Fetch("mean " + ", ".join(names), tuple(values), zero, zero, zero, zero, AVERAGE)
    first, second = fetch.outputs()
    less = b.persist(f"mean {names[0]} less {names[-1]}", first - second)
    if len(names) == 1:
        means = [less._expr()]
    else:
        other = b.persist(f"mean {names[1]}", second)
        means = [less + other, other._expr()]
    lifted = LIFT * Reglu("one", one, one)
    return [
        b.persist(name, Reglu(name, mean, b.position._expr()) + lifted) - LIFT * one
        for name, mean in zip(names, means, strict=True)
    ]


def _with_copied_sum(model: ModelFile, slots: tuple[int, int], layer: int) -> ModelFile:
    """With two slots more: a free head of `layer` copies the sum of `slots` there, that a neuron of
    that layer reads, and the neuron reads it there."""
    grown = _widened(model)
    width = grown.embedding.shape[1]
    layers = list(grown.layers)
    weights = layers[layer]
    qkv, out, w_in = weights.qkv.copy(), weights.out.copy(), weights.w_in.copy()
    column = width - 2  # of the last head, which is free
    qkv[column, 0], qkv[width + column, 0] = OLD_SCALE, 1
    qkv[2 * width + column, list(slots)] = 1
    out[width - 2, column] = 1
    both = w_in[:, list(slots)].all(axis=1)
    assert both.sum() == 1
    w_in[both, width - 2] = 1
    w_in[np.ix_(both, slots)] = 0
    layers[layer] = replace(weights, qkv=qkv, out=out, w_in=w_in)
    assert grown.head_kind is not None
    kinds = grown.head_kind.copy()
    kinds[layer, -1] = PASSTHROUGH
    return replace(grown, layers=tuple(layers), head_kind=kinds)


def _widened(model: ModelFile) -> ModelFile:
    """Two more slots and one more head, which nothing uses."""
    width = model.embedding.shape[1]

    def columns(matrix: np.ndarray) -> np.ndarray:
        return np.pad(matrix, ((0, 0), (0, 2)))

    def rows(matrix: np.ndarray) -> np.ndarray:
        return np.pad(matrix, ((0, 2), (0, 0)))

    def parts(matrix: np.ndarray) -> np.ndarray:
        return np.concatenate([rows(columns(part)) for part in matrix.reshape(3, width, width)])

    layers = tuple(
        replace(
            layer,
            qkv=parts(layer.qkv),
            out=rows(columns(layer.out)),
            w_in=columns(layer.w_in),
            w_ffn=rows(layer.w_ffn),
        )
        for layer in model.layers
    )
    assert model.tie_break is not None and model.head_kind is not None
    return replace(
        model,
        embedding=columns(model.embedding),
        head=columns(model.head),
        layers=layers,
        tie_break=np.pad(model.tie_break, ((0, 0), (0, 1)), constant_values=1),
        head_kind=np.pad(model.head_kind, ((0, 0), (0, 1))),
        metadata=None,
    )
