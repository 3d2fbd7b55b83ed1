"""Floats that an entry function takes, and that it gives: as text, like wasmtime and Rust."""

from __future__ import annotations

import struct
from random import Random

import numpy as np
import pytest

from command import pyvm
from compiler.oracle import wat
from pyvm.compiler.compile import from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import ProgramError, Unsupported

SAME = """(module (func (export "{k}") (param {k}) (result {k}) (local.get 0)))"""
SEVERAL = """(module (func (export "f") (param f32 i32) (result f32 i32 f64)
  (f32.neg (local.get 0)) (local.get 1) (f64.sqrt (f64.promote_f32 (local.get 0)))))"""


def printed(data: bytes, entry: str, *args: float) -> bytes:
    run = execute(from_wasm(data, None, entry, args, True), 1 << 25)
    assert run.stopped == "halt"
    return run.output


def shown(value: np.floating) -> str:
    """Rust's digits: the shortest ones, of those the closest, and no exponent."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return np.format_float_positional(value, unique=True, trim="-")


def values(kind: str) -> list[np.floating]:
    r = Random(2)
    integer, real = (np.uint32, np.float32) if kind == "f32" else (np.uint64, np.float64)
    bits = int(kind[1:])
    known = [0.0, -0.0, 1.0, 1.5, 0.1, -0.3, 4.35, 1e-7, 123456789.0, 2.0**60, 2.0**-30, 1e22, 1e23]
    known += [float("nan"), float("inf"), float("-inf"), 9007199254740993.0]
    more = [integer(r.getrandbits(bits)).view(real) for _ in range(15)]
    near = [real(r.uniform(-1e6, 1e6)) for _ in range(15)]
    ends = [integer(1).view(real), np.finfo(real).max, np.finfo(real).tiny]
    return [*map(real, known), *more, *near, *(ends if kind == "f32" else ends[1:2])]


@pytest.mark.parametrize("kind", ("f32", "f64"))
def test_results_are_the_shortest_digits(kind: str) -> None:
    data = wat(SAME.format(k=kind))
    for value in values(kind):
        assert printed(data, kind, float(value)).decode() == shown(value) + "\n"


def test_several_results() -> None:
    assert printed(wat(SEVERAL), "f", 2.5, -7) == b"-2.5\n-7\n1.5811388300841898\n"


def test_the_transformer_prints_them(model) -> None:
    run = model.generate(from_wasm(wat(SEVERAL), None, "f", (0.25, 9), True))
    assert run.output == b"-0.25\n9\n0.5\n"


def test_an_integer_is_a_float_but_no_float_an_integer() -> None:
    assert printed(wat(SEVERAL), "f", 4, 1) == b"-4\n1\n2\n"
    with pytest.raises(ProgramError, match=r"1.5 is no i32"):
        from_wasm(wat(SEVERAL), None, "f", (4, 1.5), True)


def test_the_base_machine_has_none() -> None:
    with pytest.raises(Unsupported, match="the base machine has no floats"):
        from_wasm(wat(SAME.format(k="f32")), None, "f32", (1.0,), True, machine="base")


def test_on_the_command_line(tmp_path) -> None:
    path = tmp_path / "same.wasm"
    path.write_bytes(wat(SAME.format(k="f64")))
    for word, expected in (("-1e3", b"-1000\n"), ("nan", b"NaN\n"), ("0.1", b"0.1\n")):
        done = pyvm("run", path, "--entry", "f64", "--", word)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_bits_of_a_given_float_are_kept() -> None:
    data = wat("""(module (func (export "f") (param f32) (result i32)
      (i32.reinterpret_f32 (local.get 0))))""")
    assert int(printed(data, "f", 0.1)) == struct.unpack("<i", struct.pack("<f", 0.1))[0]
