"""The small runtime library of programs that define compute: what it prints, reads, refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyvm.compiler.c_options import COptions
from pyvm.compiler.compile import compile_file
from pyvm.compiler.toolchain import toolchain
from pyvm.engine.executor import execute
from pyvm.engine.run import Run
from pyvm.isa.errors import CompilerNotFound, ProgramError


@pytest.fixture(autouse=True)
def _compiler():
    try:
        toolchain()
    except CompilerNotFound as error:
        pytest.skip(str(error))


def run(folder: Path, text: str, input: str = "", machine: str = "standard") -> Run:
    path = folder / "prog.c"
    path.write_text(text)
    return execute(compile_file(path, input, machine=machine), 10_000_000)


# What glibc and musl print for the same.
PRINTED = {
    '"%lld %d", 5000000000LL, 7': "5000000000 7",
    '"%.2x|%+d|%*d|%.3s|%#x|%o|%.5d", 10, 5, 5, 42, "abcdef", 255, 8, 42': (
        "0a|+5|   42|abc|0xff|10|00042"
    ),
    '"%hhx %hd %hu %hhd", 0x1ff, 65535, 65537, 200': "ff -1 1 -56",
    '"%lld %llu %jd", -9223372036854775807LL - 1, 18446744073709551615ULL, 1000000000LL': (
        "-9223372036854775808 18446744073709551615 1000000000"
    ),
    '"%llx %llX %#llo %llx", 0x123456789aLL, 0xfLL, 1LL << 40, 0x100000000LL': (
        "123456789a F 020000000000000 100000000"
    ),
    '"%zu %td %li %lu", sizeof(int), (ptrdiff_t)-3, -4L, 5UL': "4 -3 -4 5",
    '"[%-5d|%05d|% d|%+.3d|%-6.2d|%6.0d|%.0d|%-*d]", 1, -2, 3, 4, 5, 0, 0, -3, 6': (
        "[1    |-0002| 3|+004|05    |      ||6  ]"
    ),
    '"[%5s|%-5s|%.2s|%.*s|%c|%3c|%-3c|%%]", "ab", "ab", "abc", 1, "xyz", 65, 66, 67': (
        "[   ab|ab   |ab|x|A|  B|C  |%]"
    ),
    '"%#x %#o %#X %08x %#010x %p", 0, 8, 255, 0xabc, 0xabc, (void *)4096': (
        "0 010 0XFF 00000abc 0x00000abc 0x00001000"
    ),
}


@pytest.mark.parametrize("arguments", PRINTED)
def test_printf(tmp_path, arguments):
    done = run(tmp_path, f'void compute(void) {{ printf(" %d", printf({arguments})); }}')
    text = PRINTED[arguments]
    assert done.output.decode() == f"{text} {len(text)}"


def test_printf_on_the_base_machine(tmp_path):
    text = 'void compute(void) { printf("%d %5u %x %s %-4c|%o", -12, 7, 0xbeef, "ab", 65, 9); }'
    assert run(tmp_path, text, machine="base").output == b"-12     7 beef ab A   |11"


@pytest.mark.parametrize(
    ("text", "format", "expected"),
    [
        ("0x1f 017 9", "%i %i %i", "3: 31 15 9"),
        ("12345", "%2d%3d", "2: 12 345 0"),
        ("300 70000 -1", "%hhd %hd %d", "3: 44 4464 -1"),
        ("ff 0xFf 17", "%x %X %o", "3: 255 255 15"),
        ("5 6", "%*d %d", "1: 6 0 0"),
        ("", "%d", "-1: 0 0 0"),
        ("x", "%d", "0: 0 0 0"),
        ("7", "%d %d", "1: 7 0 0"),
        ("1,2", "%d,%d%n", "2: 1 2 3"),
        ("5%", "%d%%%n", "1: 5 2 0"),
    ],
)
def test_sscanf(tmp_path, text, format, expected):
    program = """void compute(const char *input) {
      int a = 0, b = 0, c = 0, n = sscanf(input, "FORMAT", &a, &b, &c);
      printf("%d: %d %d %d", n, a, b, c);
    }"""
    assert run(tmp_path, program.replace("FORMAT", format), text).output.decode() == expected


def test_sscanf_of_texts_and_long_numbers(tmp_path):
    program = """void compute(const char *input) {
      char a[20], b[20], c[3] = "", d[20]; long long n;
      int count = sscanf(input, "%3s%[^,],%2c%lld %[]a-c]", a, b, c, &n, d);
      printf("%d %s %s %s %lld %s", count, a, b, c, n, d);
    }"""
    done = run(tmp_path, program, "abcdef,xy-12345678901234 b]cd")
    assert done.output == b"5 abc def xy -12345678901234 b]c"


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ('printf("%8.3f", 2.5)', "printf(%f)"),
        ('printf("%n", &n)', "printf(%n)"),
        ('printf("%ls", L"x")', "printf(%l...)"),
        ('printf("%k", 1)', "printf(%...)"),
        ('sscanf("1", "%lf", &d)', "sscanf(%f)"),
        ('sscanf("1", "%p", &d)', "sscanf(%p)"),
        ("abort()", "abort"),
        ("assert(n == 1)", "__assert_fail"),
    ],
)
def test_what_is_not_there_names_the_conversion_and_the_line(tmp_path, call, function):
    text = f"#include <assert.h>\nvoid compute(void) {{\n  int n = 0; double d;\n  {call};\n}}\n"
    trap = run(tmp_path, text).trap
    assert trap is not None and (trap.caller, trap.line) == ("compute", "prog.c:4")
    assert trap.function == function or function == "__assert_fail"
    assert f"{trap.function}, called by compute" in str(trap)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "int strlen(const char *s) { int n = 0; while (s[n]) n++; return n; }\n"
            "void compute(const char *i) { print_int(strlen(i)); }",
            "4",
        ),
        (
            "static int isdigit(int c) { return c >= '0' && c <= '9'; }\n"
            "void compute(const char *i) { putchar(isdigit(*i) ? 'y' : 'n'); }",
            "y",
        ),
        (
            "typedef unsigned long uint32_t;\nenum { puts = 5, isalpha };\nstatic int printf[3];\n"
            "void compute(void) { print_int(puts + isalpha + printf[1] + sizeof(uint32_t)); }",
            "15",
        ),
        (
            "int parse_int(const char *s) { return *s - '0'; }\n"
            "void print_int(int n, int m) { putchar('0' + n + m); }\n"
            "void compute(const char *i) { print_int(parse_int(i), 1); }",
            "8",
        ),
        (
            "void compute(const char *i) { print_str(\"n=\"); print_int(parse_int(i) + 1);\n"
            "  parse_int(&i); print_int(str_len(i)); }",
            "n=83",
        ),
        (
            '#include <inttypes.h>\n#include <errno.h>\n#include <time.h>\n#include <math.h>\n'
            '#include <locale.h>\n#include <unistd.h>\n#include <strings.h>\n#include <wchar.h>\n'
            '#include <alloca.h>\n#include <assert.h>\n#include <limits.h>\n'
            'static_assert(sizeof(int) == 4, "");\n'
            'void compute(void) { printf("%" PRId64, (int64_t)INT_MIN * 4); }',
            "-8589934592",
        ),
        (
            "unsigned __int128 a = 1;\nvoid compute(const char *i) {\n"
            "  for (; *i; i++) a = a * 1000000007 + *i;\n  a = a * a / 1000003;\n"
            '  printf("%llx %llx", (unsigned long long)(a >> 64), (unsigned long long)a); }',
            None,
        ),
    ],
    ids=["strlen", "isdigit", "kinds", "signature", "helpers", "headers", "int128"],
)  # fmt: skip
def test_names_headers_and_wide_numbers(tmp_path, text, expected):
    if toolchain().whole is None and ("#include" in text or "__int128" in text):
        pytest.skip("a C library for WASI, and what comes with it, is not installed")
    if expected is None:
        a = 1
        for byte in b"7abc":
            a = (a * 1000000007 + byte) % (1 << 128)
        a = a * a % (1 << 128) // 1000003
        expected = f"{a >> 64:x} {a % (1 << 64):x}"
    assert run(tmp_path, text, "7abc").output.decode() == expected


def test_types_that_differ_between_files_are_an_error(tmp_path):
    """Else the call would be one of a function that traps."""
    (tmp_path / "other.c").write_text("void f(int a, int b) { print_int(a + b); }")
    path = tmp_path / "prog.c"
    path.write_text("void f(int); void compute(void) { f(1); }")
    with pytest.raises(ProgramError, match="f is declared with one type and defined with another"):
        compile_file(path, c=COptions(more=(tmp_path / "other.c",)))


def test_what_is_missing_is_said_before_types_that_differ(tmp_path):
    """They are a warning of the linker, which then fails for another reason."""
    (tmp_path / "other.c").write_text("void f(int a, int b) { print_int(a + b); }")
    path = tmp_path / "prog.c"
    path.write_text("void f(int); void g(void); void compute(void) { f(1); g(); }")
    with pytest.raises(ProgramError, match="nothing defines g"):
        compile_file(path, c=COptions(more=(tmp_path / "other.c",)))


def test_options_are_checked():
    with pytest.raises(ProgramError, match="'9' is no level"):
        COptions(optimize="9")
    with pytest.raises(TypeError, match="more must be a tuple, not 'a.c'"):
        COptions(more="a.c")  # type: ignore[arg-type]


def test_floats(tmp_path):
    text = "void compute(const char *i) {\n  float c = atoi(i);\n  print_int((int)(c * 1.8f));\n}\n"
    assert run(tmp_path, text, "100").output.strip() == b"180"


JUMPS = """#include <setjmp.h>
#include <stdio.h>
static jmp_buf outer, inner;
static void deep(int n) { if (n) deep(n - 1); else longjmp(inner, n); putchar('!'); }
__attribute__((noinline)) static void rounds(void) {
  volatile int round = 0;
  if (!setjmp(outer)) {
    int came = setjmp(inner);
    printf("%d %d\\n", round, came);
    if (round++ < 3) deep(round + 3);
    longjmp(outer, 1);
  }
}
void compute(const char *input) {
  rounds();
  if (*input) longjmp(outer, 7);
}
"""


def test_jumps(tmp_path):
    """setjmp, in the small library: a value of 0 becomes 1; and a jump to what has returned."""
    done = run(tmp_path, JUMPS)
    assert done.output == b"0 0\n1 1\n2 1\n3 1\n" and done.trap is None
    lost = run(tmp_path, JUMPS, "x").trap
    assert str(lost).startswith("trap: uncaught exception of ") and "__wasm_longjmp" in str(lost)


def test_jumps_with_the_whole_library(tmp_path):
    head = "void compute(const char *input) {"
    done = run(tmp_path, JUMPS.replace(head, 'int main(void) { const char *input = "";'))
    assert done.output == b"0 0\n1 1\n2 1\n3 1\n" and done.trap is None
