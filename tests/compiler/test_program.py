"""Programs as files and tokens, C sources, inputs, entries, and the errors of all of them."""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import run_oracle, run_program, wat
from pyvm import helpers
from pyvm.compiler import c_to_wasm
from pyvm.compiler.compile import compile_file, from_wasm
from pyvm.engine.executor import execute
from pyvm.isa.errors import CompileError, CompilerNotFound, ProgramError
from pyvm.isa.program import Program, parse
from pyvm.isa.traps import Trap

GOOD = "{ input_base 00 01 00 00 halt 00 00 00 00 } a 20 00 commit(+0,sts=0,bt=0)"


def _needs_compiler():
    try:
        c_to_wasm.compiler_command()
    except CompilerNotFound as error:
        pytest.skip(str(error))


def test_parse():
    program = parse(GOOD)
    assert program.code == (("input_base", 256), ("halt", 0))
    assert program.input == b"a "


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "token 0: '{' expected, found the end"),
        ("halt", "token 0: '{' expected, found 'halt'"),
        ("{ }", "the program is empty"),
        ("{ halt 00 00 00", "token 5: a byte expected, found the end"),
        ("{ halt 00 00 00 a", "token 5: a byte expected, found 'a'"),
        ("{ halt 00 00 00 00'", "token 5: a byte expected"),
        ("{ halt 00 00 00 00", "token 6: '}' expected|an instruction or '}' expected"),
        ("{ halt 00 00 00 00 } 00", "token 7: the end expected, found '00'"),
        ("{ hilt 00 00 00 00 }", "token 1: 'hilt' is not in the vocabulary"),
        ("{ 00 00 00 00 00 }", "token 1: an instruction or '}' expected, found '00'"),
        (GOOD[:-30], "input that ends in 00|commit"),
        (GOOD.replace("} a 20 00", "} a 20"), "an input that ends in 00 expected"),
        ("{ halt 00 00 00 00 input_base 00 00 00 00 }", "instruction 1: input_base"),
    ],
)
def test_malformed_token_files(text, message):
    with pytest.raises(ProgramError, match=message):
        parse(text)


def test_with_input():
    program = parse(GOOD)
    assert program.with_input("xyz").input == b"xyz"
    with pytest.raises(ProgramError, match="zero byte"):
        program.with_input(b"a\0b")
    with pytest.raises(ProgramError, match="takes no input"):
        parse("{ halt 00 00 00 00 }").with_input("x")


def test_files(tmp_path):
    token_file = tmp_path / "program.txt"
    token_file.write_text(GOOD)
    assert compile_file(token_file).input == b"a "
    assert compile_file(token_file, "b").input == b"b"
    wasm_file = tmp_path / "program.wasm"
    wasm_file.write_bytes(
        wat('(module (memory 1) (func (export "compute") (drop (i32.load (i32.const 65533)))))')
    )
    assert run_program(compile_file(wasm_file)).trap == Trap.OUT_OF_BOUNDS
    assert run_program(compile_file(wasm_file, machine="base")).trap is None
    with pytest.raises(ProgramError, match="no machine 'small': those are standard, base"):
        compile_file(wasm_file, machine="small")
    with pytest.raises(ProgramError, match="no such file, and no bundled program"):
        compile_file(tmp_path / "missing.c")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProgramError, match="neither C, C\\+\\+, WebAssembly nor a token file"):
        compile_file(tmp_path / "binary")


def test_entry_with_arguments():
    data = wat(
        """(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "mul") (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1)))
        (func (export "nothing")))"""
    )

    def run(entry, *args):
        return run_program(from_wasm(data, None, entry, args, print_results=True)).output

    assert run("add", 2, 3) == b"5\n"
    assert run("add", 2, -3) == b"-1\n"
    assert run("add", 2**31 - 1, 1) == b"-2147483648\n"
    assert run("mul", -(2**32), 2**31) == b"-9223372036854775808\n"
    assert run("mul", 3_000_000_007, 3_000_000_019) == b"9000000078000000133\n"
    assert run("mul", 10**18, 9) == b"9000000000000000000\n"
    assert run("mul", 0, 9) == b"0\n"
    assert run("nothing") == b""
    assert run("add", 0xFFFFFFFF, 0x80000000) == b"2147483647\n"
    for name, value in (("add", 1 << 32), ("add", -(1 << 31) - 1), ("mul", 1 << 64)):
        with pytest.raises(ProgramError, match=f"{value} is no i"):
            run(name, value, 1)
    with pytest.raises(ProgramError, match="takes 2 arguments"):
        run("add", 1)


def test_input_is_placed_where_the_program_looks():
    for heap in ("", '(global (export "__heap_base") i32 (i32.const 1024))'):
        data = wat(
            f"""(module (import "env" "output_byte" (func $out (param i32))) (memory (export "memory") 1) {heap}
            (func (export "compute") (param i32)
              (block (loop
                (br_if 1 (i32.eqz (i32.load8_u (local.get 0))))
                (call $out (i32.load8_u (local.get 0)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))))"""
        )
        assert run_program(from_wasm(data, "hello {}")).output == b"hello {}"
        assert run_program(from_wasm(data)).output == b""
        if heap:  # the memory grows first
            assert execute(from_wasm(data, b"x" * 70000)).output == b"x" * 70000
            data = data.replace(b"\5\3\1\0\1", b"\5\4\1\1\1\1")  # at most one page
        with pytest.raises(ProgramError, match="does not fit into the memory"):
            from_wasm(data, b"x" * 70000)
    assert from_wasm(wat('(module (func (export "compute")))'), "ignored").input is None


def test_c_runtime(tmp_path):
    _needs_compiler()
    source = tmp_path / "runtime.c"
    source.write_text(
        r"""
        void compute(const char *input) {
          int a, b, n; char word[20], c, copy[20];
          int count = sscanf(input, " %d , %d %s %c%n", &a, &b, word, &c, &n);
          printf("%d: %d %d %s %c %d\n", count, a, b, word, c, n);
          printf("[%5d|%-5d|%05d|%u|%x|%X|%8s|%-8s|%c|%%|%3c]\n", a, a, b, -1, 0xbeef, 0xBEEF,
          "right", "left", 'x', 'y'); printf("%d %d %u %x %x\n", 0, -2147483647 - 1, 4294967295u, 0,
          0x80000000); printf("%d %d %d\n", strcmp("abc", "abd"), strlen("four"), strncmp("abc",
          "abd", 2)); strcpy(copy, "one"); strcat(copy, "two"); puts(copy); memmove(copy + 1, copy,
          5); puts(copy); memset(copy, '-', 3); puts(copy); memmove(copy, copy + 2, 5); puts(copy);
          printf("%d %d %s\n", memcmp("aa", "ab", 2) < 0, atoi("  -12x"), strchr("hello", 'l'));
          const char *p = "a1 -22;+3"; print_int(parse_int(&p)); print_int(parse_int(&p));
          print_int(parse_int(&p)); struct { int x[5]; short y; } s = {{1, 2, 3, 4, 5}, 6}, t; t =
          s; printf(" %d %d\n", t.x[4], t.y);
        }
        """
    )
    expected = (
        "4: 12 -7 word ! 13\n[   12|12   |-0007|4294967295|beef|BEEF|   right|left    |x|%|  y]\n"
        "0 -2147483648 4294967295 0 80000000\n-1 4 0\nonetwo\noonetw\n---etw\n-etw\n1 -12 llo\n1-223 5 6\n"
    )
    assert run_program(compile_file(source, "12, -7 word !")).output.decode() == expected
    data = c_to_wasm.compile_c(source)
    assert run_oracle(data, b"12, -7 word !").output.decode() == expected


def test_entry_of_a_c_file(tmp_path):
    _needs_compiler()
    source = tmp_path / "square.c"
    source.write_text("int square(int x) { return x * x; }\n")
    assert run_program(compile_file(source, entry="square", args=(12,))).output == b"144\n"
    with pytest.raises(CompileError, match="compute"):
        compile_file(source)


def test_standard_headers(tmp_path):
    _needs_compiler()
    source = tmp_path / "headers.c"
    source.write_text(
        """
        #include <assert.h>
        #include <ctype.h>
        #include <limits.h>
        #include <stdarg.h>
        #include <stdbool.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        void compute(const char *input) {
          bool digit = isdigit(*input);
          assert(digit);
          printf("%d %d\\n", atoi(input), (int)strlen(input));
        }
        """
    )
    assert run_program(compile_file(source, "12")).output == b"12 2\n"
    assert run_program(compile_file(source, "x")).trap == Trap.UNREACHABLE


def test_compile_error_has_file_and_line(tmp_path):
    _needs_compiler()
    source = tmp_path / "bad.c"
    source.write_text("void compute(void) {\n  int x = ;\n}\n")
    with pytest.raises(CompileError, match=r"bad\.c:2:\d+: error: expected expression"):
        compile_file(source)


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(helpers, "zig", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    source = tmp_path / "good.c"
    source.write_text("void compute(void) {}\n")
    with pytest.raises(CompilerNotFound, match="pip install ziglang"):
        compile_file(source)


def test_traps_say_where():
    data = wat('(module (func $inner (unreachable)) (func (export "compute") (call $inner)))')
    program = from_wasm(data)
    site = execute(program).trap
    assert site.kind is Trap.UNREACHABLE and site.function == "inner" and data[site.offset] == 0
    assert str(site) == f"trap: unreachable executed in inner at offset {site.offset:#x}"
    program = from_wasm(data, machine="base")
    halts = [i for i, (op, imm) in enumerate(program.code) if op == "halt" and imm]
    assert str(program.trap_at(halts[0])) == str(site)
    normal = next(i for i, (op, imm) in enumerate(program.code) if op == "halt" and not imm)
    assert program.trap_at(normal) is None


def test_a_trap_in_a_routine_names_the_function_that_called_it():
    divide = "(drop (i64.div_s (i64.const -9223372036854775808) (global.get 0)))"
    data = wat(
        f'(module (global i64 (i64.const -1)) (func $inner {divide}) (func (export "compute") (call $inner)))'
    )
    site = execute(from_wasm(data)).trap
    assert site.kind is Trap.INTEGER_OVERFLOW and site.function == "inner"
    assert data[site.offset] == 0x7F  # i64.div_s


def test_program_checks_itself():
    with pytest.raises(ProgramError, match="is no instruction"):
        Program((("nop", 0),))
    with pytest.raises(ProgramError, match="exactly if"):
        Program((("halt", 0),), b"x")
