"""Real programs in C: the machine prints what hashlib, zlib and plain Python compute."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pyvm
from programs.ciphers import aes128, chacha20_stream, siphash
from programs.lz import unpack
from programs.references import PROGRAMS, Sample
from pyvm.compiler.c_to_wasm import compiler_command
from pyvm.engine.executor import execute
from pyvm.isa.errors import CompilerNotFound

TOOLS = Path(__file__).parents[2] / "tools"
TOKEN_LIMIT = 20_000_000  # of a run that does not come to its end


@pytest.fixture(scope="module", autouse=True)
def _compiler() -> None:
    try:
        compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("sample", PROGRAMS.values(), ids=list(PROGRAMS))
def test_output(sample: Sample) -> None:
    run = execute(pyvm.compile(sample.source, input=sample.input), limit=TOKEN_LIMIT)
    assert run.output.decode() == sample.output.decode()
    assert run.ok


def test_every_source_is_in_the_table() -> None:
    folder = PROGRAMS["lz"].source.parent
    assert {path.stem for path in folder.glob("*.c")} == set(PROGRAMS)


def test_the_references_agree_with_published_vectors() -> None:
    # the paper on SipHash, appendix A; RFC 8439, 2.4.2; FIPS 197, appendix C.1
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5
    assert bytes(chacha20_stream(1))[:8].hex() == "224f51f3401bd9e1"
    assert aes128("00112233445566778899aabbccddeeff") == "69c4e0d86a7b0430d8cdb78070b4c55a\n"


def test_what_is_compressed_can_be_read() -> None:
    sample = PROGRAMS["lz"]
    packed = bytes.fromhex(sample.expected(sample.input).split()[0])
    assert unpack(packed) == sample.input.encode() and len(packed) < len(sample.input) * 2 // 3


def test_bench_programs() -> None:
    pytest.importorskip("wasmtime")
    done = subprocess.run(
        [sys.executable, str(TOOLS / "bench_programs.py"), "siphash", "json", "--json", "-"],
        check=True,
        capture_output=True,
        text=True,
    )
    wide, narrow = json.loads(done.stdout)["rows"]
    assert (wide["program"], narrow["program"]) == ("siphash", "json")
    assert wide["same"] and narrow["same"] and narrow["wide"] == 0
    assert 0 < wide["wide"] < wide["instructions"] < wide["tokens"]


def test_64_bit_instructions_are_counted() -> None:
    wasmtime = pytest.importorskip("wasmtime")
    sys.path.insert(0, str(TOOLS))
    from bench_programs import wide_instructions

    text = """(module (func $double (param i32 i64) (result i64)  ;; 3 of 3
        (i64.add (local.get 1) (local.get 1)))
      (func (export "compute") (local i32)
        (loop  ;; five times 1 const, 3 within the call, 1 wrap
          (drop (i32.wrap_i64 (call $double (local.get 0) (i64.const 5))))
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get 0) (i32.const 5))))))"""
    assert wide_instructions(bytes(wasmtime.wat2wasm(text))) == 5 * 5
