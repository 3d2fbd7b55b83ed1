"""The bundled programs, through the executor and the transformer, with every position verified."""

from __future__ import annotations

import numpy as np
import pytest

import pyvm
from pyvm.bundled import PROGRAMS
from pyvm.engine.executor import execute

INPUTS = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, item in PROGRAMS.items()
    for i, case in enumerate(item.cases)
]
SHORT = 300_000  # tokens; longer traces are left to the test of the full Sudoku


@pytest.mark.parametrize("name, case", INPUTS)
def test_bundled_program(name, case, model):
    program = pyvm.compile(name, input=case.input)
    native = execute(program)
    assert native.output.decode() == case.output
    assert native.ok
    if native.tokens.size > SHORT:
        return
    run = model.generate(program)
    assert np.array_equal(run.tokens, native.tokens)
    assert run.output.decode() == case.output
    assert run.ok and run.cursor == native.cursor
    assert model.verify(run.tokens, first=run.prompt_length)


def test_the_full_sudoku(model):
    """About a million tokens, generated, equal to the executor's, verified at every position."""
    program = pyvm.compile("sudoku")
    native = execute(program)
    run = model.generate(program)
    assert np.array_equal(run.tokens, native.tokens)
    assert run.output == native.output
    for path in ("auto", "layers"):
        check = model.verify(run.tokens, first=run.prompt_length, path=path)
        assert check.ok and check.checked == run.generated.size, path


def test_a_specialised_machine_gives_the_same_trace_without_the_program():
    from pyvm.engine.model import Model
    from pyvm.weights import specialize

    for name in ("hello", "collatz"):
        program = pyvm.compile(name)
        native = execute(program)
        with Model(specialize(program.code).to_bytes()) as special:
            run = special.generate(program, limit=2 * native.generated.size)
            spell = np.array(special.vocabulary)
        assert spell[run.generated].tolist() == [native.vocabulary[i] for i in native.generated]
        assert run.output == native.output
        assert run.prompt_length < native.prompt_length
        assert run.ok and run.cursor == native.cursor
