"""Compiled programs kept in the user's cache folder, by their content.

Enters: a module, what is asked of it, and the input.  Leaves: the program that was compiled from
the same before, or None.  Nothing of the compiler is imported here.

A file is named by a hash of the module, of the request and of which files the compiler is.  It is
believed only if nobody else can have written it and its checksum is right (pyvm/isa/stored.py).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pyvm import cache, notes
from pyvm.isa.program import Program
from pyvm.isa.stored import from_bytes, to_bytes

FOLDER = "programs"
MOST_BYTES = 1 << 29  # of all files
MOST_FILES = 1000
LARGEST = 1 << 27  # of one file
_SUFFIX = ".program"
_PACKAGE = Path(__file__).resolve().parents[1]
_SOURCES = ("compiler", "floats", "host", "wasm", "isa")
_KINDS = (".py", ".wasm")


class Kept:
    """What was, or will be, compiled from a module for a request."""

    def __init__(self, module: bytes, *request: object):
        folder = cache.folder()
        self._folder = None if folder is None else folder / FOLDER
        sources = cache.state_of([_PACKAGE / name for name in _SOURCES], _KINDS)
        digest = hashlib.sha256(f"{sources} {request!r} ".encode())
        digest.update(module)
        self._key = digest.hexdigest()
        self._last: tuple[str, Program] | None = None  # what was loaded or saved

    def load(self, input: bytes, name: str) -> Program | None:
        """The program with this input and name."""
        for note in self._notes(len(input)):
            program = self._read(note)
            if program is None:
                continue
            if program.takes_input and program.room is not None and len(input) > program.room:
                continue
            return program.renamed(name, input if program.takes_input else None)
        return None

    def save(self, program: Program) -> None:
        """Keeps a program for the next time; the oldest others make room for it."""
        any_input, this_input = self._notes(len(program.input or b""))
        note = any_input if program.settled else this_input
        self._last = note, program
        if self._folder is None:
            return
        data = to_bytes(program, note)
        if len(data) <= LARGEST:
            cache.keep(self._folder / f"{note}{_SUFFIX}", data)
            cache.remove_stale(self._folder, "*.part")
            cache.make_room(self._folder, f"*{_SUFFIX}", MOST_FILES, MOST_BYTES)

    def _notes(self, length: int) -> tuple[str, str]:
        """Names for a program that is the same for every input, and for those of this length."""
        return self._key, f"{self._key}-{length}"

    def _read(self, note: str) -> Program | None:
        if self._last is not None and self._last[0] == note:
            return self._last[1]
        if self._folder is None:
            return None
        path = self._folder / f"{note}{_SUFFIX}"
        data = cache.read(path, LARGEST, own=True)
        program = None if data is None else from_bytes(data, note)
        if program is not None:
            cache.used(path)
            self._last = note, program
            notes.note(f"program: compiled before, and kept in {path}")
        return program
