"""The command line, as a user meets it: stdout, stderr and exit statuses of real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from cases import BY_NAME, instructions
from command import failure, pyvm, token_file
from pyvm.bundled import PROGRAMS
from pyvm.isa.program import Program


def test_run_writes_exactly_the_output():
    done = pyvm("run", "hello")
    assert done.returncode == 0
    assert done.stdout.decode() == PROGRAMS["hello"].cases[0].output
    report = done.stderr.decode()
    assert "generated" in report and "every position ok" in report and "tokens/s" in report
    assert "\r" not in report  # no progress line when stderr is no terminal


def test_run_with_input():
    case = PROGRAMS["addition"].cases[1]
    done = pyvm("run", "addition", "--input", case.input)
    assert (done.returncode, done.stdout.decode()) == (0, case.output)


def test_run_a_token_file_with_any_bytes(tmp_path):
    done = pyvm("run", token_file(tmp_path, "output"))
    assert (done.returncode, done.stdout) == (0, BY_NAME["output"].output)


def test_a_trap_is_exit_status_134_and_keeps_the_output(tmp_path):
    done = pyvm("run", token_file(tmp_path, "trap"))
    assert (done.returncode, done.stdout) == (134, b"!")
    assert "trap: integer division by zero" in done.stderr.decode()


def test_entry_with_arguments(tmp_path):
    module = tmp_path / "module.wasm"
    # (module (func (export "sub") (param i64 i32) (result i64)
    #   (i64.sub (local.get 0) (i64.extend_i32_s (local.get 1)))))
    module.write_bytes(
        bytes.fromhex(
            "0061736d01000000 01 07 0160027e7f017e 03 02 0100 07 07 01037375620000"
            "0a 0a 01 08 00 20002001ac7d0b"
        )
    )
    for arguments in (
        (module, "--entry", "sub", "0x100000000", "-5"),
        ("--entry", "sub", module, "0x100000000", "-5"),
        (module, "0x100000000", "-5", "--entry=sub"),
        (module, "0x100000000", "--entry", "sub", "--no-verify", "-5"),
    ):
        done = pyvm("run", *arguments)
        assert (done.returncode, done.stdout) == (0, b"4294967301\n"), arguments
    message = failure(pyvm("run", module, "--entry", "sub", "1", "0x100000000"))
    assert "4294967296 is no i32" in message
    assert "is no number" in pyvm("run", module, "--entry", "sub", "1", "x").stderr.decode()


def test_endless_recursion_is_a_trap(tmp_path):
    program = tmp_path / "program.txt"
    code = (("i32.const", 65), ("output", 0), ("call", 0xFFFFFFFF))  # calls itself
    program.write_text(Program(code).text())
    done = pyvm("run", program, "--max-depth", "1000")
    assert (done.returncode, done.stdout) == (134, b"A")
    assert "trap: call stack exhausted" in done.stderr.decode()


def test_statistics_of_a_bundled_program():
    done = pyvm("run", "hello", "--stats", "--no-verify")
    report = done.stderr.decode()
    assert re.search(r"wasm instructions executed: [0-9,]+, [0-9.]+ tokens for each", report)
    assert re.search(r"print_string +[0-9,]+ +[0-9.]+%", report)


def test_code_that_is_not_supported_is_no_trap(tmp_path):
    module = tmp_path / "module.wasm"
    module.write_bytes(
        bytes.fromhex(
            # (module (table 1 funcref) (elem (i32.const 0) 0)
            #   (func (drop (f32.sqrt (f32.const 2))))
            #   (func (export "compute") (call_indirect (i32.const 0))))
            "0061736d01000000 01 04 01600000 03 03 020000 04 04 01700001"
            "07 0b 0107636f6d707574650001 09 07 010041000b0100"
            "0a 13 02 09 00 4300000040911a0b 07 00 41001100000b"
        )
    )
    done = pyvm("run", module, "--machine", "base")
    assert done.returncode == 125, done.stderr
    assert "stopped: f32.sqrt in function 0 at offset 0x" in done.stderr.decode()


def test_a_used_up_budget_is_exit_status_124(tmp_path):
    done = pyvm("run", token_file(tmp_path, "loop"), "--max-tokens", "9")
    assert done.returncode == 124
    assert "budget of 9 tokens" in done.stderr.decode()


@pytest.mark.parametrize(
    "options",
    [
        ("--path", "plan"),
        ("--path", "layers", "--projection", "sparse", "--attention", "scan", "--bypass", "none"),
        ("--no-verify",),
        ("--stats",),
        ("--threads", "1"),
    ],
)
def test_run_options(tmp_path, options):
    done = pyvm("run", token_file(tmp_path, "calls"), *options)
    assert (done.returncode, done.stdout) == (0, b"123.")
    report = done.stderr.decode()
    assert ("verified" in report) == ("--no-verify" not in options)
    assert ("local.set" in report) == ("--stats" in options)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("run",),
        ("run", "hello", "--max-tokens", "-1"),
        ("run", "hello", "--max-tokens", "many"),
        ("run", "hello", "--path", "short"),
        ("model",),
        ("specialize", "hello"),
    ],
)
def test_wrong_usage_is_exit_status_2(arguments):
    done = pyvm(*arguments)
    assert done.returncode == 2
    assert b"usage:" in done.stderr and done.stdout == b""


def test_wrong_files_get_one_sentence(tmp_path):
    garbage = tmp_path / "garbage.txt"
    garbage.write_bytes(bytes(range(256)))
    words = tmp_path / "words.txt"
    words.write_text("{ halt 00 00 00 00 fly }")
    module = tmp_path / "module.wasm"
    module.write_bytes(b"\0asm\1\0\0\0\xff")
    model = tmp_path / "model.bin"
    model.write_bytes(b"no model")
    assert "missing.c" in failure(pyvm("run", tmp_path / "missing.c"))
    assert str(tmp_path) in failure(pyvm("run", tmp_path))
    assert "garbage.txt" in failure(pyvm("run", garbage))
    assert "token 6" in failure(pyvm("run", words)) and "fly" in failure(pyvm("run", words))
    assert "module.wasm" in failure(pyvm("run", module)) or "offset" in failure(pyvm("run", module))
    assert failure(pyvm("run", "hello", "--model", model))
    assert "absent.bin" in failure(pyvm("run", "hello", "--model", tmp_path / "absent.bin"))
    assert str(tmp_path) in failure(pyvm("run", "hello", "--model", tmp_path))
    assert "garbage.txt" in failure(pyvm("verify", garbage))
    assert "token 6" in failure(pyvm("verify", words))
    assert "missing" in failure(pyvm("verify", tmp_path / "missing"))
    assert str(tmp_path) in failure(pyvm("compile", "hello", "-o", tmp_path))
    assert "nowhere" in failure(pyvm("model", "build", "-o", tmp_path / "nowhere" / "model.bin"))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        p.name for p in (garbage, words, module, model)
    )  # nothing half-written is left


def test_several_traces_at_once(tmp_path):
    paths = []
    for name in ("hello", "addition"):
        paths.append(tmp_path / f"{name}.txt")
        assert pyvm("trace", name, "--tokens", "-o", paths[-1]).returncode == 0
    damaged = tmp_path / "damaged.txt"
    damaged.write_text(paths[0].read_text().replace("out(H)", "out(J)"))
    done = pyvm("verify", paths[0], damaged, tmp_path / "missing", paths[1])
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1 and len(lines) == 4
    assert "hello.txt: ok" in lines[0] and "out(J)" in lines[1]
    assert "missing" in lines[2] and "addition.txt: ok" in lines[3]


def test_explain_follows_a_dimension(tmp_path):
    done = pyvm("model", "explain", "--program", "hello", "--dimension", "stack_depth")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "running sum of stack_step" in text and "stack_depth += 1" in text
    assert "cell_mode" not in text
    whole = pyvm("model", "explain").stdout.decode()
    for stage in ("fold:", "ranges:", "specialise:", "nodes:"):
        assert stage in whole
    assert "is called 'nothing'" in failure(pyvm("model", "explain", "--dimension", "nothing"))


def test_no_library_gets_one_sentence(tmp_path):
    env = {**os.environ, "PYVM_LIBRARY": str(tmp_path / "libtvm.so")}
    message = failure(pyvm("run", "hello", env=env))
    assert str(tmp_path) in message and "pyvm.build" in message


def test_compile_and_run_the_tokens(tmp_path):
    tokens = tmp_path / "hello.txt"
    assert pyvm("compile", "hello", "-o", tokens).returncode == 0
    assert pyvm("compile", "hello").stdout == tokens.read_bytes()
    assert pyvm("run", tokens).stdout.decode() == PROGRAMS["hello"].cases[0].output


def test_trace_and_verify(tmp_path):
    program = token_file(tmp_path, "input")
    explained = pyvm("trace", program)
    assert explained.returncode == 0
    assert b"input_base" in explained.stdout and b"normal end" in explained.stdout
    traces = [tmp_path / "native.txt", tmp_path / "generated.txt"]
    assert pyvm("trace", program, "--tokens", "-o", traces[0]).returncode == 0
    assert pyvm("trace", program, "--tokens", "--standard", "-o", traces[1]).returncode == 0
    assert traces[0].read_bytes() == traces[1].read_bytes()
    done = pyvm("verify", *traces)
    assert done.returncode == 0
    assert done.stderr.count(b": ok, ") == 2
    text = traces[0].read_text()
    traces[1].write_text(
        text[: text.rindex("out(|)")] + "out(?)" + text[text.rindex("out(|)") + 6 :]
    )
    done = pyvm("verify", *traces)
    assert done.returncode == 1
    assert b"'out(?)', the model predicts 'out(|)'" in done.stderr


def test_trace_of_a_trap_says_so(tmp_path):
    done = pyvm("trace", token_file(tmp_path, "trap"))
    assert done.returncode == 0  # the trace is what was asked for
    assert b"trap: integer division by zero" in done.stdout
    assert b"trap: integer division by zero" in done.stderr


def test_verify_refuses_a_file_without_a_trace(tmp_path):
    assert "no trace" in failure(pyvm("verify", token_file(tmp_path, "halt")))
    missing = tmp_path / "missing.txt"
    assert failure(pyvm("verify", missing)) == f"pyvm: {missing}: No such file or directory\n"


def test_model_build_and_info(tmp_path, model_bytes):
    path = tmp_path / "model.bin"
    assert pyvm("model", "build", "-o", path).returncode == 0
    assert path.read_bytes() == model_bytes
    info = pyvm("model", "info", path).stdout.decode()
    assert info == pyvm("model", "info").stdout.decode()
    assert "V = 3317" in info and "gather" in info and "layer" in info


def test_specialize(tmp_path):
    program, model = token_file(tmp_path, "input"), tmp_path / "model.bin"
    assert pyvm("specialize", program, "-o", model).returncode == 0
    done = pyvm("run", program, "--model", model)
    assert (done.returncode, done.stdout) == (0, BY_NAME["input"].output)


def test_doctor():
    done = pyvm("doctor")
    assert done.returncode == 0, done.stdout.decode()
    report = done.stdout.decode()
    assert "programs can be run" in report
    for word in ("python", "numpy", "libtvm", "compiler", "extra"):
        assert word in report


def test_doctor_finds_what_is_missing(tmp_path):
    done = pyvm("doctor", env={**os.environ, "PYVM_LIBRARY": str(tmp_path / "libtvm.so")})
    assert done.returncode == 1
    assert b"MISSING" in done.stdout and b"Traceback" not in done.stderr


def test_version_and_help():
    assert pyvm("--version").stdout.startswith(b"pyvm ")
    for command in ("run", "compile", "trace", "verify", "specialize", "doctor"):
        assert pyvm(command, "--help").returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes and signals")
def test_a_reader_that_leaves(tmp_path):
    """An endless output into a pipe that nobody reads any more."""
    path = tmp_path / "endless.txt"
    text = "loop:\ni32.const 65\noutput\nbr @loop"
    path.write_text(Program(tuple(instructions(text))).text())
    command = [sys.executable, "-m", "pyvm.cli", "run", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(3) == b"AAA"
        process.stdout.close()
        report = process.stderr.read().decode()
        assert process.wait(60) == 125
    assert report == "pyvm: stdout was closed by its reader\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes and signals")
def test_a_reader_that_was_never_there():
    """A short report waits in Python's buffer: it must fail once, not again when Python ends."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "pyvm.cli", "model", "info"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.returncode == 125
    assert done.stderr == b"pyvm: stdout was closed by its reader\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt(tmp_path):
    path = tmp_path / "endless.txt"
    path.write_text(Program(tuple(instructions("i32.const 65\noutput\nloop:\nbr @loop"))).text())
    # The budget ends it where the signal does not; the child of a background job would ignore it.
    command = [sys.executable, "-m", "pyvm.cli", "run", str(path), "--max-tokens", "200000000"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout.read(1) == b"A"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, report = process.communicate(timeout=60)
        assert process.returncode == 130
    assert b"interrupted after" in report and b"1 bytes of output" in report
    assert b"Traceback" not in report


@pytest.mark.parametrize(
    "words",
    [("run", "hello"), ("run", "nosuch"), ("run", "--wrong"), ("--help",), ("--version",)],
    ids=" ".join,
)
def test_a_command_starts_without_what_takes_long(words):
    """Loading numpy takes longer than to run a small program."""
    pyvm("run", "hello")  # what is built once, and kept, is there
    slow = {"numpy", "inspect"} if words != ("--help",) else {"numpy"}  # inspect: dataclasses
    ask = f"import sys\nfrom pyvm.cli import main\nmain()\nprint({slow} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", ask, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
