"""stdin, stdout and stderr as a caller may have left them: closed, full, or read by nobody.

Enters: the process's three streams.  Leaves: streams that can be used; a write to stdout that fails
raises OSError with the name "stdout", and what cannot be said on stderr is not said.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MODES = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)  # so that writing to a closed stdout still fails


class _Stdout(io.BufferedWriter):
    """Not a FileIO: a signal between a write and its return would leave the bytes in the buffer."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise _named(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from None


def _named(error: OSError) -> OSError:
    if isinstance(error, BrokenPipeError):
        return error
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return OSError(error.errno, reason, "stdout")


def prepare() -> None:
    """Before any file is opened: it would get the number of a closed stream."""
    for number, mode in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number is this one
    if sys.stderr is None:
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)
    old = sys.stdout
    sys.stdout = io.TextIOWrapper(
        _Stdout(io.FileIO(1, "w", closefd=False)),
        encoding=old.encoding if old else None,
        errors="backslashreplace",
        line_buffering=os.isatty(1),
    )


def give_up(number: int) -> None:
    """What a stream still holds is dropped: Python would fail again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


_in_line = False  # what a program wrote on stderr did not end its line


def warn(text: str) -> None:
    """Text on stderr, as far as there is one, from the beginning of a line on."""
    global _in_line
    encoding = sys.stderr.encoding or "utf-8"
    _write_stderr(b"\n" * _in_line + text.encode(encoding, "backslashreplace"))
    _in_line = False


def write_errors(data: bytes) -> None:
    """What a program writes on its error stream, as it is."""
    global _in_line
    _write_stderr(data)
    _in_line = not data.endswith(b"\n")


def _write_stderr(data: bytes) -> None:
    try:
        sys.stderr.flush()
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
    except (OSError, ValueError):
        give_up(2)
