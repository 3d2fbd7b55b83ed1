"""pyvm run --trace, --resume, --time-limit and --inputs, and pyvm verify of what they write."""

from __future__ import annotations

import json

import pytest

from command import failure, program_file, pyvm
from pyvm.trace.file import TraceFile

ENDLESS = "br -1\nhalt"


@pytest.fixture(scope="module")
def hello():
    return pyvm("run", "hello").stdout


def test_a_run_in_a_file(hello, tmp_path):
    path = tmp_path / "a.trace"
    first = pyvm("run", "hello", "--trace", path)
    assert first.returncode == 0 and first.stdout == hello
    assert b"generated 2,071 tokens" in first.stderr and b"every position ok" in first.stderr
    written = path.read_bytes()
    again = pyvm("run", "hello", "--trace", path, "--resume")
    assert again.returncode == 0 and again.stdout == hello and path.read_bytes() == written
    assert b"generated 0 tokens" in again.stderr and b"(and 2,071 before)" in again.stderr
    done = pyvm("verify", path)
    assert done.returncode == 0 and b"ok, complete, 2,071 tokens" in done.stderr


def test_a_budget_and_what_is_left(hello, tmp_path):
    path = tmp_path / "a.trace"
    done = pyvm("run", "hello", "--trace", path, "--resume", "--max-tokens", "1000", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 124 and report["stopped"] == "budget" and report["tokens"] == 1000
    assert pyvm("verify", path).returncode == 1
    assert pyvm("verify", path, "--partial").returncode == 0
    refused = pyvm("run", "hello", "--trace", path)
    assert "has not come to its end" in failure(refused)
    done = pyvm("run", "hello", "--trace", path, "--resume", "--stats")
    assert done.returncode == 0 and done.stdout == hello and b"output " in done.stderr


def test_ends_are_told_as_those_of_a_run_in_memory(tmp_path):
    program = program_file(tmp_path, "i32.const 1\ni32.const 0\ni32.div_u\nhalt")
    plain = pyvm("run", program, "--quiet")
    for more in ((), ("--resume",)):
        traced = pyvm("run", program, "--quiet", "--trace", tmp_path / "a.trace", *more)
        assert traced.returncode == plain.returncode == 134
        assert traced.stderr == plain.stderr != b""
    program = program_file(tmp_path, "i32.const 7\nexit\nhalt")
    traced = pyvm("run", program, "--trace", tmp_path / "b.trace", "--quiet")
    assert traced.returncode == 7


def test_a_time_limit(tmp_path):
    program = program_file(tmp_path, ENDLESS)
    for more in ((), ("--trace", tmp_path / "a.trace")):
        done = pyvm("run", program, "--time-limit", "0.01", "--no-verify", *more)
        assert done.returncode == 124
        assert b"stopped: the time of 0.01 seconds is used up" in done.stderr
    done = pyvm("run", program, "--time-limit", "0")
    assert done.returncode == 2 and b"is no time" in done.stderr


def test_a_wrong_trace(tmp_path):
    path = tmp_path / "a.trace"
    pyvm("run", "hello", "--trace", path)
    data = bytearray(path.read_bytes())
    with TraceFile(path) as trace:
        at = trace.segments[0].tokens_at
    data[at + 100] ^= 1
    path.write_bytes(data)
    assert f"byte {at}: the digest is wrong" in failure(pyvm("verify", path))


def test_a_full_disk_is_one_line(tmp_path):
    resource = pytest.importorskip("resource")

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (230_000, 230_000))

    path = tmp_path / "a.trace"
    options = ("--trace", path, "--no-verify", "--quiet", "--max-tokens", "1600000")
    done = pyvm("run", "sudoku", *options, preexec_fn=small)
    assert done.returncode == 125
    said = "File too large; what was written is whole: --resume goes on with it"
    assert done.stderr.decode().splitlines()[-1] == f"pyvm: {path}: {said}"
    done = pyvm("run", "sudoku", *options, "--resume")
    assert done.returncode == 124 and pyvm("verify", path, "--partial").returncode == 0


def test_inputs(tmp_path):
    inputs = tmp_path / "inputs"
    inputs.write_text("7\n6\n")
    single = [pyvm("run", "collatz", "--input", text).stdout for text in "76"]
    done = pyvm("run", "collatz", "--inputs", inputs)
    assert done.returncode == 0 and done.stdout == b"".join(single)
    done = pyvm("run", "collatz", "--inputs", inputs, "--json", "--max-tokens", "100")
    report = json.loads(done.stdout)
    assert done.returncode == 124 and [run["tokens"] for run in report["runs"]] == [100, 100]
    assert b"input 2: the budget of tokens is used up" in done.stderr


@pytest.mark.parametrize(
    "options, said",
    [
        (["--resume"], b"name it"),
        (["--inputs", "a", "--input", "b"], b"do not go together"),
        (["--inputs", "a", "--trace", "b"], b"do not go together"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    done = pyvm("run", "hello", *options)
    assert done.returncode == 2 and said in done.stderr
