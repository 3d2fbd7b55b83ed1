"""Both machines, in every command, and what only the standard one has: errors, exits, traps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cases import instructions
from command import COMMAND, failure, pyvm
from pyvm.bundled import PROGRAMS
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.isa.program import Program
from pyvm.isa.traps import Trap
from pyvm.weights import specialize

HELLO = PROGRAMS["hello"].cases[0].output
BOTH = "i32.const 79\noutput\ni32.const 69\noutput_error\ni32.const 10\noutput_error\n"
EXIT = BOTH + "i32.const 0x103\nexit"
DIVIDES = BOTH + "i32.const 1\ni32.const 0\ni32.div_u\nhalt"


def program(text: str) -> Program:
    code = tuple(instructions(text))
    return Program(code, places=tuple((f"f{i}", i) for i in range(len(code))))


def file_of(folder: Path, text: str) -> Path:
    path = folder / "standard.txt"
    path.write_text(program(text).text())
    return path


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hello for the base machine, as a token file."""
    path = tmp_path_factory.mktemp("base") / "hello.txt"
    assert pyvm("compile", "hello", "--machine", "base", "-o", path).returncode == 0
    return path


@pytest.mark.parametrize("model", [(), ("--model", "base"), ("--model", "standard")])
def test_a_base_program_runs_in_both_machines(base_file: Path, model: tuple[str, ...]) -> None:
    for words in ((base_file,), ("hello", "--machine", "base")):
        done = pyvm("run", *words, *model)
        assert (done.returncode, done.stdout.decode()) == (0, HELLO), done.stderr
        assert b"every position ok" in done.stderr


def test_a_standard_program_in_the_base_machine_is_refused_by_the_token(tmp_path: Path) -> None:
    for command in (("run",), ("trace",)):
        message = failure(pyvm(*command, file_of(tmp_path, EXIT), "--model", "base"))
        assert message == (
            "pyvm: the model's vocabulary has no token 'output_error', which the program needs: "
            'compile it for the machine "base"\n'
        )
    message = failure(pyvm("model", "explain", "base", "--program", file_of(tmp_path, EXIT)))
    assert "'output_error'" in message


@pytest.mark.parametrize("command", ["run", "compile", "trace", "specialize"])
def test_a_standard_token_file_is_no_base_program(tmp_path: Path, command: str) -> None:
    path = file_of(tmp_path, EXIT)
    output = ("-o", tmp_path / "out") if command != "run" else ()
    message = failure(pyvm(command, path, "--machine", "base", *output))
    assert message == (
        "pyvm: standard.txt is no program of the base machine: it has no instruction "
        "'output_error'\n"
    )
    assert not (tmp_path / "out").exists()


def test_traces_of_a_base_program(tmp_path: Path, base_file: Path) -> None:
    """The native executor and both machines give the same, and both verify it."""
    traces = [tmp_path / f"{i}.txt" for i in range(3)]
    for path, model in zip(traces, ((), ("--standard",), ("--model", "base"))):
        assert pyvm("trace", base_file, "--tokens", *model, "-o", path).returncode == 0
    assert len({path.read_bytes() for path in traces}) == 1
    for model in ("standard", "base"):
        done = pyvm("verify", *traces[:2], "--model", model, "--json")
        found = json.loads(done.stdout)
        assert done.returncode == 0 and found["machine"] == model
    assert pyvm("trace", "hello", "--tokens", "-o", traces[0]).returncode == 0
    assert "'data' is not in the vocabulary" in failure(
        pyvm("verify", traces[0], "--model", "base")
    )


@pytest.mark.parametrize("machine", ["standard", "base"])
def test_specialize_for_a_machine(tmp_path: Path, machine: str) -> None:
    model, options = tmp_path / "model.bin", ("addition", "--machine", machine)
    assert pyvm("specialize", *options, "-o", model).returncode == 0
    found = json.loads(pyvm("model", "info", model, "--json").stdout)
    assert (found["vocabulary"] < 915) == (machine == "base")
    done = pyvm("run", *options, "--input", "12 30", "--model", model)
    assert (done.returncode, done.stdout) == (0, pyvm("run", "addition", "--input", "12 30").stdout)
    other = "base" if machine == "standard" else "standard"
    message = failure(pyvm("run", "addition", "--machine", other, "--model", model))
    assert "program in its weights" in message or "no token" in message


def test_models_of_both_machines(tmp_path: Path) -> None:
    for machine, tokens, layers in (("base", 915, 4), ("standard", 3317, 7)):
        path = tmp_path / f"{machine}.bin"
        assert pyvm("model", "build", "--machine", machine, "-o", path).returncode == 0
        named = json.loads(pyvm("model", "info", machine, "--json").stdout)
        stored = json.loads(pyvm("model", "info", path, "--json").stdout)
        assert (named.pop("machine"), stored.pop("machine")) == (machine, str(path))
        assert named == stored and (named["vocabulary"], named["layers"]) == (tokens, layers)


@pytest.mark.parametrize(("text", "code"), [(EXIT, 3), (DIVIDES, 134), (BOTH + "halt", 0)])
def test_the_error_stream_goes_to_stderr(tmp_path: Path, text: str, code: int) -> None:
    done = pyvm("run", file_of(tmp_path, text), "--quiet")
    assert (done.returncode, done.stdout) == (code, b"O")
    trap = b"trap: integer division by zero\n" if code == 134 else b""
    assert done.stderr == b"E\n" + trap
    done = pyvm("run", file_of(tmp_path, text), "--json", "--quiet")
    found = json.loads(done.stdout)
    assert done.stderr == trap and found["exit_status"] == done.returncode == code
    assert (found["output"], found["error_output"]) == ("O", "E\n")
    assert (found["output_base64"], found["error_output_base64"]) == ("Tw==", "RQo=")
    assert found["status"] == (None if trap else code)
    assert found["stopped"] == ("trap" if trap else "halt")


def test_words_of_pyvm_begin_a_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, "i32.const 255\noutput_error\ni32.const 7\nexit")
    done = pyvm("run", path)
    assert done.returncode == 7 and done.stderr.startswith(b"\xff\ngenerated ")
    assert done.stderr.endswith(b"\nthe program exits with status 7\n")
    assert pyvm("run", path, "--quiet").stderr == b"\xff"  # and nothing else


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_both_streams_are_live_and_in_order(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"loop:\n{BOTH}br @loop")
    command = [*COMMAND, "run", str(path), "--quiet"]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, **both) as process:  # type: ignore[call-overload]
        assert process.stdout.read(3000) == 1000 * b"OE\n"
        process.terminate()
        process.stdout.close()
        assert process.wait(60) in (125, 143)


def test_stderr_that_nobody_reads(tmp_path: Path) -> None:
    code = "import os, sys; os.close(2); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", code, *COMMAND[1:], "run", str(file_of(tmp_path, EXIT))]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"O")


def test_trace_says_how_a_program_exits(tmp_path: Path) -> None:
    done = pyvm("trace", file_of(tmp_path, EXIT))
    assert done.returncode == 0
    assert b"exits with status 3" in done.stdout and b"writes 'E' (errors)" in done.stdout
    assert done.stderr.endswith(b" tokens, exit with status 3\n")
    found = json.loads(pyvm("trace", file_of(tmp_path, EXIT), "--json").stdout)
    assert (found["stopped"], found["status"], found["trap"]) == ("halt", 3, None)


@pytest.mark.parametrize("path", ["plan", "layers", "native"])
@pytest.mark.parametrize("ids", [False, True])
def test_status_and_trap_of_a_run(model: Model, path: str, ids: bool) -> None:
    def run(text: str):
        given = program(text)
        tokens = given.tokens() if ids else given
        return execute(tokens) if path == "native" else model.generate(tokens, path=path)

    done = run(EXIT)
    assert (done.status, done.ok, done.trap, done.output, done.errors) == (
        3, False, None, b"O", b"E\n",
    )  # fmt: skip
    done = run("i32.const 0x100\nexit")
    assert (done.status, done.ok, done.trap) == (0, True, None)
    place = "" if ids else " in f{0} at offset {0:#x}"
    for text, kind, cursor in (
        (DIVIDES, Trap.DIVIDE_BY_ZERO, 8),
        ("trap 1", Trap.UNREACHABLE, 0),
        ("i32.const 1\nmemory.resize\ni32.const 65533\ni32.load", Trap.OUT_OF_BOUNDS, 3),
        ("halt 7", Trap.TYPE_MISMATCH, 0),  # as base programs say it
    ):
        done = run(text)
        assert (done.trap.kind, done.cursor, done.ok, done.status) == (kind, cursor, False, 0)
        assert str(done.trap) == f"trap: {kind.description}{place.format(cursor)}"


@pytest.mark.parametrize("text", [EXIT, DIVIDES])
def test_a_specialised_model_says_it_without_its_program(text: str) -> None:
    with Model(specialize(program(text).code).to_bytes()) as folded:
        done = folded.generate([folded.vocabulary.index("start")])
    trap = done.trap and done.trap.kind
    assert (done.status, trap) == ((3, None) if text == EXIT else (0, Trap.DIVIDE_BY_ZERO))
    assert done.cursor is None and not done.ok and done.errors == b"E\n"


def test_an_immediate_of_another_instruction_is_no_trap() -> None:
    done = execute(program("i32.const 0\nexit 7").tokens())
    assert (done.trap, done.ok) == (None, True)


def test_calls_through_a_table_are_counted() -> None:
    from pyvm.commands.depth import too_deep
    from pyvm.engine.follow import Follower
    from pyvm.isa.tokens import VOCABULARY, encode

    calls = Follower(VOCABULARY)
    calls.read(encode(["call_commit(-1)", "return_commit", "call_commit"]))
    assert not too_deep(calls, 1)
    assert too_deep(calls.read(encode(["call_commit(-1)", "return_commit"])), 1)
    assert not too_deep(calls, 0)
