"""The user's cache folder: where it is, and files in it that others may have put there.

Enters: names and bytes.  Leaves: the bytes that were kept, or None.  A cache that cannot be read or
written is no error: what would be in it is made anew.

PYVM_CACHE names the folder, else it is the system's usual place.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pyvm.files import replace_file

if TYPE_CHECKING:
    from ctypes import Array, c_char
    from io import BufferedReader
    from typing import TypeAlias

    Octets: TypeAlias = bytes | Array[c_char]  # of a file

_STALE = 600.0  # seconds: a file aside is written in a fraction of one


def folder() -> Path | None:
    """The folder; None when there is no home for one."""
    if chosen := os.environ.get("PYVM_CACHE"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    usual = {"win32": os.environ.get("LOCALAPPDATA", home), "darwin": home / "Library/Caches"}
    return Path(
        usual.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or home / ".cache"), "pyvm"
    )


def read(path: Path, most: int, own: bool = False) -> bytes | None:
    """A regular file of at most so many bytes; with `own`, one that none other can write."""
    if file := _opened(path, most, own):
        with contextlib.suppress(OSError), file:
            return file.read(most)
    return None


def read_large(path: Path, most: int) -> Octets | None:
    """A regular file of megabytes, in large pages where the system has them: to touch pages of 4 KB
    for the first time takes longer than to read what is in them."""
    import ctypes
    import mmap

    if file := _opened(path, most):
        with contextlib.suppress(OSError), file:
            size = os.fstat(file.fileno()).st_size
            if size == 0 or not hasattr(mmap, "MADV_HUGEPAGE"):
                return file.read(most)
            room = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            with contextlib.suppress(OSError):  # a system without them
                room.madvise(mmap.MADV_HUGEPAGE)
            if file.readinto(room) == size:
                return (ctypes.c_char * size).from_buffer(room)
    return None


def _opened(path: Path, most: int, own: bool = False) -> BufferedReader | None:
    # What a stranger put there may be a link, or a FIFO that would keep us waiting.
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size <= most and (not own or is_own(found)):
        return open(descriptor, "rb")
    os.close(descriptor)
    return None


def is_own(found: os.stat_result) -> bool:
    """Whether it belongs to this user, and nobody else can write it."""
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def is_owned(path: Path) -> bool:
    """A file, in a folder, that this user owns and nobody else can write."""
    try:
        file, folder = path.lstat(), path.parent.lstat()
    except OSError:
        return False
    kinds = stat.S_ISREG(file.st_mode) and stat.S_ISDIR(folder.st_mode)
    return kinds and is_own(file) and is_own(folder)


def keep(path: Path, data: bytes) -> None:
    """Writes a file that only its owner can write, whole or not at all."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, mode=0o644)


def remove_stale(folder: Path, pattern: str) -> None:
    """What writers left that were killed."""
    with contextlib.suppress(OSError):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - path.lstat().st_mtime > _STALE:
                    path.unlink()


def make_room(folder: Path, pattern: str, most_files: int, most_bytes: int) -> None:
    """Removes files until there are no more than so many; the longest unused go first."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                status = path.lstat()
                found.append((status.st_mtime_ns, status.st_size, path))
    count, size = len(found), sum(size for _, size, _ in found)
    for _, bytes_, path in sorted(found):
        if count <= most_files and size <= most_bytes:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        count, size = count - 1, size - bytes_


def used(path: Path) -> None:
    """A file was of use: others make room first."""
    with contextlib.suppress(OSError):
        os.utime(path)


def state_of(paths: Iterable[Path], kinds: tuple[str, ...]) -> str:
    """Which sources these are, files or folders with files of these kinds: name, size and time of
    change of each.  Reading them would take longer than a small program's run.
    """
    found, more = [], [os.fspath(path) for path in paths]
    while more:
        path = more.pop()
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            found.append(f"{path} {status.st_size} {status.st_mtime_ns}")
            continue
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.endswith(kinds):
                    status = entry.stat()
                    found.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
                elif entry.is_dir() and entry.name != "__pycache__":
                    more.append(entry.path)
    return "\n".join(sorted(found))
