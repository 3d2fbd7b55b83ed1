"""Writing results: nothing that `-o` names is destroyed, nothing half-written is left."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyvm.files import replace_file, write_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes, links and FIFOs of POSIX")

NEW = b"new content\n" * 3


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def compile_to(path, *words: str, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *words, "-m", "pyvm.cli", "compile", "hello", "-o", str(path)]
    return subprocess.run(command, capture_output=True, timeout=60, **options)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_has_the_mode_of_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "new", NEW)
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == NEW
    assert mode(tmp_path / "new") == 0o666 & ~umask
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o755, 0o666])
def test_the_mode_stays(tmp_path, kept):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(kept)
    write_file(path, NEW)
    assert (path.read_bytes(), mode(path)) == (NEW, kept)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 65534, 65534)
    path.chmod(0o4750)
    write_file(path, NEW)
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode(path)) == (65534, 65534, 0o4750)


def test_links_are_followed(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "target"
    target.write_text("old")
    target.chmod(0o600)
    (folder / "middle").symlink_to("target")  # relative to its own folder
    (tmp_path / "first").symlink_to(folder / "middle")
    write_file(tmp_path / "first", NEW)
    assert (tmp_path / "first").is_symlink() and (folder / "middle").is_symlink()
    assert (target.read_bytes(), mode(target)) == (NEW, 0o600)
    assert sorted(os.listdir(folder)) == ["middle", "target"]


def test_a_link_to_nothing_makes_its_target(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "second").symlink_to("folder/new")
    (tmp_path / "first").symlink_to("second")
    write_file(tmp_path / "first", NEW)
    assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()
    assert (tmp_path / "folder" / "new").read_bytes() == NEW


def test_a_loop_of_links_is_an_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        write_file(tmp_path / "a", NEW)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_fifo_is_written_into(tmp_path, through_a_link):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    path = fifo
    if through_a_link:
        path = tmp_path / "link"
        path.symlink_to("fifo")
    # Opened for both directions, neither side waits, and 36 bytes fit the pipe.
    end = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        write_file(path, NEW)
        assert os.read(end, 100) == NEW
    finally:
        os.close(end)
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_the_command_line_writes_into_a_fifo(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(fifo.read_bytes()), daemon=True)
    reader.start()
    done = compile_to(fifo)
    reader.join(10)
    assert done.returncode == 0, done.stderr
    assert seen and seen[0].startswith(b"{\n")
    assert stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_stdout_by_its_name_is_added_to(tmp_path):
    """A file in place of the one that the shell has open would lose what comes after."""
    # A link of our own, so that a fault here cannot replace the system's /dev/stdout.
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")
    log = tmp_path / "log"
    with log.open("wb") as out:
        out.write(b"before\n")
        out.flush()
        command = [sys.executable, "-m", "pyvm.cli", "compile", "hello", "-o", "stdout"]
        done = subprocess.run(command, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, done.stderr
        os.write(out.fileno(), b"after\n")
    text = log.read_bytes()
    assert text.startswith(b"before\n{\n") and text.endswith(b"after\n")
    assert (tmp_path / "stdout").is_symlink()


@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_the_old_content(tmp_path, existing):
    path = tmp_path / "out"
    if existing:
        path.write_text("old")
        path.chmod(0o600)
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (100, 100)); "
        f"from pyvm.cli import main; main(['compile', 'hello', '-o', {str(path)!r}])"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, timeout=60)
    assert b"cannot be written: File too large" in done.stderr
    assert os.listdir(tmp_path) == (["out"] if existing else [])
    if existing:
        assert (path.read_text(), mode(path)) == ("old", 0o600)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("call", ["write", "close", "replace", "fchmod"])
def test_an_interrupted_write_leaves_the_old_content(tmp_path, monkeypatch, call, error):
    path = tmp_path / "out"
    path.write_text("old")
    real_close = os.close

    def fail(*arguments, **named):
        if call == "close":
            real_close(*arguments)
        raise error

    with monkeypatch.context() as patch:
        if call == "close":  # the second: the first only asked whether the file may be written
            calls = iter([real_close, fail])
            patch.setattr(os, "close", lambda descriptor: next(calls)(descriptor))
        else:
            patch.setattr(os, call, fail)
        with pytest.raises(type(error)):
            write_file(path, NEW)
    assert os.listdir(tmp_path) == ["out"]
    assert path.read_text() == "old"


def test_a_folder_that_takes_no_file_is_named(tmp_path, monkeypatch):
    path, real = tmp_path / "out", os.open

    def refuse(name, flags, *rest, **named):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", name)
        return real(name, flags, *rest, **named)

    path.write_text("old")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError) as caught:
        write_file(path, NEW)
    assert caught.value.strerror == "no file can be made in its folder (Permission denied)"
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_file_is_not_replaced(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        write_file(path, NEW)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "name, words",
    [
        ("", "empty name"),
        ("folder", "directory"),
        ("new/", "directory"),
        ("a/b", "folder does not"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    done = compile_to(name, cwd=tmp_path)
    message = done.stderr.decode()
    assert done.returncode != 0 and words in message and message.count("\n") == 1, message
    assert os.listdir(tmp_path) == ["folder"] and not os.listdir(tmp_path / "folder")


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("é" * 127)
    write_file(path, NEW)
    assert path.read_bytes() == NEW


def test_replacing_takes_the_place_of_anything(tmp_path):
    """The cache is replaced itself: what a stranger put there is not written to."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "other").write_text("another's")
    (tmp_path / "link").symlink_to("other")
    for name in ("fifo", "link"):
        replace_file(tmp_path / name, NEW)
        assert Path(tmp_path / name).is_file() and not (tmp_path / name).is_symlink()
    assert (tmp_path / "other").read_text() == "another's"
