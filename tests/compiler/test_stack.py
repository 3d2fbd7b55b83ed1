"""The size of the C stack, and where that puts everything else."""

from __future__ import annotations

import pytest

from compiler.oracle import run_program, wat
from pyvm.bundled import PROGRAMS
from pyvm.compiler.c_to_wasm import compile_c, compiler_command
from pyvm.compiler.compile import compile_file, from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import CompilerNotFound, ProgramError
from pyvm.isa.executor import Executor
from pyvm.isa.traps import Trap
from pyvm.wasm.decode import decode

# The inner call's array keeps the compiler from making a loop of it.
DEEP = """int deep(int n) {
  volatile int kept[4];
  kept[0] = n;
  return n ? deep(n - 1) + kept[0] : 0;
}
void compute(const char *input) { print_int(deep(atoi(input))); }
"""


def _compiler() -> None:
    try:
        compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "sudoku"])
def test_a_small_stack_keeps_every_address_small(name):
    """Softmax is exact for long only where cell keys (address + 1) are below 82,000."""
    _compiler()
    item = PROGRAMS[name]
    program = compile_file(name, stack_size=4096)
    executor = Executor(program.code, program.given())
    list(executor.run())
    assert executor.memory and max(executor.memory) < 81_999
    assert execute(program).output.decode() == item.cases[0].output


def test_the_stack_lies_below_the_data(tmp_path):
    _compiler()
    source = tmp_path / "deep.c"
    source.write_text(DEEP)
    for size in (256, 4096, 1 << 20, 1 << 25):
        pointer, heap = (g.init[0].arg for g in decode(compile_c(source, stack_size=size)).globals)
        assert pointer == size and size <= heap < size + 4096


def test_a_full_stack_is_found(tmp_path):
    _compiler()
    source = tmp_path / "deep.c"
    source.write_text(DEEP)
    assert execute(compile_file(source, "500")).output == b"125250"
    for size, fits, too_deep in ((4096, "100", "500"), (256, "5", "50")):
        program = compile_file(source, fits, stack_size=size)
        assert execute(program).trap is None
        run = execute(program.with_input(too_deep))
        assert run.trap is not None and run.trap.kind is Trap.OUT_OF_BOUNDS


@pytest.mark.parametrize("size", [-16, 0, 240, 257, 1000, 1 << 26])
def test_sizes_that_no_stack_has(tmp_path, size):
    source = tmp_path / "deep.c"
    source.write_text(DEEP)
    with pytest.raises(ProgramError, match="a multiple of 16 from 256 to 33,554,432"):
        compile_file(source, stack_size=size)
    for wrong in (True, 4096.0, "4096"):
        with pytest.raises(TypeError, match="stack_size must be a number of bytes"):
            compile_file(source, stack_size=wrong)


def test_only_c_has_a_stack_of_one_s_choice(tmp_path):
    for name in ("module.wasm", "program.txt"):
        path = tmp_path / name
        path.write_bytes(wat('(module (func (export "compute")))'))
        with pytest.raises(ProgramError, match=f"{name} is no C file"):
            compile_file(path, stack_size=4096)


def test_frames_beyond_the_largest_memory():
    """Locals that the machine has no room for lie behind cells and tables, up to the last byte."""
    count = 100
    text = f"""(module (memory 65536) (func $f (param i32) (result i32) (local {"i32 " * count})
      {"".join(f"(local.set {i} (i32.add (local.get 0) (i32.const {i})))" for i in range(1, count))}
      (if (local.get 0) (then (local.set 1 (i32.add (local.get 1)
        (call $f (i32.sub (local.get 0) (i32.const 1)))))))
      (i32.xor (i32.add (local.get 1) (local.get {count - 1})) (i32.const 5)))
      (func (export "f") (param i32) (result i32) (call $f (local.get 0))))"""
    data = wat(text)
    program = from_wasm(data, None, "f", (7,), print_results=True)
    oracle = 0
    for n in range(8):
        oracle = (n + 1 + (oracle if n else 0) + n + count - 1) ^ 5
    assert run_program(program).output == f"{oracle}\n".encode()
