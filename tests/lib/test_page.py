"""The C program of lib/README.md compiles without a warning and prints what is said there."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import pyvm
from pyvm.engine.library import library_path

LIB = Path(__file__).parents[2] / "lib"
PAGE = (LIB / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path, model_path):
    compiler = shlex.split(os.environ.get("CC", "")) or [shutil.which("cc") or shutil.which("gcc")]
    if compiler[0] is None:
        pytest.skip("there is no C compiler")
    source, program, tokens = (tmp_path / name for name in ("example.c", "example", "hello.txt"))
    source.write_text(re.search(r"```c\n(.*?)```", PAGE, re.DOTALL)[1])
    tokens.write_text(pyvm.compile("hello").text())
    library = library_path()
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{LIB}", f"-Wl,-rpath,{library.parent}"]
    subprocess.run([*compiler, *flags, source, library, "-o", program], check=True)
    done = subprocess.run([program, model_path, tokens], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in PAGE.splitlines()[-1]
    missing = subprocess.run([program, "none", tokens], capture_output=True, text=True)
    assert missing.returncode == 1 and "none: " in missing.stderr
