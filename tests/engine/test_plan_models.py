"""Models that nobody's builder makes: damaged in one number, label or kind, laid out otherwise,
without structure. The plan follows the weights or refuses; it never gives another token."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cases import CASES
from plan_checks import AS_WRITTEN, agreeing, damaged, equal_or_refused
from pyvm.engine.errors import ModelError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.graph.machine import build_machine
from pyvm.schedule.check import check
from pyvm.schedule.schedule import assign_slots
from pyvm.schedule.solve import earliest
from pyvm.weights import specialize
from pyvm.weights.graph_to_weights import build_weights

RUNS = {case.name: execute(case.prompt) for case in CASES}
LONG = sorted(RUNS, key=lambda name: len(RUNS[name].tokens))[-6:]


def test_one_number_is_another(model_file):
    compared = 0
    for seed in range(72):
        tokens = RUNS[LONG[seed % len(LONG)]].tokens[:400]
        try:
            compared += equal_or_refused(damaged(model_file, seed), tokens)
        except ModelError:  # not even a model any more
            continue
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
    assert compared >= 20


def test_one_head_is_of_another_kind_or_tie(model_file):
    """A false kind is refused or changes nothing; a tie is part of the network."""
    tokens = RUNS[LONG[-1]].tokens[:300]
    layers, heads = model_file.head_kind.shape
    expected, opened = None, 0
    with Model(model_file.to_bytes()) as model:
        expected = model.verify(tokens, first=1, predicted=True, path="plan").predictions
    random = np.random.default_rng(5)
    for layer, head in random.integers(0, (layers, heads), size=(24, 2)):
        kinds, ties = model_file.head_kind.copy(), model_file.tie_break.copy()
        kinds[layer, head] = (kinds[layer, head] + random.integers(1, 3)) % 3
        ties[layer, head] ^= 1
        try:
            with Model(replace(model_file, head_kind=kinds).to_bytes()) as model:
                found = model.verify(tokens, first=1, predicted=True).predictions
                assert np.array_equal(found, expected)
                opened += 1
        except ModelError as error:
            assert f"layer {layer}, head {head} is stored as" in str(error)
        equal_or_refused(replace(model_file, tie_break=ties, head_kind=None), tokens)
    assert 0 < opened < 24


def test_labels_are_for_people(model_file):
    """Names of slots, heads and neurons mean nothing to the plan, nor does their absence."""
    tokens = RUNS[LONG[-1]].tokens
    for metadata in (None, {}, {"slots": ["nothing"] * 30, "certificate": 3}):
        with Model(replace(model_file, metadata=metadata, head_kind=None).to_bytes()) as model:
            prompt = RUNS[LONG[-1]].prompt_length
            assert model.verify(tokens, first=prompt, path="plan").ok


@pytest.mark.parametrize("stretch", [(1, 2, 3, 5), (1, 3, 4, 6), (2, 4, 6, 8)], ids=str)
@pytest.mark.parametrize("own_slots", [False, True], ids=["slots used again", "a slot each"])
def test_a_schedule_of_more_layers(stretch, own_slots):
    """The same graph over more layers, some of them empty."""
    graph = build_machine("base")
    layers = {name: stretch[layer - 1] for name, layer in earliest(graph).items()}
    schedule = assign_slots(graph, stretch[-1], layers)
    if own_slots:
        slots = {name: i for i, name in enumerate(schedule.slot)}
        width = len(slots) + len(slots) % 2
        schedule = replace(schedule, slot=slots, width=width, cleared={})
    else:
        check(graph, schedule)
    with Model(build_weights(graph, schedule).to_bytes()) as model:
        for name in LONG:
            run = RUNS[name]
            assert model.verify(run.tokens, first=run.prompt_length, path="plan").ok
        tokens = RUNS[LONG[-1]].tokens[:500].copy()
        tokens[np.random.default_rng(3).integers(1, 500, size=9)] = 65
        found = model.verify(tokens, first=1, predicted=True, path="plan").predictions
        expected = model.verify(tokens, first=1, predicted=True, **AS_WRITTEN).predictions
        assert np.array_equal(found, expected)


SPECIAL = {
    "countdown": [
        ("i32.const", 9), ("local.set", 0), ("local.get", 0), ("i32.const", 1), ("i32.sub", 0),
        ("local.tee", 0), ("br_if", 2**32 - 5), ("i32.const", 65), ("output", 0), ("halt", 0),
    ],
    "memory": [
        ("i32.const", 300), ("i32.const", 0x1234), ("i32.store", 0), ("i32.const", 301),
        ("i32.load8_u", 0), ("output", 0), ("i32.const", 7), ("i32.load", 0), ("output", 0),
        ("halt", 0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_a_damaged_trace_of_a_specialised_model(name):
    random = np.random.default_rng(len(name))
    with Model(specialize(SPECIAL[name]).to_bytes()) as model:
        whole = model.generate(model.encode(["start"]), limit=400, path="plan").tokens
        assert np.array_equal(whole, model.generate(whole[:1], limit=400, **AS_WRITTEN).tokens)
        compared = 0
        for _ in range(12):
            tokens = whole.copy()
            places = random.integers(1, len(tokens), size=3)
            tokens[places] = random.integers(0, model.vocabulary_size, size=3)
            compared += agreeing(model, tokens)
        assert compared > 3 * len(whole)


def test_synthetic_models():
    """No structure: there is no plan, and the reason is told; `auto` is the network."""
    path = Path(__file__).resolve().parents[2] / "tools" / "make_synthetic_model.py"
    spec = importlib.util.spec_from_file_location("make_synthetic_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for seed, sparsity in enumerate((0.0, 0.5, 0.98)):
        data = module.synthetic_model(40, 16, 3, None, 12, sparsity, seed)
        with Model(data) as model:
            assert "integer" in model.why_no_plan or "layer 0" in model.why_no_plan
            tokens = np.random.default_rng(seed).integers(0, 40, size=120).astype(np.int32)
            with pytest.raises(UnsupportedError, match="the model has none"):
                model.verify(tokens, path="plan")
            found = model.verify(tokens, first=1, predicted=True).predictions
            expected = model.verify(tokens, first=1, predicted=True, **AS_WRITTEN).predictions
            assert np.array_equal(found, expected)
