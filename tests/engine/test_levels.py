"""One program, one trace: every level of the system gives the same tokens.

The native executor's trace is compared with the Python executor, the exact evaluator of the graph,
the dense forward pass in numpy, and libtvm in every combination of its options, generating and
verifying.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cases import BY_NAME, CASES, Case
from pyvm.engine.abi import ATTENTIONS, BYPASSES, PROJECTIONS
from pyvm.engine.dense import predict as dense_predict
from pyvm.engine.errors import LimitError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.isa.executor import Executor
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.program import from_tokens
from pyvm.isa.tokens import VOCABULARY

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def trace(case: Case) -> np.ndarray:
    return execute(case.prompt).tokens


def combinations() -> list[dict[str, str]]:
    """Every combination of the layer path, and the plan."""
    names = ("projection", "attention", "bypass")
    rows = (dict(zip(names, row)) for row in product(PROJECTIONS, ("hull", "scan"), BYPASSES))
    layers = [{"path": "layers", "threads": 1, **row} for row in rows]
    return [{"path": "plan"}, {"path": "layers", "threads": 2}, *layers]


def test_the_cases_hit_every_opcode():
    """Of the base machine; tests/engine/test_instructions.py has the others."""
    used = {VOCABULARY[token] for case in CASES for token in case.prompt}
    assert {row.name for row in INSTRUCTIONS.values() if row.base} <= used


def test_the_combinations_name_every_option():
    assert {row.get("attention") for row in combinations()} >= set(ATTENTIONS) - {"auto"}


@every_case
def test_output(case):
    run = execute(case.prompt)
    assert run.stopped == "halt"
    assert run.output == case.output


@every_case
def test_python_executor(case):
    program = from_tokens(case.prompt)
    generated = list(Executor(program.code, program.given()).run())
    native = [VOCABULARY[token] for token in execute(case.prompt).generated]
    assert generated == native


@every_case
def test_exact_evaluator(case, exact_graph):
    from pyvm.graph.evaluate import predict

    tokens = trace(case)
    compare(tokens, case.prompt.size, predict(exact_graph, tokens[:-1]))


@every_case
def test_dense_numpy(case, model_file):
    tokens = trace(case)
    compare(tokens, case.prompt.size, dense_predict(model_file, tokens[:-1]))


@every_case
def test_generate(case, model):
    run = model.generate(case.prompt, limit=10_000)
    compare(trace(case), case.prompt.size, run.tokens[1:])
    assert run.stopped == "halt"
    assert run.output == case.output


@every_case
def test_every_combination_of_options(case, model):
    expected = trace(case)
    tried = 0
    for options in combinations():
        try:
            run = model.generate(case.prompt, limit=10_000, **options)
            check = model.verify(expected, first=case.prompt.size, predicted=True, **options)
        except UnsupportedError:
            assert options.get("projection") == "blas"  # a build may lack BLAS, nothing else
            continue
        except LimitError:
            # Scores in float64 decide between such keys no longer, and the layer path says so.
            assert case.name == "high addresses" and options["path"] == "layers"
            continue
        tried += 1
        assert np.array_equal(run.tokens, expected), options
        # float64 rounds the squares of high addresses, and the layer path says that too.
        rounded = case.name == "high addresses" and options["path"] == "layers"
        assert (run.exact and check.exact) or rounded, options
        assert check.ok and check.checked == expected.size - case.prompt.size, options
        assert np.array_equal(check.predictions, expected[case.prompt.size :]), options
    assert tried >= (1 if case.name == "high addresses" else 25)


@pytest.mark.parametrize("name", ["i32.sub", "load store", "calls"])
def test_predictions_on_a_damaged_trace(name, model, model_file):
    """Teacher forcing predicts from what is there, right or wrong; all levels predict the same."""
    case = BY_NAME[name]
    tokens = trace(case)[:400].copy()
    random = np.random.default_rng(7)
    for position in random.integers(case.prompt.size + 1, tokens.size, 4):
        tokens[position] = random.integers(256)
    dense = np.array(dense_predict(model_file, tokens[:-1]))
    for options in combinations():
        if options.get("projection") == "blas":
            continue
        check = model.verify(tokens, first=1, predicted=True, **options)
        assert np.array_equal(check.predictions, dense), options
        assert not check.ok


def compare(tokens: np.ndarray, prompt: int, predicted) -> None:
    """predicted[i] is the token after position i; what is compared begins after the prompt."""
    expected = tokens[prompt:].tolist()
    found = np.asarray(predicted)[prompt - 1 : prompt - 1 + len(expected)].tolist()
    for i, (a, b) in enumerate(zip(expected, found)):
        assert a == b, f"position {prompt + i}: {VOCABULARY[a]!r} expected, {VOCABULARY[b]!r} found"
    assert len(found) == len(expected)


@pytest.fixture(scope="module")
def exact_graph():
    from pyvm.graph.machine import build_machine

    return build_machine()
