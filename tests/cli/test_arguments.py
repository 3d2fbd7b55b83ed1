"""What people type that is wrong, or looks wrong and is right."""

from __future__ import annotations

import os

import pytest

from command import failure, pyvm, token_file


@pytest.mark.parametrize(
    ("arguments", "usage", "said"),
    [
        (("run", "hello", "--nonsense"), "pyvm run", "unrecognized arguments: --nonsense"),
        (("verify", "a.txt", "--nonsense"), "pyvm verify", "unrecognized arguments: --nonsense"),
        (("model", "info", "--nonsense"), "pyvm model info", "unrecognized arguments"),
        (("doctor", "hello"), "pyvm doctor", "unrecognized arguments: hello"),
        (
            ("run", "hello", "--max-tokens", 1 << 63),
            "pyvm run",
            "--max-tokens: 9223372036854775808",
        ),
        (("run", "hello", "--max-tokens", "9" * 5000), "pyvm run", "--max-tokens: 9999"),
        (("trace", "hello", "--max-tokens", 1 << 64), "pyvm trace", "--max-tokens: 1844674407370"),
        (("run", "hello", "--max-depth", 1 << 64), "pyvm run", "--max-depth: 1844674407370"),
        (("run", "hello", "--threads", 1 << 31), "pyvm run", "--threads: 2147483648 is too large"),
        (("run", "hello", "--max-tokens", "1.5"), "pyvm run", "--max-tokens: '1.5' is no whole"),
        (("run", "hello", "--max-tokens", ""), "pyvm run", "--max-tokens: '' is no whole"),
        (("run", "hello", "--max-tokens"), "pyvm run", "--max-tokens: expected one argument"),
        (("run", "hello", "--stack-size", 100), "pyvm run", "--stack-size: a C stack cannot"),
        (("compile", "hello", "--stack-size", "1 MiB"), "pyvm compile", "'1 MiB' is no whole"),
        (("trace", "hello", "--stack-size", 1 << 26), "pyvm trace", "from 256 to 33,554,432"),
        (("specialize", "hello", "--stack-size", "-16"), "pyvm specialize", "--stack-size: "),
    ],
)
def test_wrong_usage_names_the_command_and_the_option(arguments, usage, said):
    done = pyvm(*arguments)
    report = done.stderr.decode()
    assert done.returncode == 2 and done.stdout == b""
    assert report.startswith(f"usage: {usage} ") and said in report, report


@pytest.mark.skipif(os.name == "nt", reason="arguments are bytes on POSIX")
def test_an_input_is_bytes(tmp_path):
    program = token_file(tmp_path, "input")
    for given in (b"|\xff\xfe|", "|ä|".encode("latin-1"), "|ä|".encode()):
        tokens = pyvm("compile", program, b"--input=" + given)
        assert tokens.returncode == 0, tokens.stderr
        words = tokens.stdout.split(b"\n")[-2].split()[:-2]
        text = b"".join(w if len(w) == 1 else bytes.fromhex(w.decode()) for w in words)
        assert text == given
        env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        assert pyvm("compile", program, b"--input=" + given, env=env).stdout == tokens.stdout
    done = pyvm("model", "explain", "--program", "addition", b"--input=1+\xff")
    assert done.returncode == 0, done.stderr


def test_a_program_may_begin_with_a_dash(tmp_path):
    (tmp_path / "-x.txt").write_bytes(token_file(tmp_path, "output").read_bytes())
    done = pyvm("run", "--no-verify", "--", "-x.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "-y.c: no such file" in failure(pyvm("run", "--", "-y.c", cwd=tmp_path))


@pytest.mark.parametrize("command", ["run", "compile", "trace", "specialize"])
def test_a_stack_size_is_for_c(tmp_path, command):
    program = token_file(tmp_path, "output")
    output = ("-o", tmp_path / "model.bin") if command == "specialize" else ()
    message = failure(pyvm(command, program, "--stack-size", 4096, *output))
    assert f"{program} is no C file" in message and "--stack-size" in message


@pytest.mark.parametrize("name", ["a.rs", "a.wat", "a"])
def test_a_file_of_another_language(tmp_path, name):
    (tmp_path / name).write_text("#include <cstdio>\nint main() {}\n")
    message = failure(pyvm("run", name, cwd=tmp_path))
    assert message.startswith(f"pyvm: {name} is neither C, C++, WebAssembly nor a token file: ")
    assert "compiles .c, .cpp and .wasm" in message


@pytest.mark.parametrize("command", ["run", "compile", "trace"])
def test_what_is_no_file(tmp_path, command):
    (tmp_path / "folder.c").mkdir()
    assert failure(pyvm(command, "folder.c", cwd=tmp_path)) == "pyvm: folder.c is a directory\n"
    assert failure(pyvm(command, ".", cwd=tmp_path)) == "pyvm: . is a directory\n"
    assert "an empty name: no such file" in failure(pyvm(command, ""))
    if os.name != "nt":
        os.mkfifo(tmp_path / "fifo")
        assert "fifo is no regular file" in failure(pyvm(command, "fifo", cwd=tmp_path))


@pytest.mark.parametrize(
    "content", [b"junk", b"", b"\0asm", b"\0asm\1\0\0\0\xff", b"\0asm\1\0\0\0"]
)
def test_a_bad_module_is_named(tmp_path, content):
    (tmp_path / "junk.wasm").write_bytes(content)
    message = failure(pyvm("run", "junk.wasm", cwd=tmp_path))
    assert message.startswith("pyvm: junk.wasm: ") and message.count("junk.wasm") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("model", "compile", ""),
        ("model", "info", ""),
        ("run", "hello", "--model", ""),
        ("run", "hello", "--input-file", ""),
        ("run", "hello", "--inputs", ""),
        ("run", "hello", "--trace", ""),
        ("run", "hello", "--profile", ""),
        ("run", "prog.c", "-I", ""),
        ("verify", "a.txt", ""),
        ("export", "", "--to", "onnx", "-o", "x"),
    ],
)
def test_the_empty_name_is_no_files(tmp_path, command):
    """It is neither no name at all nor this folder."""
    done = pyvm(*command, cwd=tmp_path)
    assert done.returncode == 2 and b": the empty name is no file's\n" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        "run endless.txt --profile",
        "trace endless.txt -o",
        "view endless.txt -o",
        "compile missing.c -o",
        "specialize missing.c -o",
        "model build --solve 100 -o",
    ],
)
def test_a_place_for_a_result_is_looked_at_first(tmp_path, command):
    """Before the work, which here would not end."""
    (tmp_path / "endless.txt").write_bytes(token_file(tmp_path, "loop").read_bytes())
    (tmp_path / "folder").mkdir()
    for path, said in (("folder", "it is a directory"), ("no/file", "its folder does not exist")):
        message = failure(pyvm(*command.split(), path, cwd=tmp_path))
        assert message == f"pyvm: {path} cannot be written: {said}\n"


def test_a_refusal_names_the_program_once():
    message = failure(pyvm("run", "hello", "--", "word"))
    assert message.startswith("pyvm: hello is no command: arguments behind --")
    done = pyvm("run", "hello", "--threads", 1025)
    assert done.returncode == 2 and b"--threads: 1025 is too large: at most 1,024" in done.stderr
