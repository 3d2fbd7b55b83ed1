"""C++ -> WebAssembly, with the C++ library that zig brings as sources.

Enters: .cpp and .c files and options.  Leaves: what has to be linked: objects, and the library.

Zig's own build of the library ends the program where the library would throw, and has nothing that
catches.  So the library is built here with exceptions when it is first needed, which takes half a
minute, and kept in the cache folder.  What needs threads is left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyvm import cache
from pyvm.isa.errors import CompileError

EXCEPTIONS = "-fwasm-exceptions"
# Tells what went wrong, or None.
Run = Callable[[Sequence[str]], "str | None"]

FOLDER = "c++"
_LARGEST = 1 << 26
_FLAGS = (
    "-O2 -w -fno-sanitize=undefined -DNDEBUG -D_ALL_SOURCE -D_LIBCPP_BUILDING_LIBRARY "
    "-D_LIBCXXABI_BUILDING_LIBRARY -DLIBCXX_BUILDING_LIBCXXABI -D_LIBCXXABI_HAS_NO_THREADS "
    "-D_LIBUNWIND_HAS_NO_THREADS -D_LIBUNWIND_HIDE_SYMBOLS"
).split()
_HEADERS = ("libcxxabi/include", "libcxx/src", "libcxx/libc", "libunwind/include")
_SOURCES = ("libcxxabi/src/*.cpp", "libcxx/src/*.cpp", "libcxx/src/ryu/*.cpp")
_UNWINDER = "libunwind/src/Unwind-wasm.c"
_LEFT_OUT = (
    "cxa_noexception cxa_thread_atexit atomic barrier condition_variable "
    "condition_variable_destructor future mutex mutex_destructor shared_mutex thread"
).split()


class Library:
    """The library of one zig.

    Attributes:
        run: runs a command.
        flags: for the target, exceptions included.
        folder: for what is made on the way.
    """

    def __init__(self, zig: str, flags: Sequence[str], folder: Path, run: Run):
        self.zig, self.flags, self.folder, self.run = zig, [*flags, EXCEPTIONS], folder, run
        self.sources = Path(zig).parent / "lib"

    def archive(self) -> Path:
        """The library's file, for this compilation."""
        path = self.folder / "libc++.a"
        kept = self._kept()
        data = None if kept is None else cache.read(kept, _LARGEST, own=True)
        if data is None:
            self._build(path)
            if kept is not None:
                cache.keep(kept, path.read_bytes())
        else:
            path.write_bytes(data)
        return path

    def _kept(self) -> Path | None:
        """The place in the cache: another one for another zig and other flags."""
        folder = cache.folder()
        if folder is None:
            return None
        about = os.stat(self.zig)
        request = (about.st_size, about.st_mtime_ns, _FLAGS, _LEFT_OUT, self.flags)
        return folder / FOLDER / f"{hashlib.sha256(repr(request).encode()).hexdigest()}.a"

    def _build(self, path: Path) -> None:
        files = [file for pattern in _SOURCES for file in sorted(self.sources.glob(pattern))]
        files = [file for file in files if file.stem not in _LEFT_OUT]
        objects = self.folder / "library"
        objects.mkdir()
        jobs = [(file, objects / f"{number}.o") for number, file in enumerate(files)]
        jobs.append((self.sources / _UNWINDER, objects / "unwind.o"))
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            done = list(pool.map(self._object, jobs))
        failed = next((message for message in done if message), None)
        made = [str(output) for _, output in jobs]
        failed = failed or self.run([self.zig, "ar", "rcs", str(path), *made])
        if failed:
            raise CompileError(f"the C++ library does not compile:\n{failed}")

    def _object(self, job: tuple[Path, Path]) -> str | None:
        source, output = job
        headers = [f"-I{self.sources / name}" for name in _HEADERS]
        mode = ["c++", "-std=c++23"] if source.suffix == ".cpp" else ["cc"]
        command = [self.zig, *mode, *self.flags, *_FLAGS, *headers, "-c", str(source)]
        return self.run([*command, "-o", str(output)])
