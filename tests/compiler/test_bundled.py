"""The bundled programs: expected outputs, wasmtime, and that the shipped modules are what the
sources compile to.
"""

import pytest

from compiler.oracle import Result, run_oracle, run_program
from pyvm.bundled import PROGRAMS
from pyvm.compiler.c_to_wasm import compile_c, compiler_command
from pyvm.compiler.compile import compile_file
from pyvm.isa.errors import CompilerNotFound
from pyvm.isa.program import Program, from_tokens, parse
from pyvm.wasm.decode import without_custom_sections

CASES = [(item, case) for item in PROGRAMS.values() for case in item.cases]
# these take seconds in the reference executor; the engine's tests run them
LONG = {"sudoku-0.txt"}


@pytest.mark.parametrize("item, case", CASES, ids=[case.output_file for _, case in CASES])
def test_output(item, case):
    text = None if case.input is None else case.input.encode()
    expected = Result(case.output.encode(), None)
    assert run_oracle(item.wasm(), text) == expected
    if case.output_file not in LONG:
        assert run_program(compile_file(item.name, case.input)) == expected


@pytest.mark.parametrize("item", PROGRAMS.values(), ids=list(PROGRAMS))
def test_the_shipped_module_is_up_to_date(item):
    try:
        compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))
    data = without_custom_sections(compile_c(item.source))  # as pyvm.bundled ships it
    if data != item.wasm():  # another version of the compiler: the same behaviour, then
        for case in item.cases:
            text = None if case.input is None else case.input.encode()
            assert run_oracle(data, text).output.decode() == case.output


@pytest.mark.parametrize("item", PROGRAMS.values(), ids=list(PROGRAMS))
def test_tokens_and_text_lead_back_to_the_program(item):
    program = compile_file(item.name)
    same = Program(program.code, program.input, (), "same", data=program.data)
    assert from_tokens(program.tokens(), "same") == same
    assert parse(program.text(), "same") == same
