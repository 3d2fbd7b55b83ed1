"""What the shipped kernel is made of: programs that execute every instruction and pair of them;
sources with fixed names, which depend on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pyvm
from pyvm.build import coverage, standard_kernel
from pyvm.engine.executor import execute
from pyvm.engine.kept_kernels import standard_kernel as found_kernel
from pyvm.engine.kernel import load_kernel
from pyvm.engine.library import library_path
from pyvm.engine.model import Model
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.program import Program
from pyvm.isa.traps import Trap
from pyvm.trace.statistics import NAMES, statistics

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {"a.cpp": "a", "b.cpp": "b", "c.hpp": "c"}


def test_every_instruction_is_executed_and_programs_end_as_they_are_meant_to():
    counts = np.zeros(len(NAMES), dtype=int)
    for program in coverage.programs():
        run = execute(program, 1_000_000)
        counts += statistics(run.tokens, run.vocabulary, program.listing, program.debug).counts
        last = program.code[run.cursor][0]
        assert last in ("halt", "exit", "trap", "element"), program.name
        assert run.trap is None or run.trap.kind in (Trap.UNREACHABLE, Trap.UNDEFINED_ELEMENT)
    executed = {name for name, count in zip(NAMES, counts) if count}
    assert executed == {name for name, row in INSTRUCTIONS.items() if row.executed}


def test_pairs_are_of_executed_instructions():
    rows = {name for name, row in INSTRUCTIONS.items() if row.executed}
    for first, following in coverage.pairs().items():
        assert first in rows and set(following) <= rows
        assert len(set(following)) == len(following)
        assert INSTRUCTIONS[first].falls_through or INSTRUCTIONS[first].jumps


def test_programs_of_the_base_machine():
    base = frozenset(name for name, row in INSTRUCTIONS.items() if row.base)
    used = {name for program in coverage.programs(base) for name, _ in program.code}
    assert used <= base and len(used) > 30


def test_units_tell_of_what_they_include():
    units = standard_kernel.as_units(TEXTS, 3)
    assert list(units) == ["unit0.cpp", "unit1.cpp", "unit2.cpp"]
    assert '#include "b.cpp"' in units["unit1.cpp"] and "include" not in units["unit2.cpp"]
    changed = standard_kernel.as_units({**TEXTS, "c.hpp": "d"}, 3)
    assert not [name for name in units if units[name] == changed[name]]
    with pytest.raises(ValueError, match="2 files are more than 1"):
        standard_kernel.as_units(TEXTS, 1)


def test_what_did_not_change_is_not_written(tmp_path):
    path = tmp_path / "unit0.cpp"
    standard_kernel.write_if_changed(path, "one")
    os.utime(path, (1, 1))
    standard_kernel.write_if_changed(path, "one")
    assert path.stat().st_mtime == 1
    standard_kernel.write_if_changed(path, "two")
    assert path.read_text() == "two"


@pytest.mark.parametrize("nothing", [False, True])
def test_without_a_library_there_is_no_kernel(tmp_path, nothing):
    """A build that did not ask for one goes on."""
    command = [sys.executable, "-m", "pyvm.build.standard_kernel", tmp_path / "no.so", tmp_path]
    command += ["--units", "2", "--depfile", tmp_path / "d"] + ["--or-nothing"] * nothing
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("pyvm.build: there will be no kernel of the standard machine: ")
    assert done.stdout.count("\n") == 1 and done.stderr == ""
    assert done.returncode == (0 if nothing else 1)
    assert (tmp_path / "unit1.cpp").exists() == nothing
    if nothing:  # it is tried again when anything changes that may mend it
        assert "pyvm/weights/__init__.py" in (tmp_path / "d").read_text()


def shipped() -> Path:
    path = found_kernel()
    return path if path is not None else pytest.skip("no kernel was built")


def test_the_shipped_kernel_runs_the_bundled_programs(model_bytes):
    path = shipped()
    with Model(model_bytes) as model:
        load_kernel(model, path)
        for name in ("hello", "collatz", "sudoku"):
            run = model.generate(pyvm.compile(name), 100_000)
            assert run.covered >= 0.99 * run.generated.size, name


def test_a_run_that_has_left_the_kernel_comes_back(model_bytes):
    """What it knows there is what the kernel knew somewhere, however it came there."""
    loop = (
        "i32.const 0, local.set 0, "
        "local.get 0, i32.const 1664525, i32.mul, i32.const 1013904223, i32.add, local.tee 1, "
        "i32.const 7, i32.shr_u, i32.ctz, i32.extend8_s, local.get 1, i32.xor, local.set 0, br -14"
    )
    code = [(*row.split(), "0")[:2] for row in loop.split(", ")]
    program = Program(tuple((op, int(immediate) & 0xFFFFFFFF) for op, immediate in code))
    with Model(model_bytes) as model:
        load_kernel(model, shipped())
        run = model.generate(program, 200_000, path="kernel")
        plan = model.generate(program, 200_000, path="plan")
    assert np.array_equal(run.tokens, plan.tokens)
    assert run.covered > 0.6 * run.generated.size


def test_it_is_found_beside_the_library_and_belongs_to_the_standard_machine(
    tmp_path, model_bytes, monkeypatch
):
    path = shipped()
    assert library_path().parent in path.parents
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    with pyvm.load() as model, pyvm.load("base") as base:
        assert model.kernel == path and base.kernel is None
    with pyvm.load(model_bytes) as model:
        assert model.kernel == path
