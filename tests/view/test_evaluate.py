"""The values of a graph by arrays against the exact evaluator, position by position."""

import numpy as np
import pytest

import pyvm
from pyvm.engine.executor import execute
from pyvm.graph.evaluate import Evaluator
from pyvm.graph.machine import build_machine
from pyvm.view.evaluate import evaluate, nearest


@pytest.mark.parametrize("machine", ["standard", "base"])
def test_equals_the_exact_evaluator(machine):
    tokens = execute(pyvm.compile("hello", machine=machine)).tokens[:700]
    graph = build_machine(machine)
    found = evaluate(graph, tokens, np.arange(tokens.size))
    exact = Evaluator(graph)
    for position, token in enumerate(tokens):
        assert exact.step(int(token)) == found.predicted[position]
        for column, dim in enumerate(graph.persists, len(found.names) - len(graph.persists)):
            value = float(exact._values[dim])
            assert found.values[position, column] == pytest.approx(value, rel=1e-12), dim


def test_predicts_every_token_of_a_trace():
    program = pyvm.compile("collatz", input="7")
    done = execute(program)
    positions = np.arange(done.prompt_length - 1, done.tokens.size - 1)
    found = evaluate(build_machine(), done.tokens, positions)
    assert np.array_equal(found.predicted, done.tokens[positions + 1])
    assert (found.sources <= positions[:, None]).all()


def test_at_some_positions_it_is_what_it_is_at_all():
    tokens = execute(pyvm.compile("hello")).tokens
    graph = build_machine()
    all_of_them = evaluate(graph, tokens, np.arange(tokens.size))
    some = np.array([0, 5, 900, 1700, tokens.size - 1])
    found = evaluate(graph, tokens, some)
    assert (found.names, found.fetches) == (all_of_them.names, all_of_them.fetches)
    assert np.array_equal(found.values, all_of_them.values[some])
    assert np.array_equal(found.sources, all_of_them.sources[some])
    assert np.array_equal(found.predicted, all_of_them.predicted[some])


def test_nearest_key_and_newest_of_equals():
    random = np.random.default_rng(1)
    key, query = random.integers(0, 30, (2, 400))
    kept = np.flatnonzero(random.random(400) < 0.3)
    asked = np.arange(int(kept[0]), 400)
    found = nearest(key[kept], kept, query[asked], asked)
    for position, source in zip(asked, found):
        before = kept[kept <= position]
        assert source == min(before, key=lambda s: (abs(key[s] - query[position]), -s))
