"""Ordinary programs: main and the C library, what they are given, and how they end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import pyvm as pyvm_package
from command import COMMAND, failure, pyvm
from pyvm.compiler.toolchain import toolchain
from pyvm.isa.errors import CompilerNotFound

QUIET = ("--quiet", "--no-verify")
ECHO = "void compute(const char *p) { for (; *p; p++) putchar(*p); }\n"
CAT = """#include <stdio.h>
int main(void) { int c; while ((c = getchar()) != EOF) putchar(c); return ferror(stdin); }
"""
AROUND = """#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) printf("%s|", argv[i]);
  printf("%s\\n", getenv("KEY") ? getenv("KEY") : "-");
  char line[80];
  FILE *file = fopen("notes.txt", "r");
  if (file && fgets(line, sizeof line, file)) fputs(line, stderr);
  exit(argc);
}
"""


@pytest.fixture(autouse=True)
def _whole():
    try:
        if toolchain().whole is None:
            pytest.skip("no C library for WASI")
    except CompilerNotFound as error:
        pytest.skip(str(error))


def source(folder: Path, text: str, name: str = "prog.c") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_main_prints_and_its_value_is_the_status(tmp_path):
    path = source(tmp_path, '#include <stdio.h>\nint main(void) { printf("hi\\n"); return 3; }\n')
    done = pyvm("run", path)
    assert (done.returncode, done.stdout) == (3, b"hi\n")
    assert b"every position ok" in done.stderr and b"exits with status 3" in done.stderr


def test_what_a_command_is_given(tmp_path):
    path = source(tmp_path, AROUND)
    (tmp_path / "here.txt").write_text("from a file\n")
    done = pyvm(
        "run", path, "--env", "KEY=a=b", "--file", f"notes.txt={tmp_path}/here.txt", *QUIET,
        "--", "a b", "-x", "--", "",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (5, b"a b|-x|--||a=b\n", b"from a file\n")


def test_the_same_in_python(tmp_path, model):
    path = source(tmp_path, AROUND)
    around = pyvm_package.Environment(("prog", "a b"), {"KEY": "v"}, {"notes.txt": b"text"})
    run = model.generate(pyvm_package.compile(path, environment=around))
    assert (run.status, run.output, run.errors) == (2, b"a b|v\n", b"text")
    main = source(tmp_path, "int f(void); int main(void) { return f() + N; }\n", "main.c")
    other = source(tmp_path, "int f(void) { return 4; }\n", "f.c")
    options = pyvm_package.COptions(more=(other,), define=("N=3",), optimize="s")
    assert model.generate(pyvm_package.compile(main, c=options)).status == 7
    given = pyvm_package.compile(source(tmp_path, CAT), input=lambda: b"later\0")
    assert model.generate(given).output == b"later\0"


@pytest.mark.parametrize("text", [b"", b"3 4\n", bytes(range(256)) * 300])
def test_input_from_everywhere(tmp_path, text):
    """Bytes of any value, any number of them."""
    path = source(tmp_path, CAT)
    (tmp_path / "input").write_bytes(text)
    piped = subprocess.run([*COMMAND, "run", path, *QUIET], input=text, capture_output=True)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, text, b"")
    assert pyvm("run", path, "--input-file", tmp_path / "input", *QUIET).stdout == text


def test_standard_input_reaches_compute(tmp_path):
    path = source(tmp_path, ECHO)
    done = subprocess.run([*COMMAND, "run", path, *QUIET], input=b"5 3", capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"5 3")
    long = b"x" * 200_000
    done = subprocess.run([*COMMAND, "run", path, *QUIET], input=long, capture_output=True)
    assert done.stdout == long
    (tmp_path / "zero").write_bytes(b"a\0b")
    message = failure(pyvm("run", path, "--input-file", tmp_path / "zero"))
    assert "zero byte" in message and "main" in message


@pytest.mark.parametrize(
    "text", ["int main(void) { return 7; }", "void compute(void) { putchar(65); }"]
)
def test_standard_input_is_left_where_nobody_reads_it(tmp_path, text):
    """A program that cannot read it does not wait for its end."""
    path = source(tmp_path, text)
    with subprocess.Popen(
        [*COMMAND, "run", path, *QUIET], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.wait(60) == (7 if "main" in text else 0)


def test_a_bundled_default_comes_before_standard_input():
    done = subprocess.run([*COMMAND, "run", "collatz", *QUIET], input=b"1", capture_output=True)
    assert done.stdout == pyvm("run", "collatz", *QUIET).stdout and b"22" in done.stdout


def test_several_files_folders_and_definitions(tmp_path):
    (tmp_path / "headers").mkdir()
    source(tmp_path / "headers", "int twice(int);\n", "twice.h")
    main = source(
        tmp_path,
        '#include "twice.h"\n#include <stdio.h>\n#include <math.h>\n'
        'int main(void) { printf("%d\\n", twice(N)); return 0; }\n',
    )
    other = source(tmp_path, "int twice(int n) { return n * FACTOR; }\n", "twice.c")
    words = (main, other, "-I", tmp_path / "headers", "-DN=21", "-D", "FACTOR=2", "-O1", "-lm")
    done = pyvm("run", *words, *QUIET)
    assert (done.returncode, done.stdout) == (0, b"42\n"), done.stderr
    one = source(tmp_path, "int twice(int);void compute(void) { print_int(twice(N)); }\n", "one.c")
    assert pyvm("run", one, other, "-DN=4", "-DFACTOR=2", *QUIET).stdout == b"8"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("int foo(void) { return 3; }", "defines neither main nor compute"),
        ("int main(void) { return nope; }", "undeclared identifier 'nope'"),
        ("extern int f(int); int main(void) { return f(1); }", "nothing defines f"),
        (
            "#include <stdio.h>\nvoid compute(void) { fputs(\"x\", stdout); }",
            "a program that defines main has the whole C library",
        ),
    ],
)  # fmt: skip
def test_what_does_not_compile(tmp_path, text, said):
    done = pyvm("run", source(tmp_path, text))
    assert done.returncode == 125 and said in done.stderr.decode(), done.stderr


def test_errors_come_before_warnings(tmp_path):
    text = "int main(void) { int a = -1 << 1; int b = -2 << 1; return a + b + nope; }\n"
    lines = pyvm("run", source(tmp_path, text)).stderr.decode().splitlines()
    kinds = [kind for line in lines for kind in ("error", "warning") if f": {kind}: " in line]
    assert kinds == ["error", "warning", "warning"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--", "a"), "collatz is no command"),
        (("--env", "A=b"), "collatz is no command"),
        (("--file", "/nowhere/x"), "/nowhere/x: No such file"),
        (("--input-file", "/nowhere/x"), "/nowhere/x: No such file"),
        (("-I", "/nowhere"), "-I /nowhere: no such folder"),
        (("-DX",), "bundled"),
    ],
)
def test_what_does_not_fit(words, said):
    assert said in failure(pyvm("run", "collatz", *words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env", "A"), "'A' is not NAME=VALUE"),
        (("-O9",), "'9' is no level"),
        (("abc",), "'abc' is no number for --entry"),
        (("--input", "a", "--input-file", "b"), "not allowed with argument --input"),
        (("--seed", "-1"), "--seed"),
    ],
)
def test_wrong_words(words, said):
    done = pyvm("run", "collatz", *words)
    assert done.returncode == 2 and said in done.stderr.decode(), done.stderr
