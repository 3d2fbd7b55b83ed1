"""--json: one object on stdout, whatever happens, with the fields of pyvm/commands/README.md."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from command import COMMAND, program_file, pyvm, token_file
from pyvm.bundled import PROGRAMS

README = Path(__file__).parents[2] / "pyvm" / "commands" / "README.md"


def report(*arguments, **options):
    done = pyvm(*arguments, "--json", **options)
    found = json.loads(done.stdout)
    assert done.stdout.count(b"\n") == 1 and found["exit_status"] == done.returncode
    return found, done.stderr.decode()


def test_run():
    found, said = report("run", "hello", "--quiet")
    output = PROGRAMS["hello"].cases[0].output
    assert found["output"] == output and base64.b64decode(found["output_base64"]).decode() == output
    assert found["stopped"] == "halt" and found["status"] == 0 and found["error"] is None
    assert found["trap"] is None and found["verified"] and found["exact"]
    assert found["machine"] == "standard" and found["tokens"] > found["wasm_instructions"] > 0
    assert found["prompt_tokens"] > 0 and all(found["seconds"].values())
    assert said == ""


def test_run_that_does_not_halt(tmp_path):
    found, said = report("run", token_file(tmp_path, "trap"))
    assert (found["stopped"], found["status"], found["exit_status"]) == ("trap", None, 134)
    assert found["trap"]["kind"] == "integer division by zero" and found["output"] == "!"
    found, _ = report("run", token_file(tmp_path, "loop"), "--max-tokens", 9, "--no-verify")
    assert (found["stopped"], found["tokens"], found["verified"]) == ("budget", 9, None)
    found, _ = report("run", program_file(tmp_path, "f:\ncall @f"), "--max-depth", 100)
    assert found["trap"]["kind"] == "call stack exhausted" and found["exit_status"] == 134


def test_a_trap_in_a_module_has_its_place(tmp_path):
    module = tmp_path / "module.wasm"
    # (module (func $boom (export "compute") unreachable))
    module.write_bytes(
        bytes.fromhex("0061736d01000000 01 04 01600000 03 02 0100 07 0b 0107636f6d707574650000")
        + bytes.fromhex("0a 05 01 03 00 00 0b 00 0e 046e616d65 01 07 010004626f6f6d")
    )
    found, _ = report("run", module)
    assert found["trap"]["kind"] == "unreachable executed" and found["trap"]["offset"] > 8
    assert found["trap"]["function"] == "boom" and found["trap"]["line"] is None


def test_output_of_any_bytes(tmp_path):
    path = program_file(tmp_path, "i32.const 255\noutput\nhalt")
    found, _ = report("run", path)
    assert found["output"] == "\ufffd" and base64.b64decode(found["output_base64"]) == b"\xff"


def test_errors_are_objects_too(tmp_path):
    found, said = report("run", "nothing")
    assert found["stopped"] == "error" and said == f"pyvm: {found['error']}\n"
    assert found["exit_status"] == 125
    assert report("run", "hello", "--max-tokens", "x")[0]["exit_status"] == 2
    assert "required" in report("run")[0]["error"]
    found, _ = report("run", "hello", "--model", tmp_path / "none.bin")
    assert "none.bin" in found["error"] and found["seconds"]["compile"] > 0
    found, _ = report("model", "info", tmp_path / "none.bin")
    assert "none.bin" in found["error"] and found["layers"] is None


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run(tmp_path, number, code):
    path = program_file(tmp_path, "i32.const 65\noutput\nloop:\nbr @loop")
    command = [*COMMAND, "run", str(path), "--json", "--max-tokens", "300000000"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        time.sleep(2.5)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    found = json.loads(output)
    assert found["exit_status"] == process.returncode == code
    assert (found["stopped"], found["error"], found["output"]) == ("interrupted",) * 2 + ("A",)


def test_verify(tmp_path):
    good, cut, wrong = (tmp_path / f"{name}.txt" for name in ("good", "cut", "wrong"))
    assert pyvm("trace", "hello", "--tokens", "-o", good).returncode == 0
    text = good.read_text()
    cut.write_text(" ".join(text.split()[:-1]))
    wrong.write_text(text.replace("out(H)", "out(J)"))
    found, _ = report("verify", good, cut, wrong, tmp_path / "missing")
    rows = found["traces"]
    assert [row["ok"] for row in rows] == [True, True, False, None]
    assert [row["complete"] for row in rows] == [True, False, True, None]
    assert (rows[2]["expected"], rows[2]["predicted"]) == ("out(J)", "out(H)")
    assert "No such file" in rows[3]["error"] and found["exit_status"] == 1


def test_trace_counts_what_run_counts(tmp_path):
    found, _ = report("trace", "hello", "--stats")
    ran, _ = report("run", "hello")
    for field in ("tokens", "prompt_tokens", "wasm_instructions", "stopped", "trap"):
        assert found[field] == ran[field], field
    assert sum(row["tokens"] for row in found["instructions"].values()) == found["tokens"]
    assert b"deepest operand stack" in pyvm("trace", "hello", "--stats").stdout


def test_model_info_and_doctor(tmp_path):
    found, _ = report("model", "info")
    assert (found["vocabulary"], found["layers"], found["plan"]) == (3317, 7, "yes")
    assert len(found["head_kinds"]) == found["layers"] and found["certificate"]["keys"]
    found, _ = report("doctor")
    assert found["fine"] and found["findings"]["numpy"]["found"]
    env = {**os.environ, "PYVM_LIBRARY": str(tmp_path / "libtvm.so")}
    found, _ = report("doctor", env=env)
    assert not found["fine"] and not found["findings"]["libtvm"]["found"]


def test_every_field_is_documented():
    text = README.read_text(encoding="utf-8")
    sections = {part.split("\n")[0]: part for part in re.split(r"^## ", text, flags=re.M)[1:]}
    for words in (("run", "nothing"), ("trace", "nothing"), ("model", "info"), ("doctor",)):
        found, _ = report(*words)
        for field in found.keys() - {"error", "exit_status"}:
            assert f"`{field}`" in sections[" ".join(w for w in words if w != "nothing")], field
