"""The way back from machine code: source lines of traps, executed wasm instructions, refusals that
wait until they are reached.
"""

# ruff: noqa: E501  (modules as text)

import numpy as np
import pytest

from compiler.oracle import HEAD, module, run_oracle, wat
from compiler.random_wasm import random_module
from pyvm.bundled import PROGRAMS
from pyvm.compiler.c_to_wasm import compile_c, compiler_command
from pyvm.compiler.compile import compile_file, from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import CompilerNotFound
from pyvm.isa.prompt import read_listing
from pyvm.isa.traps import Trap
from pyvm.trace.statistics import statistics
from pyvm.wasm.debug_lines import read_lines
from pyvm.wasm.decode import decode

C = """__attribute__((noinline)) int divide(int a, int b) {
  putchar('d');
  return a / b;
}
int *where;
void compute(const char *input) {
  divide(7, 2);
  if (input[0] == 'a')
    abort();
  if (input[0] == 'm')
    *(volatile int *)0x7fffffff;
  divide(1, input[0] - '0');
}
"""


@pytest.fixture(scope="module")
def c_file(tmp_path_factory):
    try:
        compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("c") / "division.c"
    path.write_text(C)
    return path


@pytest.mark.parametrize(
    "text, kind, line",
    [("0", Trap.DIVIDE_BY_ZERO, "division.c:3"), ("m", Trap.OUT_OF_BOUNDS, "division.c:11")],
)
def test_a_trap_in_c_names_the_line(c_file, text, kind, line):
    run = execute(compile_file(c_file, text))
    assert (run.trap.kind, run.trap.line) == (kind, line)
    assert str(run.trap).endswith(f"({line})")
    assert execute(compile_file(c_file, "1")).trap is None


@pytest.mark.parametrize("version", [3, 4, 5])
def test_line_tables_of_every_version(c_file, version):
    module = decode(compile_c(c_file, extra_flags=(f"-gdwarf-{version}",)))
    rows = read_lines(module.debug, module.code)
    lines = [line for _, line in rows if line and line.startswith("division.c:")]
    assert {f"division.c:{n}" for n in (2, 3, 7, 9, 12)} <= set(lines)
    assert [at for at, _ in rows] == sorted(at for at, _ in rows)


@pytest.mark.parametrize("size", range(0, 200, 7))
def test_damaged_line_tables_give_no_error(c_file, size):
    module = decode(compile_c_once(c_file))
    table = module.debug[".debug_line"]
    read_lines({".debug_line": table[:size]}, module.code)
    read_lines({".debug_line": table[:size] + b"\xff\x80" + table[size + 2 :]}, module.code)


_compiled: dict = {}


def compile_c_once(path):
    if path not in _compiled:
        _compiled[path] = compile_c(path)
    return _compiled[path]


def executed(program) -> int:
    run = execute(program)
    listing = read_listing(program.tokens(), run.vocabulary)
    return statistics(run.tokens, run.vocabulary, listing, program.debug).wasm_instructions


def test_executed_wasm_instructions():
    # per round: the loop's 7, the call's 4, its entry; before it compute's entry and 2 instructions
    body = """(local i32) (local.set 0 (i32.const 10))
      (loop (call $f (local.get 0))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"""
    function = "(global $g (mut i32) (i32.const 0)) (func $f (param i32) (global.set $g (i32.mul (local.get 0) (global.get $g))))"
    assert executed(from_wasm(module(body, function))) == 3 + 10 * (7 + 4 + 1)


def test_what_computes_with_floats_is_not_the_programs():
    body = """(local f64) (local.set 0 (f64.convert_i32_s (i32.load8_u (i32.const 0))))
      (call $out (i32.trunc_sat_f64_s (f64.sqrt (f64.mul (local.get 0) (local.get 0)))))"""
    data = module(body)
    assert executed(from_wasm(data)) == run_oracle(data, fuel_used=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_executed_instructions_are_what_wasmtime_counts(name):
    item = PROGRAMS[name]
    text = None if item.input is None else item.input.encode()
    fuel = run_oracle(item.wasm(), text, fuel_used=True)
    assert executed(compile_file(name)) == fuel


def test_of_random_modules_only_what_needs_no_code_is_not_counted():
    """For example a branch to the place behind it, in a block of its own."""
    ended = equal = 0
    for seed in range(30):
        data = wat(random_module(seed, HEAD, 0.3, 30))
        fuel = run_oracle(data, fuel_used=True)
        if isinstance(fuel, int):
            found = executed(from_wasm(data))
            assert 0.95 * fuel <= found <= fuel, seed
            ended, equal = ended + 1, equal + (found == fuel)
    assert ended >= 15 and equal >= 0.8 * ended


def test_tokens_per_unit_add_up():
    program = compile_file("addition")
    run = execute(program)
    found = statistics(
        run.tokens, run.vocabulary, read_listing(program.tokens(), run.vocabulary), program.debug
    )
    assert sum(tokens for _, tokens in found.unit_tokens) == found.tokens.sum()
    assert {"compute", "print_string", "start"} <= {name for name, _ in found.unit_tokens}
    assert any("tokens for each" in line for line in found.lines())


def test_lines_between_the_known_ones():
    from pyvm.isa.debug import Debug

    debug = Debug(lines=((10, "a.c:1"), (20, None), (30, "b.c:2")))
    assert [debug.line(at) for at in (None, 9, 10, 19, 20, 29, 30, 99)] == [
        None, None, "a.c:1", "a.c:1", None, None, "b.c:2", "b.c:2"
    ]  # fmt: skip
    assert np.array_equal(debug.runs, [])
