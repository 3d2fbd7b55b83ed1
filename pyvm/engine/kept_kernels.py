"""Kernels that are found: the standard machine's beside the library, and those that are kept in
the user's cache folder, by the model that they are for.

Enters: the SHA-256 of a model file; a compiled kernel.  Leaves: a model whose runs take its kernel,
where there is one.

A kernel is native code.  So one is loaded only from where the library itself was loaded, or from a
folder that belongs to the user and that nobody else can write, and no model file names one.  The
library refuses a kernel of another model or of another version (lib/kernel/load.hpp); such a one is
left alone.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pyvm import cache
from pyvm.engine.errors import PyvmError
from pyvm.engine.kernel import kernel_blocks, load_kernel
from pyvm.engine.library import KERNEL_NAME, library_path
from pyvm.engine.model import Model

FOLDER = "kernels"
_SUFFIX = ".dll" if sys.platform == "win32" else ".so"


def kernel_file(digest: str) -> Path | None:
    """Where the kernel of a model is kept, by the SHA-256 of its file; None when there is no home
    for a cache."""
    folder = cache.folder()
    if folder is None:
        return None
    return folder / FOLDER / f"{digest[:32]}{_SUFFIX}"


def keep_kernel(data: bytes, kernel: bytes) -> Path:
    """Writes a model's kernel; OSError where that cannot be."""
    path = kernel_file(hashlib.sha256(data).hexdigest())
    if path is None:
        raise OSError("there is no home for a cache: name a folder in PYVM_CACHE")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.keep(path, kernel)
    if not cache.is_owned(path):
        raise PermissionError(
            f"{path.parent} is not yours alone, or cannot be written: no kernel is loaded from it"
        )
    return path


def take_kernel(model: Model, digest: str, is_standard: bool) -> Path | None:
    """Loads a kernel of the model where there is one; says which. Of the one that the user has
    compiled and the one that came with the library, it is the one of more blocks."""
    kept = kernel_file(digest) if _any_is_kept() else None
    shipped = standard_kernel() if is_standard else None
    found = [path for path in (kept if kept and cache.is_owned(kept) else None, shipped) if path]
    if len(found) > 1:
        found.sort(key=lambda path: _blocks(model, path), reverse=True)
    for path in found:
        try:
            load_kernel(model, path)
        except PyvmError:  # of another version of the library, or of the machine
            continue
        return path
    return None


def _blocks(model: Model, path: Path) -> int:
    try:
        return kernel_blocks(model, path)
    except PyvmError:  # it cannot be loaded
        return 0


def standard_kernel() -> Path | None:
    """The standard machine's kernel that came with the library."""
    folder = library_path().parent
    # In the package; in a build folder; installed.
    places = (folder, folder / "standard_kernel", folder / "tvm")
    return next((path for place in places if (path := place / KERNEL_NAME).is_file()), None)


def there_are_kernels() -> bool:
    """Whether there are any: else nobody need look which model this is."""
    return _any_is_kept() or standard_kernel() is not None


def _any_is_kept() -> bool:
    folder = cache.folder()
    return folder is not None and (folder / FOLDER).is_dir()
