"""`pyvm.load`: opens a model; without an argument the standard machine.

Enters: a path, bytes, the name of a machine ("standard", "base") or nothing.  Leaves: a `Model`.

A machine is built by pyvm.weights on first use and kept as a file in the user's cache folder
(pyvm/cache.py).  Its name holds a hash of the sources that built it, so that a changed builder
never meets an old file.

Others may be able to write to that folder.  So the file is believed for its content alone: its
SHA-256 must be the one recorded in the package (pyvm/weights/machines.sha256), whoever owns it.
Anything else there is not opened as a model, and the machine is built anew.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pyvm import cache
from pyvm.engine.kept_kernels import take_kernel, there_are_kernels
from pyvm.engine.model import Model
from pyvm.notes import note

MACHINES = ("standard", "base")
_BUILDERS = ("graph", "schedule", "weights", "isa/instructions.py", "isa/tokens.py", "isa/traps.py")
_PACKAGE = Path(__file__).resolve().parents[1]
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
            given = machine if isinstance(machine, bytes) else _read(machine)
            take_kernel(model, given, _is_machine(given, "standard"))
        return model
    cached = cache_file(machine)
    data = None if cached is None else _kept(cached, machine)
    if data is None:
        note(f"machine: {machine} is built from its schedule")
        data = machine_bytes(machine)
        if cached is not None and _is_machine(data, machine):
            cache.keep(cached, data)
    else:
        note(f"machine: {machine} is kept in {cached}")
    model = Model(data)
    model.source = machine
    take_kernel(model, data, machine == "standard")
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
    return None if folder is None else folder / f"{machine}-{_builders_hash()}.bin"


def _builders_hash() -> str:
    digest = hashlib.sha256()
    for name in _BUILDERS:
        path = _PACKAGE / name
        files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _is_machine(data: bytes, machine: str) -> bool:
    """Whether these are the bytes that are recorded."""
    lines = (_PACKAGE / "weights" / "machines.sha256").read_text(encoding="ascii").splitlines()
    recorded = {name: digest for digest, name in map(str.split, lines)}
    return hashlib.sha256(data).hexdigest() == recorded[f"{machine}.bin"]


def _kept(path: Path, machine: str) -> bytes | None:
    """A machine out of the cache; None when it is not there, or is not that."""
    cache.remove_stale(path.parent, "*-*.bin*.part")
    data = cache.read(path, _MOST)
    return data if data is not None and _is_machine(data, machine) else None
