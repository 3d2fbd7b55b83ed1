"""A specialised model runs the program in its weights, and no other under its name."""

import pytest

import pyvm
from pyvm.engine.errors import ArgumentError
from pyvm.weights import specialize


def test_another_program_is_refused():
    program, other = pyvm.compile("addition", input="1 2"), pyvm.compile("hello")
    with pyvm.load(specialize(program.code).to_bytes()) as model:
        assert model.generate(program.with_input("3 4")).ok
        with pytest.raises(ArgumentError, match="runs the program in its weights.*not hello"):
            model.generate(other)
