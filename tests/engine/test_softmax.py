"""The network as a framework runs it, and its twin by hard attention: the executor's tokens."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

import pyvm
from cases import BY_NAME, CASES
from pyvm.bundled import PROGRAMS
from pyvm.compiler.c_to_wasm import compiler_command
from pyvm.engine.dense import FLOAT, DenseNetwork
from pyvm.engine.dense import predict as dense_predict
from pyvm.engine.executor import execute
from pyvm.engine.softmax import RECENCIES, position_table, softmax, softmax_pass
from pyvm.isa.errors import CompilerNotFound
from pyvm.isa.prompt import spelled_in
from pyvm.isa.tokens import VOCABULARY
from pyvm.weights import specialize

BASE = ("hello", "--machine", "base")  # whose stores lie behind a stack of 1 MiB
TOOLS = Path(__file__).resolve().parents[2] / "tools"


def _spelled(run, vocabulary: tuple[str, ...]) -> tuple[np.ndarray, int]:
    """A trace of the executor in a specialised model's vocabulary, and the prompt's length."""
    ids = {token: i for i, token in enumerate(vocabulary)}
    prompt = spelled_in(run.tokens[: run.prompt_length], vocabulary)
    generated = [ids[VOCABULARY[token]] for token in run.generated]
    return np.array([*prompt, *generated]), len(prompt)


def _has_compiler() -> bool:
    try:
        compiler_command()
    except CompilerNotFound:
        return False
    return True


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_bundled_programs_in_their_own_weights(name):
    """The start of a trace by hard attention and by softmax, without the program in the prompt."""
    program = pyvm.compile(name)
    model = specialize(program.code)
    tokens, prompt = _spelled(execute(program, limit=250), model.vocabulary)
    assert np.array_equal(dense_predict(model, tokens[:-1])[prompt - 1 :], tokens[prompt:])
    found = softmax(model, tokens[:-1], "linear")
    assert np.array_equal(found[prompt - 1 :], tokens[prompt:])


def test_a_bundled_program_by_hard_attention(model_file):
    run = execute(pyvm.compile("hello"), limit=800)
    found = dense_predict(model_file, run.tokens[:-1])
    assert np.array_equal(found[run.prompt_length - 1 :], run.generated)


def test_float64_rules_out_only_what_is_behind():
    """Squares near 2^60: float64 has steps of 2^7 there, and finds another key to be the best."""
    random, misled, distances = np.random.default_rng(1), 0, np.arange(-200, 201).astype(FLOAT)
    for asked in random.integers(2**29, 2**30, 100):
        query = np.array([asked, 1], FLOAT)
        keys = np.stack((2 * (asked + distances), -((asked + distances) ** 2)), axis=1)
        near = DenseNetwork._near(query.astype(float), keys.T.astype(float))
        assert 200 in near and len(near) < 401
        misled += int(np.argmax(keys.astype(float) @ query.astype(float))) != 200
    assert misled > 20


@pytest.mark.parametrize("name", ["hello", "addition"])
def test_bundled_programs_by_softmax(name, model_file):
    """With a small stack and equal recency steps, to the end or as far as a second reaches."""
    if not _has_compiler():
        pytest.skip("no C compiler")
    run = execute(pyvm.compile(name, stack_size=4096))
    tokens = run.tokens[: max(3_000, run.prompt_length + 500)]
    found = softmax(model_file, tokens[:-1], "linear")
    assert np.array_equal(found[run.prompt_length - 1 :], tokens[run.prompt_length :])


@pytest.mark.parametrize("recency", RECENCIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_by_softmax(case, recency, model_file):
    if case.name == "high addresses":  # their squares leave no room for the recency
        pytest.skip("softmax is not exact there")
    tokens = execute(case.prompt).tokens
    found = softmax(model_file, tokens[:-1], recency)
    assert np.array_equal(found[case.prompt.size - 1 :], tokens[case.prompt.size :])


def test_softmax_is_the_formula(model_file):
    """What is left out of the sums changes nothing: against every exponential of every head."""
    tokens = execute(BY_NAME["calls"].prompt).tokens[:120]
    done = softmax_pass(model_file, tokens)
    for x, layer, after in zip(done.streams, model_file.layers, done.streams[1:]):
        query, key, value = (x @ rows.T for rows in np.split(layer.qkv, 3))
        found = np.zeros_like(x)
        for first in range(0, x.shape[1], 2):
            head = slice(first, first + 2)
            scores = np.where(np.tri(len(x), dtype=bool), query[:, head] @ key[:, head].T, -np.inf)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            found[:, head] = weights / weights.sum(axis=1, keepdims=True) @ value[:, head]
        x = x + found @ layer.out.T
        gate, gated = np.split(layer.w_in, 2)
        x += (np.maximum(x @ gate.T, 0) * (x @ gated.T)) @ layer.w_ffn.T
        assert np.allclose(x, after, rtol=1e-12, atol=1e-9)


def test_what_softmax_refuses(model_file):
    erasing = dataclasses.replace(model_file.layers[0], erase_after_ffn=(5,))
    foreign = dataclasses.replace(model_file, layers=(erasing, *model_file.layers[1:]))
    with pytest.raises(ValueError, match="erase lists"):
        softmax(foreign, np.arange(3))
    with pytest.raises(ValueError, match="log, linear"):
        position_table(3, 24, "square")


def test_the_tool_says_where_softmax_ends_and_why(model_file, monkeypatch, capsys):
    """C's stack of 1 MiB puts cells beyond a million; rounding then joins two writes of one."""
    monkeypatch.syspath_prepend(TOOLS)
    import check_softmax

    monkeypatch.setattr(sys, "argv", ["check_softmax.py", *BASE, "--tokens", "1960"])
    assert check_softmax.main() == 1
    said = capsys.readouterr().out
    assert "| hello   |    297 |     1,960 |    1,939 |" in said
    assert "head 'cell' asks for key 1,114," in said and "float64's have steps of" in said
    for arguments in (["--recency", "linear", "--tokens", "1960"], ["--tokens", "400", "--hard"]):
        monkeypatch.setattr(sys, "argv", ["check_softmax.py", *BASE, *arguments])
        assert check_softmax.main() == 0
        assert "|      all |" in capsys.readouterr().out
