"""`pyvm.load`: opens a model; without an argument the standard machine.

Enters: a path, bytes, the name of a machine ("standard", "base") or nothing.  Leaves: a `Model`.

A machine is built by pyvm.weights on first use and kept as a file in the user's cache folder
(pyvm/cache.py).  Its name holds a hash of which sources built it, so that a changed builder never
meets an old file.

Others may be able to write to that folder.  So the file is believed for its content alone: its
SHA-256 must be the one recorded in the package (pyvm/weights/machines.sha256), whoever owns it.
Anything else there is not opened as a model, and the machine is built anew.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyvm import cache
from pyvm.engine.kept_kernels import take_kernel, there_are_kernels
from pyvm.engine.model import Model
from pyvm.isa.tokens import BASE_VOCABULARY, VOCABULARY
from pyvm.notes import note

if TYPE_CHECKING:
    from pyvm.cache import Octets

VOCABULARIES = {"standard": VOCABULARY, "base": BASE_VOCABULARY}
MACHINES = tuple(VOCABULARIES)
_BUILDERS = ("graph", "schedule", "weights", "isa/instructions.py", "isa/tokens.py", "isa/traps.py")
_KINDS = (".py", ".json")
_PACKAGE = Path(__file__).resolve().parents[1]
MOST_FILES = 8  # of each machine: one for each checkout or installation that was used lately
_MOST = 1 << 26  # bytes that are read of a cached file: more than any machine has


def load(source: str | os.PathLike[str] | bytes | None = None) -> Model:
    """Opens a model file, the bytes of one, or a machine by its name; without an argument the
    standard machine.  (A file that is called like a machine is named by "./base".)  Runs take the
    model's kernel: the standard machine's, or one that `pyvm model compile` has made.

    Raises ModelError for what is no model, FileError for what cannot be read.

    >>> pyvm.load("base")
    <Model V=915 D=24 L=4 H=12 F=...>
    """
    machine = "standard" if source is None else source
    if not (isinstance(machine, str) and machine in MACHINES):
        model = Model(machine)
        if there_are_kernels():
            digest = _digest(machine if isinstance(machine, bytes) else _read(machine))
            take_kernel(model, digest, digest == _recorded("standard"))
        return model
    cached, recorded = cache_file(machine), _recorded(machine)
    data = None if cached is None else cache.read_large(cached, _MOST)
    if cached is not None and data is not None and _digest(data) == recorded:
        note(f"machine: {machine} is kept in {cached}")
        cache.used(cached)
        digest = recorded
    else:
        note(f"machine: {machine} is built from its schedule")
        data = machine_bytes(machine)
        digest = _digest(data)
        if cached is not None and digest == recorded:
            cache.remove_stale(cached.parent, "*-*.bin*.part")
            cache.keep(cached, data)
            cache.make_room(cached.parent, f"{machine}-*.bin", MOST_FILES, MOST_FILES * _MOST)
    model = Model(data, VOCABULARIES[machine])
    model.source = machine
    take_kernel(model, digest, machine == "standard")
    return model


def _read(path: str | os.PathLike[str]) -> bytes:
    """A model file that was opened; nothing when it is not there any more."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def machine_bytes(machine: str) -> bytes:
    """The model file of a machine, built now."""
    from pyvm.weights import machine_model

    return machine_model(machine).to_bytes()


def cache_file(machine: str = "standard") -> Path | None:
    """Where a machine is kept; None when there is no home for a cache."""
    folder = cache.folder()
    if folder is None:
        return None
    builders = cache.state_of([_PACKAGE / name for name in _BUILDERS], _KINDS)
    return folder / f"{machine}-{_digest(builders.encode())[:16]}.bin"


def _digest(data: Octets) -> str:
    return hashlib.sha256(data).hexdigest()


def _recorded(machine: str) -> str:
    """The digest of a machine's file."""
    lines = (_PACKAGE / "weights" / "machines.sha256").read_text(encoding="ascii").splitlines()
    recorded = {name: digest for digest, name in map(str.split, lines)}
    return recorded[f"{machine}.bin"]
