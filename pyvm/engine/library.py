"""Finds and loads libtvm, on first use.

Enters: PYVM_LIBRARY (a path, then the only candidate), the folder of this package, a build folder
of the checkout, the user's cache folder.  Leaves: `library()`, the loaded library with every
function declared, and `check()` and `text_of()`, which turn a failure into an exception.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyvm import __version__, cache
from pyvm.engine.abi import ABI_VERSION, FUNCTIONS
from pyvm.engine.errors import BY_STATUS, STATUS_OK, InternalError, LibraryError, OutOfMemory

NAME = {"darwin": "libtvm.dylib", "win32": "tvm.dll"}.get(sys.platform, "libtvm.so")
# Of the standard machine, beside the library (pyvm/engine/kept_kernels.py).
KERNEL_NAME = "standard_kernel.dll" if sys.platform == "win32" else "standard_kernel.so"


def candidates() -> list[Path]:
    """Where the library may lie, in the order in which it is tried."""
    if chosen := os.environ.get("PYVM_LIBRARY"):
        return [Path(chosen)]
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    built = [checkout / "build" / "lib" / NAME] if (checkout / "meson.build").is_file() else []
    own = users_folder()
    return [package / NAME, *built, *([] if own is None else [own / NAME])]


def users_folder() -> Path | None:
    """Where `python -m pyvm.build` puts the library when it may not write into the package; None
    when there is no home for a cache."""
    folder = cache.folder()
    return None if folder is None else folder / f"libtvm-{__version__}"


def how_to_build() -> str:
    """The one command that makes the library here, as the end of a sentence."""
    import shlex

    from pyvm import helpers

    python = shlex.quote(sys.executable)
    lacking = ["meson"] if helpers.package_folder("mesonbuild") is None else []
    lacking += ["ninja"] if helpers.ninja() is None else []
    lacking += ["ziglang"] if helpers.cxx() is None else []
    install = f"{python} -m pip install {' '.join(lacking)} && " if lacking else ""
    return f"`{install}{python} -m pyvm.build` builds it, or PYVM_LIBRARY names one"


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The library; raises LibraryError that lists every place tried."""
    tried = candidates()
    own = users_folder()
    found = next((p for p in tried if p.is_file() and (p.parent != own or cache.is_owned(p))), None)
    if found is None:
        places = ", ".join(map(str, tried))
        raise LibraryError(f"libtvm was not found, tried {places}; {how_to_build()}")
    try:
        loaded = ctypes.CDLL(str(found))
    except OSError as error:
        raise LibraryError(f"{found} cannot be loaded ({error}); {how_to_build()}") from None
    _check_version(loaded, found)
    for name, (result, parameters) in FUNCTIONS.items():
        try:
            function = getattr(loaded, name)
        except AttributeError:
            raise LibraryError(f"{found} has no function {name}; {how_to_build()}") from None
        function.restype = result
        function.argtypes = parameters
    return loaded


def _check_version(loaded: ctypes.CDLL, path: Path) -> None:
    try:
        version = loaded.tvm_abi_version
    except AttributeError:
        raise LibraryError(f"{path} is not libtvm: it has no tvm_abi_version") from None
    version.restype, version.argtypes = ctypes.c_int32, []
    if version() != ABI_VERSION:
        raise LibraryError(
            f"{path} has ABI version {version()}, this pyvm needs {ABI_VERSION}; {how_to_build()}"
        )


def library_path() -> Path:
    """The file that `library()` loaded."""
    return Path(library()._name)


def build_info() -> dict[str, Any]:
    """How the loaded library was built."""
    found: dict[str, Any] = json.loads(text_of(library().tvm_build_info()))
    return found


def check(status: int) -> None:
    """Raises the exception of a status, with the library's own sentence."""
    if status != STATUS_OK:
        message = library().tvm_last_error().decode(errors="replace")
        raise BY_STATUS.get(status, InternalError)(message or f"libtvm returned status {status}")


def text_of(value: bytes | None) -> str:
    """A string of the library; None, its NULL, is a failure, and none but memory is left."""
    if value is None:
        raise OutOfMemory(library().tvm_last_error().decode(errors="replace"))
    return value.decode()
