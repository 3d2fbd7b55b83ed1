"""The standard machine with a program in its weights: random programs, and what traps."""

from __future__ import annotations

import pytest

import pyvm
from cases import instructions
from pyvm.engine.executor import execute
from pyvm.isa.program import Program
from pyvm.isa.tokens import decode
from pyvm.weights import specialize
from random_code import random_program

TRAPS = r"""
i32.const 7\ni32.const 0\ni32.div_u\nhalt
i32.const 0x80000000\ni32.const 0xffffffff\ni32.div_s\nhalt
i32.const 1\nmemory.resize\ni32.const 65536\ni32.load8_u\nhalt
i32.const 1\nmemory.resize\ni32.const 1\ni32.const 9\ni32.store 65532\nhalt
i32.const 9\nelement 1\nhalt
trap 3
""".strip().splitlines()


def same(program: Program) -> None:
    expected = execute(program)
    limit = expected.tokens.size - expected.prompt_length + 1
    with pyvm.load(specialize(program.code).to_bytes()) as model:
        for path in ("plan", "layers"):
            run = model.generate(program, limit=limit, path=path)
            assert decode(run.generated, model.vocabulary) == decode(expected.generated), path
            assert str(run.trap) == str(expected.trap)
            assert (run.output, run.errors, run.status) == (
                expected.output, expected.errors, expected.status,
            )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_random_program(seed):
    same(random_program(seed))


@pytest.mark.parametrize("text", TRAPS)
def test_trap(text):
    same(Program(tuple(instructions(text.replace("\\n", "\n")))))


@pytest.mark.parametrize("name, given", [("hello", None), ("collatz", "7")])
def test_bundled(name, given):
    same(pyvm.compile(name, input=given))
