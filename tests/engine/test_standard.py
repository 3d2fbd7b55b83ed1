"""The cached machines: believed for its content alone, whatever lies in its place."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pyvm
from cases import BY_NAME
from pyvm import cache
from pyvm.engine import standard

CASE = BY_NAME["output"]


@pytest.fixture
def cached(tmp_path, monkeypatch) -> Path:
    """Where the standard machine is kept; nothing is there yet."""
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    path = standard.cache_file()
    assert path is not None
    return path


@pytest.fixture(scope="session")
def another(model_file) -> bytes:
    """A machine of the same shape that writes ! for every byte it should write."""
    head = np.array(model_file.head)
    wanted = model_file.vocabulary.index("out(!)")
    for token, name in enumerate(model_file.vocabulary):
        if name.startswith("out("):
            head[[token, wanted]] = head[[wanted, token]]
            break
    return dataclasses.replace(model_file, head=head).to_bytes()


def test_the_recorded_digests_are_those_of_the_builder():
    recorded = Path(pyvm.__file__).parent / "weights" / "machines.sha256"
    found = {}
    for machine in standard.MACHINES:
        data = standard.machine_bytes(machine)
        found[f"{machine}.bin"] = hashlib.sha256(data).hexdigest()
    words = "the builder gives another model: record it with `python -m pyvm.weights`"
    lines = recorded.read_text().splitlines()
    assert {name: digest for digest, name in map(str.split, lines)} == found, words


def test_each_machine_has_its_own_file(cached):
    """And a model of one is not taken for the other."""
    pyvm.load("base").close()
    base = standard.cache_file("base")
    assert sorted(os.listdir(cached.parent)) == [base.name]
    cached.write_bytes(base.read_bytes())
    with pyvm.load() as model:
        assert "i64.mul" in model.vocabulary
    assert sorted(os.listdir(cached.parent)) == sorted([base.name, cached.name])
    with pyvm.load("base") as model:
        assert "i64.mul" not in model.vocabulary


def test_the_machines_of_others_make_room(cached):
    """Each checkout has a file of its own; the longest unused go."""
    others = [cached.with_name(f"standard-{i:016x}.bin") for i in range(standard.MOST_FILES + 1)]
    for age, path in enumerate(others):
        path.write_bytes(b"another")
        os.utime(path, (1e9 - age, 1e9 - age))
    base = cached.with_name("base-0123456789abcdef.bin")
    base.write_bytes(b"another")
    pyvm.load().close()
    kept = {cached, base, *others[: standard.MOST_FILES - 1]}
    assert {path for path in cached.parent.iterdir() if path.suffix == ".bin"} == kept
    os.utime(cached, (1, 1))
    pyvm.load().close()
    assert cached.stat().st_mtime > 1e9  # it was used


def test_another_model_in_the_cache_is_not_run(cached, another, model_bytes):
    cached.write_bytes(another)
    with pyvm.load() as model:
        assert model.generate(CASE.prompt).output == CASE.output
        assert np.array_equal(
            model.generate(CASE.prompt).tokens, pyvm.load(model_bytes).generate(CASE.prompt).tokens
        )
    assert cached.read_bytes() == model_bytes  # and it does not stay


@pytest.mark.parametrize("damage", ["cut", "bit", "longer", "empty"])
def test_a_damaged_file_is_replaced(cached, model_bytes, damage):
    data = bytearray(model_bytes)
    if damage == "bit":
        data[len(data) // 2] ^= 1
    cut = {"cut": data[:-1], "bit": data, "longer": data + b"\0", "empty": b""}[damage]
    cached.write_bytes(cut)
    pyvm.load().close()
    assert cached.read_bytes() == model_bytes


@pytest.mark.skipif(os.name == "nt", reason="links and FIFOs of POSIX")
@pytest.mark.parametrize("kind", ["fifo", "link", "link to nothing", "folder"])
def test_what_is_no_file_is_not_opened(cached, another, model_bytes, tmp_path, kind):
    other = tmp_path / "other.bin"
    if kind == "fifo":
        os.mkfifo(cached)
    elif kind == "folder":
        cached.mkdir()
    else:
        cached.symlink_to(other)
        if kind == "link":
            other.write_bytes(another)
    # In a process of its own, as a fault would wait for ever.
    code = "import pyvm; print(pyvm.load().generate(pyvm.compile('hello')).output)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout.startswith(b"b'Hello"), done.stderr
    if kind == "folder":
        assert cached.is_dir()
    else:
        assert stat.S_ISREG(cached.lstat().st_mode) and cached.read_bytes() == model_bytes
        assert other.exists() == (kind == "link")
        assert kind != "link" or other.read_bytes() == another
    assert sorted(os.listdir(cached.parent)) == ["programs", cached.name]


def test_the_model_of_a_changed_builder_is_not_kept(cached, another, monkeypatch):
    monkeypatch.setattr(standard, "machine_bytes", lambda machine: another)
    pyvm.load().close()
    assert not cached.exists()


def test_a_large_file_is_read_whole_or_not(tmp_path):
    path = tmp_path / "file"
    for content in (b"", b"a", os.urandom((5 << 20) + 3)):
        path.write_bytes(content)
        assert bytes(cache.read_large(path, len(content))) == content
        assert content == b"" or cache.read_large(path, len(content) - 1) is None


def test_what_killed_writers_left_goes(cached):
    stale, fresh = (cached.with_name(f"{cached.name}.{n}.part") for n in (1, 2))
    foreign = cached.with_name("notes.part")
    for path in (stale, fresh, foreign):
        path.write_bytes(b"half")
    hour_ago = time.time() - 3600
    os.utime(stale, (hour_ago, hour_ago))
    os.utime(foreign, (hour_ago, hour_ago))
    pyvm.load().close()
    assert sorted(os.listdir(cached.parent)) == sorted([cached.name, fresh.name, foreign.name])


def test_an_unreadable_cache_is_no_error(cached, monkeypatch):
    pyvm.load().close()
    real = os.open

    def refuse(path, *rest, **named):
        if str(path) == str(cached):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pyvm.load() as model:
        assert model.generate(CASE.prompt).output == CASE.output
