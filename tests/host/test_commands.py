"""Ordinary programs from standard input to exit status, as wasmtime runs them."""

from __future__ import annotations

import pytest

from host.commands import Environment, compiled, in_transformer, same
from pyvm.compiler.compile import compile_file
from pyvm.host.environment import with_environment
from pyvm.isa.errors import ProgramError

TEXT = b"the quick brown fox\njumps over the lazy dog\nThe end\n"
FILES = {"a.txt": b"first line\nsecond\nend", "dir/b.txt": b"in dir\n", "dir/deep/b.txt": b"x\ny"}
SHAPES = b"square 4 box 3 5\nsquare 2 box 5 5\n"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hello", Environment()),
        ("echo", Environment(("echo",))),
        ("echo", Environment(("echo", "77", "", "a b", "\u00e9"), {"HOME": "/root", "X": ""})),
        ("sum", Environment(stdin=b"1 2 -30\n123456789012 4")),
        ("sum", Environment(stdin=b"1 2 x")),
        ("sum", Environment()),
        ("words", Environment(stdin=TEXT * 3)),
        ("bytes", Environment(stdin=bytes(range(256)) * 2)),
        ("exit", Environment()),
        ("memory", Environment()),
        ("floats", Environment(("floats", "3.14159"))),
        ("floats", Environment(("floats", "1e-310"))),
        ("library", Environment(stdin=b"first\nsecond line\n\n55 word and its tail\n")),
        ("files", Environment(files=FILES)),
        ("files", Environment()),
        ("probe", Environment(files=FILES)),
        ("probe", Environment()),
        ("shapes", Environment(stdin=SHAPES)),  # C++
        ("shapes", Environment(stdin=b"square 4 circle 3")),
        ("jumps", Environment()),  # C's setjmp
        ("println", Environment()),  # Rust
        ("tally", Environment(("tally",), stdin=TEXT)),
        ("tally", Environment(("tally", "the", "cow", "hen"), stdin=TEXT)),
        ("panic", Environment(("panic", "x"))),
        ("lines", Environment(("lines", "a", "bc"), stdin=b"one\nthree four\n\nlast")),  # Zig
        ("sieve", Environment(("sieve", "100"))),  # AssemblyScript
        ("sieve", Environment(("sieve", "5"))),
    ],
)
def test_as_in_wasmtime(model, tmp_path, name: str, given: Environment) -> None:
    same(model, name, given, tmp_path)


@pytest.mark.parametrize(("name", "prompt", "generated"), [
    ("hello", 50_000, 11_000), ("println", 150_000, 20_000),
])  # fmt: skip
def test_costs(model, name: str, prompt: int, generated: int) -> None:
    program = with_environment(compiled(name), Environment())
    run = model.generate(program)
    assert program.tokens().size <= prompt
    assert run.tokens.size - program.tokens().size <= generated


def test_time_and_chance(model) -> None:
    """The clock begins where it is set and goes on by its step; a seed gives the same numbers."""

    def shown(**given: int) -> list[str]:
        return (
            in_transformer(model, compiled("clock"), Environment(**given)).output.decode().split()
        )

    assert shown(time=5_000_000_007, step=11)[:3] == ["5.000000018", "11", "2.000000055"]
    assert shown()[0].startswith("946684800.")
    assert shown() == shown()
    first, second = shown(seed=1)[3:], shown(seed=2)[3:]
    assert first == shown(seed=1, time=7)[3:]
    assert len({*first, *second}) == 6


def test_what_may_read_standard_input() -> None:
    assert compiled("sum").reads_input and compiled("tally").reads_input
    assert not compiled("hello").reads_input
    assert compiled("hello").is_command


def test_a_token_file_keeps_what_the_command_was_given(model, tmp_path) -> None:
    """Others can be given to it as well; what they do not say is as for any command."""
    path = tmp_path / "echo.txt"
    path.write_text(
        with_environment(compiled("echo"), Environment(("a", "5"), {"HOME": "x"})).text()
    )

    def run(**given) -> tuple[bytes, int | None]:
        ended = model.generate(compile_file(path, **given))
        return ended.output, ended.status

    assert run() == (b"0: [a]\n1: [5]\nHOME=x NONE=-\n", 5)
    others = Environment(("b", "6"))
    assert run(environment=others) == (b"0: [b]\n1: [6]\nHOME=- NONE=-\n", 6)
    assert run(input="text") == (b"0: [echo]\nHOME=- NONE=-\n", 0)
    with pytest.raises(ProgramError, match="it is a command"):
        compile_file(path).with_input("text")


def test_a_token_file_reads_other_input(model, tmp_path) -> None:
    path = tmp_path / "sum.txt"
    path.write_text(compiled("sum").text())
    assert model.generate(compile_file(path)).output == b"0 numbers, sum 0\n"
    assert model.generate(compile_file(path, input="3 4")).output == b"2 numbers, sum 7\n"
