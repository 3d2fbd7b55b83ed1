"""One trace at every level, token by token: reference executor, native executor, transformer."""

# ruff: noqa: E501  (modules as text)

import numpy as np
import pytest

import pyvm
from program.oracle import HEAD, wat
from program.random_wasm import random_module
from pyvm.engine.executor import execute
from pyvm.program.bundled import PROGRAMS
from pyvm.program.executor import Executor
from pyvm.program.program import compile_file, from_wasm
from pyvm.program.tokens import encode

HIGH = HEAD.replace('(memory (export "memory") 1)', '(memory (export "memory") 3000)')
SPECIAL = {
    "high addresses": f"""(module {HIGH} (func (export "compute")
        (i32.store (i32.const 150000001) (i32.const 0x01020304))
        (i32.store8 offset=100000000 (i32.const 50000002) (i32.const 0x77))
        (i64.store offset=190000000 (i32.const 5) (i64.const -2))
        (call $word (i32.load (i32.const 150000001))) (call $word (i32.load (i32.const 149999999)))
        (call $word (i32.load offset=3 (i32.const 150000001)))
        (call $long (i64.load (i32.const 190000003)))))""",
    "locals rewritten in a deep recursion": f"""(module {HEAD}
        (func $deep (param i32) (result i32) (local i32)
          (local.set 1 (i32.add (local.get 0) (i32.const 3)))
          (if (local.get 0) (then (drop (call $deep (i32.sub (local.get 0) (i32.const 1))))))
          (local.set 1 (i32.add (local.get 1) (i32.const 1)))
          (local.get 1))
        (func (export "compute") (local i32)
          (loop (call $word (call $deep (i32.const 300)))
            (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3))))))""",
    "one address through different bases": f"""(module {HEAD} (func $at (param i32 i32) (result i32)
          (i32.store offset=4 (local.get 0) (local.get 1)) (i32.load16_s offset=5 (local.get 0)))
        (func (export "compute") (call $word (call $at (i32.const 96) (i32.const 0x8081fe)))
          (call $word (i32.load (i32.const 100))) (call $word (i32.load offset=99 (i32.const 1)))
          (call $word (i32.load offset=100 (i32.const 0))) (call $word (i32.load (i32.const 98)))))""",
}


def _same_everywhere(program):
    executor = Executor(program.code, program.input)
    reference = encode(executor.run())
    native = execute(program)
    assert np.array_equal(native.generated, reference)
    assert native.output == bytes(executor.output)
    model = pyvm.load()
    run = model.generate(program)
    assert np.array_equal(run.generated, reference)
    assert str(run.trap) == str(program.trap_at(executor.cursor))
    assert model.verify(run.tokens, first=run.prompt_length).ok


@pytest.mark.parametrize("name", SPECIAL)
def test_special(name):
    _same_everywhere(from_wasm(wat(SPECIAL[name])))


@pytest.mark.parametrize("seed", range(500, 512))
def test_random(seed):
    _same_everywhere(from_wasm(wat(random_module(seed, HEAD, 0.3, 30))))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "sudoku"])
def test_bundled(name):
    _same_everywhere(compile_file(name))
