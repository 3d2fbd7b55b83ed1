"""From a model to what a framework opens: the one call of this package.

Enters: a model (its name, path, bytes or arrays), a target, a path.  Leaves: a file, or a folder
that was not there before; nothing where something failed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from pyvm import files
from pyvm.engine.model import Model
from pyvm.engine.standard import MACHINES, machine_bytes
from pyvm.export.arrays import Arrays, ExportError, arrays_of
from pyvm.printable import printable
from pyvm.weights.model_file import ModelFile

# What a target's `write` returns: the bytes of a file, or those of a folder's files by name.
Written: TypeAlias = "bytes | dict[str, bytes]"

# The module of each target.
TARGETS = {
    "safetensors": "to_safetensors",
    "torch": "to_torch",
    "huggingface": "to_huggingface",
    "transformerlens": "to_transformerlens",
    "onnx": "to_onnx",
}
POSITIONS = 32_768
_MOST = 1 << 24


def export_model(
    model: str | os.PathLike[str] | bytes | ModelFile | None,
    target: str,
    path: str | os.PathLike[str],
    positions: int = POSITIONS,
) -> Arrays:
    """Writes a model for another framework; returns the matrices that were written.

    Args:
        model: what pyvm.load() takes (None: the standard machine), or a ModelFile.
        target: a name of TARGETS.
        path: the file to write, or the folder to make.
        positions: the longest trace that the exported model can run, prompt included.

    Raises ExportError for what cannot be exported, or where a package is missing: it names it.

    >>> from pyvm.export import export_model
    >>> arrays = export_model("base", "safetensors", "base.safetensors", positions=512)
    """
    if target not in TARGETS:
        raise ExportError(f"targets are {', '.join(TARGETS)}, not {printable(str(target))!r}")
    if not 1 <= positions <= _MOST:
        raise ExportError(f"positions are from 1 to {_MOST:,}, not {positions:,}")
    arrays = arrays_of(_model_file(model), positions)
    write: Callable[[Arrays], Written] = import_module(f"pyvm.export.{TARGETS[target]}").write
    written = write(arrays)
    if isinstance(written, bytes):
        files.write_file(path, written)
    else:
        _write_folder(Path(path), written)
    return arrays


def _model_file(source: str | os.PathLike[str] | bytes | ModelFile | None) -> ModelFile:
    if isinstance(source, ModelFile):
        return source
    machine = "standard" if source is None else source
    if isinstance(machine, str) and machine in MACHINES:
        return ModelFile.from_bytes(machine_bytes(machine))
    data = machine if isinstance(machine, bytes) else Path(machine).read_bytes()
    Model(data).close()  # the library has a sentence for every damage
    return ModelFile.from_bytes(data)


def _write_folder(path: Path, written: dict[str, bytes]) -> None:
    """Makes a folder with these files, at once; an empty one may be there."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ExportError(
            f"{printable(str(path))} is there: name a folder that is not, or an empty one"
        )
    aside = path.parent / f"{path.name[:40]}.{os.urandom(8).hex()}.part"
    try:
        aside.mkdir()
    except FileNotFoundError:
        raise ExportError(
            f"{printable(str(path))} cannot be made: its folder does not exist"
        ) from None
    try:
        for name, data in written.items():
            (aside / name).write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()
        aside.rename(path)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
