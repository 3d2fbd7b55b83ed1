"""One trace at every level, token by token: reference executor, native executor, transformer."""

# ruff: noqa: E501  (modules as text)

import numpy as np
import pytest

import pyvm
from compiler.oracle import HEAD, wat
from compiler.random_wasm import random_module
from pyvm.bundled import PROGRAMS
from pyvm.compiler.compile import compile_file, from_wasm
from pyvm.engine.executor import execute
from pyvm.graph.evaluate import predict
from pyvm.graph.machine import build_machine
from pyvm.isa.executor import Executor
from pyvm.isa.tokens import encode

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


# Small enough for the exact evaluator, which looks at every position before for every fetch.
OUT = '(import "env" "output_byte" (func $out (param i32))) (memory 1)'
SMALL = {
    "i64": """(func (export "compute") (local i64)
        (local.set 0 (i64.sub (i64.const 5) (i64.const 0x100000006)))
        (call $out (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))
        (call $out (i64.lt_s (local.get 0) (i64.const -1))))""",
    "branches": """(func $f (param i32) (result i32)
          (block (result i32) (i32.const 9) (i32.const 65)
            (block (block (br_table 0 1 0 (local.get 0))) (br 1 (i32.const 70))) (br_if 0 (local.get 0)) (drop)))
        (func (export "compute") (call $out (call $f (i32.const 0))) (call $out (call $f (i32.const 1))))""",
    "memory": """(data (i32.const 8) "abcdef") (func (export "compute")
        (i32.store16 offset=0xfff0 (i32.const 3) (i32.const 0x8180)) (call $out (i32.load8_s offset=9 (i32.const 0)))
        (call $out (i32.load16_s offset=1 (i32.const 0xfff2))) (call $out (i32.load (i32.const 65533))))""",
    "indirect call": """(type $t (func (param i32) (result i32))) (table 3 funcref) (elem (i32.const 1) $f $f)
        (func $f (type $t) (i32.add (local.get 0) (i32.const 1)))
        (func (export "compute") (call $out (call_indirect (type $t) (i32.const 64) (i32.const 2)))
          (drop (call_indirect (type $t) (i32.const 64) (i32.const 0))))""",
    "division": """(func $f (param i32) (result i32) (i32.rem_s (local.get 0) (i32.const 0x40000001)))
        (func (export "compute") (call $out (call $f (i32.const -0x40000007)))
          (unreachable))""",
}


def _same_everywhere(program):
    executor = Executor(program.code, program.given())
    reference = encode(executor.run())
    native = execute(program)
    assert np.array_equal(native.generated, reference)
    assert native.output == bytes(executor.output)
    model = pyvm.load()
    run = model.generate(program)
    assert np.array_equal(run.generated, reference)
    assert str(run.trap) == str(executor.trap and program.site(executor.trap, executor.cursor))
    assert model.verify(run.tokens, first=run.prompt_length).ok


@pytest.mark.parametrize("name", SPECIAL)
def test_special(name):
    _same_everywhere(from_wasm(wat(SPECIAL[name])))


@pytest.mark.parametrize("name", SMALL)
def test_exact(name):
    program = from_wasm(wat(f"(module {OUT} {SMALL[name]})"))
    _same_everywhere(program)
    run = execute(program)
    assert run.tokens.size < 2500
    predicted = predict(build_machine(), run.tokens[:-1])
    assert predicted[run.prompt_length - 1 :] == run.generated.tolist()


@pytest.mark.parametrize("seed", range(500, 512))
def test_random(seed):
    _same_everywhere(from_wasm(wat(random_module(seed, HEAD, 0.3, 30))))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "sudoku"])
def test_bundled(name):
    _same_everywhere(compile_file(name))
