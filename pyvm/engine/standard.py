"""`pyvm.load`: opens a model; without an argument the standard machine.

Enters: a path, bytes or nothing.  Leaves: a `Model`.

The standard machine is built by pyvm.weights on first use and kept as a file in the user's cache
folder (PYVM_CACHE, else the system's usual place).  Its name holds a hash of the sources that built
it, so that a changed builder never meets an old file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

from pyvm.engine.model import Model

_BUILDERS = ("graph", "schedule", "weights", "program/instructions.py", "program/tokens.py")


def load(source: str | os.PathLike[str] | bytes | None = None) -> Model:
    """Opens a model file, the bytes of one, or the standard machine."""
    if source is not None:
        return Model(source)
    cached = cache_file()
    if cached is not None and cached.is_file():
        try:
            return Model(cached)
        except ValueError:
            pass  # damaged: it is built anew below
    data = standard_bytes()
    if cached is not None:
        _keep(cached, data)
    return Model(data)


def standard_bytes() -> bytes:
    """The model file of the standard machine, built now."""
    from pyvm.weights import standard_model

    return standard_model().to_bytes()


def cache_file() -> Path | None:
    """Where the standard machine is kept; None when there is no home for a cache."""
    if chosen := os.environ.get("PYVM_CACHE"):
        folder = Path(chosen)
    else:
        try:
            home = Path.home()
        except RuntimeError:
            return None
        usual = {"win32": os.environ.get("LOCALAPPDATA", home), "darwin": home / "Library/Caches"}
        folder = Path(
            usual.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or home / ".cache"), "pyvm"
        )
    return folder / f"standard-{_builders_hash()}.bin"


def _builders_hash() -> str:
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for name in _BUILDERS:
        path = package / name
        files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _keep(path: Path, data: bytes) -> None:
    """Writes aside and renames; a cache that cannot be written is no error."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(data)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
