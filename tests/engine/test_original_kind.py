"""Models as the original publishes them: `{` without embedding, sums of means in slots. They have a
plan, which gives the tokens of the layer path, on damaged traces and damaged models as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyvm
from cases import CASES
from original_kind import BEGIN, original_kind
from plan_checks import AS_WRITTEN, agreeing, damaged, equal_or_refused
from pyvm.engine.errors import ModelError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.weights import ModelFile, machine_model

RUNS = {case.name: execute(case.prompt) for case in CASES}
LONG = sorted(RUNS, key=lambda name: len(RUNS[name].tokens))[-4:]


@pytest.fixture(scope="module", params=[False, True], ids=["written", "copied"])
def original(request) -> ModelFile:
    """The difference of means is read where it was written, or where a head has copied it."""
    return original_kind(copied=request.param)


@pytest.fixture(scope="module")
def model(original):
    with Model(original.to_bytes()) as model:
        yield model


def test_there_is_a_plan_that_runs_every_program(model):
    assert not model.why_no_plan
    for name, run in RUNS.items():
        by_plan = model.generate(run.tokens[: run.prompt_length], path="plan")
        assert np.array_equal(by_plan.tokens, run.tokens), name
        assert model.verify(run.tokens, first=run.prompt_length, path="plan").ok, name


@pytest.mark.parametrize("program", ["hello", "addition"])
def test_whole_programs_as_on_the_layer_path(model, program):
    prompt = model.encode(pyvm.compile(program, machine="base").text().split())
    by_plan = model.generate(prompt, path="plan")
    assert by_plan.output
    assert np.array_equal(by_plan.tokens, model.generate(prompt, path="layers").tokens)


def test_position_0_predicts_what_the_network_does(model):
    for length in (2, 3):
        tokens = RUNS[LONG[0]].tokens[:length]
        expected = model.verify(tokens, first=1, predicted=True, **AS_WRITTEN).predictions
        found = model.verify(tokens, first=1, predicted=True, path="plan").predictions
        assert np.array_equal(found, expected)


def test_damaged_traces(model):
    random = np.random.default_rng(7)
    compared = 0
    for name in LONG:
        for _ in range(4):
            tokens = RUNS[name].tokens[:600].copy()
            places = random.integers(1, len(tokens), size=3)
            tokens[places] = random.integers(0, model.vocabulary_size, size=3)
            compared += agreeing(model, tokens)
    assert compared > 3000


def test_another_beginning_and_a_second_one_leave_the_plan(model):
    tokens = RUNS[LONG[0]].tokens[:300]
    begin = int(model.encode([BEGIN])[0])
    second = tokens.copy()
    second[200] = begin
    other = tokens.copy()
    other[0] = tokens[1]
    for changed, position, why in [
        (second, 200, "a token whose embedding is zero is not at position 0"),
        (other, 0, "the sequence begins with a token whose embedding is not zero"),
    ]:
        with pytest.raises(UnsupportedError, match=f"position {position}: {why}; use path layers"):
            model.verify(changed, first=1, predicted=True, path="plan")
        by_auto = model.verify(changed, first=1, predicted=True).predictions
        by_layers = model.verify(changed, first=1, predicted=True, **AS_WRITTEN).predictions
        assert np.array_equal(by_auto, by_layers)


def test_damaged_models(original):
    compared = 0
    for seed in range(36):
        tokens = RUNS[LONG[seed % len(LONG)]].tokens[:300]
        try:
            compared += equal_or_refused(damaged(original, seed), tokens)
        except ModelError:
            continue
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
    assert compared >= 10


def test_a_refusal_names_the_neuron_and_the_slots():
    """A neuron that reads a mean and an integer: nobody knows what that is."""
    base_file = machine_model("base")
    labels = base_file.metadata
    slot = {name: at for name, at, _, _ in labels["slots"]}
    layers = list(base_file.layers)
    first = next(first for name, _, first, _ in labels["slots"] if name == "mean cursor_sum")
    layer = (first + 1) // 2 - 1
    names = labels["neurons"][layer]
    neuron = next(i for i, name in enumerate(names) if name.startswith("cursor_sum -> "))
    w_in = layers[layer].w_in.copy()
    w_in[len(w_in) // 2 + neuron, slot["one"]] = 1
    layers[layer] = replace(layers[layer], w_in=w_in)
    with Model(replace(base_file, layers=tuple(layers)).to_bytes()) as model:
        assert model.why_no_plan == (
            f"layer {layer}, neuron {neuron} ({names[neuron]}): adds slot "
            f"{slot['mean cursor_sum']} (mean cursor_sum), a mean, and slot {slot['one']} (one)"
        )


@pytest.mark.parametrize(
    ("rows", "dimension", "more", "why"),
    [
        ("k", "stack_depth", 0.5, "its weight of slot {} (stack_depth) is not an integer"),
        ("k", "mean stack_depth", 1, "its key is not twice an integer"),
        ("q", "recency", 1 << 34, "adds slot 1 (recency), the recency, and slot 9 (stack_depth)"),
    ],
)
def test_a_refusal_names_the_head_and_the_slots(rows, dimension, more, why):
    base_file = machine_model("base")
    labels = base_file.metadata
    slot = {name: at for name, at, _, _ in labels["slots"]}
    layers, layer = list(base_file.layers), 2
    head = max(i for i, name in enumerate(labels["heads"][layer]) if name == "stack second")
    qkv = layers[layer].qkv.copy()
    qkv["qkv".index(rows) * qkv.shape[1] + 2 * head, slot[dimension]] += more
    layers[layer] = replace(layers[layer], qkv=qkv)
    with Model(replace(base_file, layers=tuple(layers)).to_bytes()) as model:
        expected = f"layer 2, head {head} (stack second): {why.format(slot[dimension])}"
        assert model.why_no_plan == expected
