"""`pyvm model compile`: a kernel in the cache folder, which runs take if it is the user's alone."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

import pyvm
from command import failure
from command import pyvm as command
from pyvm.engine import kept_kernels
from pyvm.engine.kept_kernels import kernel_file
from pyvm.engine.library import library_path

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler"
)


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch):
    """The library came without a kernel of the standard machine."""
    monkeypatch.setattr(kept_kernels, "standard_kernel", lambda: None)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, model_bytes) -> Path:
    """Of the standard machine, for hello, in a cache folder of its own."""
    folder = tmp_path_factory.mktemp("kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYVM_CACHE", str(folder))
        done = command("model", "compile", "--program", "hello")
        assert done.returncode == 0, done.stderr
        path = file_of(model_bytes)
        assert path is not None and path.is_file() and str(path) in done.stderr.decode()
    return folder


def file_of(model: bytes) -> Path:
    return kernel_file(hashlib.sha256(model).hexdigest())


def covered(model: pyvm.Model) -> int:
    return model.generate(pyvm.compile("hello")).covered


def test_runs_take_it(compiled, model_path, model_bytes, tmp_path, monkeypatch):
    monkeypatch.setenv("PYVM_CACHE", str(compiled))
    for source in (None, model_path, model_bytes):
        with pyvm.load(source) as model:
            assert model.kernel == file_of(model_bytes) and covered(model) > 1_000
    with pyvm.load("base") as base:
        assert base.kernel is None
    alone = tmp_path / library_path().name  # another process would find the shipped one
    shutil.copy(library_path(), alone)
    monkeypatch.setenv("PYVM_LIBRARY", str(alone))
    said = command("model", "info").stdout.decode()
    assert re.search(rf"{re.escape(str(file_of(model_bytes)))}, [\d,]+ blocks\n", said)


@pytest.mark.parametrize(
    ("kept", "shipped", "taken"),
    [(5, 4, "kept"), (5, 5, "kept"), (4, 5, "shipped"), (5, None, "kept"), (None, 5, "shipped")],
)
def test_the_one_of_more_blocks_is_taken(
    kept, shipped, taken, compiled, tmp_path, model_bytes, monkeypatch
):
    """Of the user's own and the one that came with the library; None: of another version."""
    monkeypatch.setenv("PYVM_CACHE", str(compiled))
    paths = {"kept": file_of(model_bytes), "shipped": tmp_path / "standard_kernel.so"}
    shutil.copy(paths["kept"], paths["shipped"])
    monkeypatch.setattr(kept_kernels, "standard_kernel", lambda: paths["shipped"])
    blocks = {paths["kept"]: kept, paths["shipped"]: shipped}
    real = kept_kernels.kernel_blocks

    def counted(model, path):
        if blocks[path] is None:
            raise pyvm.PyvmError("it is for another version of the library")
        assert real(model, path) > 100
        return blocks[path]

    monkeypatch.setattr(kept_kernels, "kernel_blocks", counted)
    with pyvm.load() as model:
        assert model.kernel == paths[taken] and covered(model) > 1_000


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_others_can_write_is_not_loaded(what, compiled, tmp_path, model_bytes, monkeypatch):
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    path = file_of(model_bytes)
    shutil.copytree(compiled / "kernels", path.parent)
    with pyvm.load() as model:
        assert covered(model) > 1_000
    if what == "link":
        os.rename(path, tmp_path / "elsewhere.so")
        path.symlink_to(tmp_path / "elsewhere.so")
    else:
        (path if what == "file" else path.parent).chmod(0o777)
    with pyvm.load() as model:
        assert model.kernel is None and covered(model) == 0


def test_what_is_no_kernel_is_left_alone(tmp_path, model_bytes, monkeypatch):
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    path = file_of(model_bytes)
    path.parent.mkdir()
    path.write_bytes(b"nothing")
    with pyvm.load() as model:
        assert model.kernel is None and covered(model) == 0


def test_what_cannot_be_compiled(compiled, tmp_path, monkeypatch):
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    done = command("model", "compile", "--program", "hello")
    assert done.returncode == 125 and b"no C++ compiler" in done.stderr
    assert "nothing.bin" in failure(command("model", "compile", "nothing.bin"))
