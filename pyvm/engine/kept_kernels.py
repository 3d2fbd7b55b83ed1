"""Kernels kept in the user's cache folder, by the model that they are for.

Enters: the bytes of a model file; a compiled kernel.  Leaves: a model whose runs take its kernel,
where one is kept.

A kernel is native code.  So one is loaded only from a folder that belongs to the user and that
nobody else can write, and no model file names one.  The library refuses a kernel of another model
or of another version (lib/kernel/load.hpp); such a one is left alone.
"""

from __future__ import annotations

import hashlib
import stat
import sys
from pathlib import Path

from pyvm import cache
from pyvm.engine.errors import PyvmError
from pyvm.engine.kernel import load_kernel
from pyvm.engine.model import Model

FOLDER = "kernels"
_SUFFIX = ".dll" if sys.platform == "win32" else ".so"


def kernel_file(data: bytes) -> Path | None:
    """Where the kernel of a model is kept; None when there is no home for a cache."""
    folder = cache.folder()
    if folder is None:
        return None
    return folder / FOLDER / f"{hashlib.sha256(data).hexdigest()[:32]}{_SUFFIX}"


def keep_kernel(data: bytes, kernel: bytes) -> Path:
    """Writes a model's kernel; OSError where that cannot be."""
    path = kernel_file(data)
    if path is None:
        raise OSError("there is no home for a cache: name a folder in PYVM_CACHE")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.keep(path, kernel)
    if not _is_own(path):
        raise PermissionError(
            f"{path.parent} is not yours alone, or cannot be written: no kernel is loaded from it"
        )
    return path


def take_kept_kernel(model: Model, data: bytes) -> Path | None:
    """Loads the model's kernel where one is kept; says which."""
    path = kernel_file(data) if there_are_kernels() else None
    if path is None or not _is_own(path):
        return None
    try:
        load_kernel(model, path)
    except PyvmError:  # of another version of the library
        return None
    return path


def there_are_kernels() -> bool:
    """Whether any is kept: else nobody need look which model this is."""
    folder = cache.folder()
    return folder is not None and (folder / FOLDER).is_dir()


def _is_own(path: Path) -> bool:
    """A file, in a folder, that this user owns and nobody else can write."""
    try:
        file, folder = path.lstat(), path.parent.lstat()
    except OSError:
        return False
    kinds = stat.S_ISREG(file.st_mode) and stat.S_ISDIR(folder.st_mode)
    return kinds and cache.is_own(file) and cache.is_own(folder)
