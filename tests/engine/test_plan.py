"""The plan equals the layer path: on right and on corrupted traces, for other schedules, for
specialised programs, and when weights are damaged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cases import CASES
from pyvm.engine.errors import LimitError, PyvmError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.graph.machine import build_machine
from pyvm.schedule.schedule import assign_slots
from pyvm.schedule.solve import earliest
from pyvm.weights import ModelFile, specialize
from pyvm.weights.graph_to_weights import build_weights
from pyvm.weights.model_file import LayerWeights

LAYERS = {"path": "layers", "threads": 1}
TRACES = {case.name: execute(case.prompt).tokens for case in CASES}
LONG = sorted(TRACES, key=lambda name: len(TRACES[name]))[-6:]


def predictions(model: Model, tokens: np.ndarray, **how) -> np.ndarray:
    return model.verify(tokens, first=1, predicted=True, **how).predictions


@pytest.mark.parametrize("name", LONG)
def test_every_prediction_of_a_corrupted_trace(model, name):
    random = np.random.default_rng(len(name))
    prompt = len(next(case for case in CASES if case.name == name).prompt)
    for _ in range(4):
        tokens = TRACES[name][:1500].copy()
        at = random.integers(prompt, len(tokens), size=3)
        tokens[at] = random.integers(0, 768, size=3)
        expected = predictions(model, tokens, **LAYERS)
        assert np.array_equal(predictions(model, tokens, path="auto"), expected)


def test_random_tokens(model):
    """Sequences that no program generates: `auto` may leave the plan or refuse, never guess."""
    random, compared = np.random.default_rng(7), 0
    for _ in range(40):
        tokens = random.integers(0, 915, size=60).astype(np.int32)
        try:
            expected = predictions(model, tokens, **LAYERS)
            found = predictions(model, tokens, path="auto")
        except LimitError:
            continue
        assert np.array_equal(found, expected)
        compared += 1
    assert compared >= 5


@pytest.mark.parametrize("reuse", [True, False], ids=["earliest", "own slot each"])
def test_other_schedules(reuse):
    graph = build_machine("base")
    schedule = assign_slots(graph, 4, earliest(graph))
    if not reuse:
        names = list(schedule.slot)
        schedule = replace(
            schedule,
            slot={n: i for i, n in enumerate(names)},
            width=len(names) + len(names) % 2,
            cleared={},
        )
    with Model(build_weights(graph, schedule).to_bytes()) as model:
        for name in LONG:
            prompt = next(case for case in CASES if case.name == name).prompt
            assert model.verify(TRACES[name], first=len(prompt), path="plan").ok


def test_a_specialised_model():
    code = [("i32.const", 3), ("local.set", 0), ("local.get", 0), ("i32.const", 1), ("i32.sub", 0)]
    code += [("local.tee", 0), ("br_if", 2**32 - 5), ("i32.const", 65), ("output", 0), ("halt", 0)]
    with Model(specialize(code).to_bytes()) as model:
        start = model.encode(["start"])
        by_plan = model.generate(start, limit=500, path="plan").tokens
        assert np.array_equal(by_plan, model.generate(start, limit=500, **LAYERS).tokens)
        assert model.vocabulary[by_plan[-1]] == "halt"


def damaged(file: ModelFile, random: np.random.Generator) -> ModelFile:
    """One non-zero weight of one matrix is changed by 1."""
    index = int(random.integers(len(file.layers)))
    layer = file.layers[index]
    name = ("qkv", "out", "w_in", "w_ffn")[int(random.integers(4))]
    matrix = getattr(layer, name).copy()
    row, column = np.nonzero(matrix)
    pick = int(random.integers(len(row)))
    matrix[row[pick], column[pick]] += 1
    layers = list(file.layers)
    layers[index] = replace(layer, **{name: matrix})
    return replace(file, layers=tuple(layers), head_kind=None)


def test_a_damaged_model_gives_the_layer_paths_tokens_or_none(model_file):
    """The plan follows the weights or declines; labels are never believed."""
    tokens, compared = TRACES[LONG[-1]][:600], 0
    for seed in range(40):
        spoiled = damaged(model_file, np.random.default_rng(seed))
        with Model(spoiled.to_bytes()) as model:
            try:
                by_plan = predictions(model, tokens, path="plan")
                by_layers = predictions(
                    model, tokens, attention="scan", projection="dense", **LAYERS
                )
            except PyvmError as error:
                assert isinstance(error, UnsupportedError | LimitError), error
                continue
        assert np.array_equal(by_plan, by_layers), seed
        compared += 1
    assert compared >= 30


def test_a_model_without_structure_runs_on_the_layer_path():
    random = np.random.default_rng(3)
    width, size = 8, 16
    shapes = {"qkv": (24, 8), "out": (8, 8), "w_in": (12, 8), "w_ffn": (8, 6)}
    layer = LayerWeights(**{n: random.normal(size=s) for n, s in shapes.items()})
    file = ModelFile(
        tuple(f"t{i}" for i in range(size)),
        0,
        random.normal(size=(size, width)),
        (layer,),
        random.normal(size=(size, width)),
    )
    with Model(file.to_bytes()) as model:
        prompt = np.array([1, 2, 3], dtype=np.int32)
        with pytest.raises(UnsupportedError, match="plan"):
            model.generate(prompt, limit=5, path="plan")
        auto = model.generate(prompt, limit=20).tokens
        assert np.array_equal(auto, model.generate(prompt, limit=20, **LAYERS).tokens)
