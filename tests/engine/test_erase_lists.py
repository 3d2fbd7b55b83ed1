"""Older files clear slots by erase lists, and scale queries by 1e10 sqrt 2: they still run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyvm
from cases import BY_NAME
from pyvm.engine.dense import OLD_SCALE, SCALE, predict
from pyvm.engine.executor import execute
from pyvm.graph.machine import build_machine
from pyvm.schedule import schedule as schedules
from pyvm.schedule.solve import earliest
from pyvm.schedule.units import slot_dims
from pyvm.weights.graph_to_weights import build_weights
from pyvm.weights.model_file import ModelFile


@pytest.fixture(scope="module")
def older_file() -> ModelFile:
    """The base machine as it was: what a half of its own subtracts is erased instead."""
    graph = build_machine("base")
    with pytest.MonkeyPatch.context() as patch:  # so that no half clears a slot and writes it
        patch.setattr(schedules, "rounded", lambda graph: frozenset(slot_dims(graph)))
        schedule = schedules.assign_slots(graph, 4, earliest(graph))
    model = build_weights(graph, schedule)
    layers = []
    for i, layer in enumerate(model.layers):
        after = [
            tuple(schedule.slot[name] for name, at in schedule.cleared.items() if at == half)
            for half in (2 * i + 1, 2 * i + 2)
        ]
        qkv, out, w_ffn = layer.qkv.copy(), layer.out.copy(), layer.w_ffn.copy()
        qkv[: schedule.width] *= OLD_SCALE / SCALE
        for head, name in enumerate(model.metadata["heads"][i]):
            if name and name.startswith("clear "):
                out[:, 2 * head : 2 * head + 2] = 0
        for neuron, name in enumerate(model.metadata["neurons"][i]):
            if name.startswith("clear "):
                w_ffn[:, neuron] = 0
        layers.append(
            replace(
                layer,
                qkv=qkv,
                out=out,
                w_ffn=w_ffn,
                erase_after_attention=after[0],
                erase_after_ffn=after[1],
            )
        )
    assert sum(len(x.erase_after_attention) + len(x.erase_after_ffn) for x in layers) == 19
    return replace(model, layers=tuple(layers))


@pytest.mark.parametrize("case", ["calls", "load store"])
def test_a_file_with_erase_lists_gives_the_same_tokens(older_file, case):
    prompt = BY_NAME[case].prompt
    expected = execute(prompt)
    with pyvm.load(older_file.to_bytes()) as model:
        for path in ("plan", "layers"):
            run = model.generate(prompt, path=path)
            assert np.array_equal(run.tokens, expected.tokens)
            assert model.verify(run.tokens, path=path).ok
    found = predict(older_file, expected.tokens[:-1])
    assert np.array_equal(found[prompt.size - 1 :], expected.generated)
