"""Writes files without destroying what was there: the one way in which pyvm leaves results.

Enters: a path and bytes.  Leaves: the file, whole, or an OSError that names the path and says in
its `strerror` what is wrong; then the old content is still there, and nothing beside it.

A regular file is written aside in its folder and renamed, so that nobody sees half of one. Its mode
stays, and its owner where the system allows it. Links are followed: what they lead to is written.
Everything else, such as a FIFO or a device, cannot be replaced without destroying it: the bytes are
written into it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys

_FLAGS = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` as the file that `path` names, links followed."""
    named = os.fspath(path)
    try:
        _write(named, data)
    except OSError as error:
        # The file that the system could not write may have been the one aside.
        raise type(error)(error.errno, error.strerror, named) from None


def check_place(path: str) -> None:
    """Raises what write_file() would, as far as it is known before there is anything to write."""
    if not path:
        raise FileNotFoundError(errno.ENOENT, "the empty name is no file's", path)
    separators = (os.sep, os.altsep or os.sep)
    if path.endswith(separators) or os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
    try:
        os.stat(os.path.join(os.path.dirname(os.path.realpath(path)), "."))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist", path) from None
    except OSError:  # what is wrong with it is known when it is written
        pass


def replace_file(
    path: str | os.PathLike[str],
    data: bytes,
    like: os.stat_result | None = None,
    mode: int = 0o666,
) -> None:
    """Puts a regular file with `data` at `path` itself, whatever is there but a folder.

    Mode and owner are those of `like`, by default what any new file of `mode` gets.
    """
    folder, name = os.path.split(os.fspath(path))
    # The name is short enough for the longest one allowed, and as no other file may have it,
    # nobody can put a link there.
    aside = os.path.join(folder, f"{name[:40]}.{os.urandom(8).hex()}.part")
    try:
        descriptor = _make(aside, mode if like is None else like.st_mode & 0o700)
        try:
            _write_all(descriptor, data)
            if like is not None:
                _make_like(descriptor, like)
        finally:
            os.close(descriptor)  # some file systems say only now that they are full
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def _write(path: str, data: bytes) -> None:
    check_place(path)
    try:
        found: os.stat_result | None = os.stat(path)
    except FileNotFoundError:
        found = None
    stream = None if found is None else _standard_stream(found)
    if stream is not None:
        _write_all(stream, data)
    elif found is None:
        replace_file(os.path.realpath(path), data)
    elif stat.S_ISREG(found.st_mode):
        os.close(os.open(path, _FLAGS))  # a file that may not be written may not be replaced either
        replace_file(os.path.realpath(path), data, found)
    else:
        descriptor = os.open(path, _FLAGS | getattr(os, "O_NOCTTY", 0))
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)


def _standard_stream(found: os.stat_result) -> int | None:
    """The descriptor of stdout or stderr that has this file open, as with -o /dev/stdout.

    Its reader, or a shell that adds to it afterwards, would not see a file in its place.
    """
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(os.fstat(descriptor), found):
                if stream is not None:
                    stream.flush()
                return descriptor
    return None


def _make(path: str, mode: int) -> int:
    try:
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            words = "its folder does not exist"
        else:
            words = f"no file can be made in its folder ({error.strerror})"
        raise type(error)(error.errno, words, path) from None


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_like(descriptor: int, like: os.stat_result) -> None:
    """Gives an open file mode, owner and group of another, where the system allows it."""
    if not hasattr(os, "fchown"):
        return
    mode, new = stat.S_IMODE(like.st_mode), os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (like.st_uid, like.st_gid):
        try:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        except OSError:
            mode &= 0o777  # nobody's program runs with the rights of another owner
    os.fchmod(descriptor, mode)  # after fchown, which takes some bits away
