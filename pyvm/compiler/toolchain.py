"""Finds the compiler that turns C into WebAssembly: zig from its wheel, else a clang with wasm32.

Enters: what is installed.  Leaves: a `Toolchain`: the commands for both kinds of C programs.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyvm import helpers
from pyvm.isa.errors import CompilerNotFound

RUNTIME = Path(__file__).resolve().parent / "runtime"
# Zig's linker has no other order; clang's had the stack last until LLVM 22.
_STACK_FIRST = "-Wl,--stack-first"


@dataclass(frozen=True)
class Toolchain:
    """Commands, to which flags and files are added.

    Attributes:
        compile: C to an object, for the small runtime library.
        link: such objects to a module, the compiler's own routines included.
        whole: C to a module with the C library, by WASI; None where that library is not there.
        zig: its path, if it is zig, which spells features in its own way.
    """

    compile: tuple[str, ...]
    link: tuple[str, ...]
    whole: tuple[str, ...] | None
    zig: str | None = None

    def with_exceptions(self, processor: str) -> list[str]:
        """Flags for a processor, and exceptions besides."""
        if self.zig:
            return [f"-mcpu={processor}+exception_handling"]
        return [f"-mcpu={processor}", "-mexception-handling"]


def toolchain() -> Toolchain:
    """What is installed; raises CompilerNotFound."""
    if zig := helpers.zig():
        # The target with a C library has its headers; without -nostdlib, zig links the routines
        # that the compiler calls, such as the product of two __int128.
        wasi = (zig, "cc", "--target=wasm32-wasi")
        return Toolchain((*wasi, "-c"), (zig, "cc", "--target=wasm32-freestanding"), wasi, zig)
    for name in ("clang", *(f"clang-{version}" for version in range(25, 10, -1))):
        path = helpers.program(name)
        if path and _has_linker(path) and "wasm32" in _answer(path, "--print-targets"):
            return _of_clang(path)
    raise CompilerNotFound(
        "no C compiler for WebAssembly was found: install the zig wheel (pip install ziglang), "
        "or clang and lld with the wasm32 target"
    )


def _of_clang(path: str) -> Toolchain:
    wasi = (path, "--target=wasm32-wasi")
    plain = (path, "--target=wasm32-unknown-unknown")
    link = [*plain, "-nostdlib", _STACK_FIRST]
    routines = _answer(*wasi, "-print-libgcc-file-name").strip()
    if Path(routines).is_file():
        link.append(routines)
    library = Path(_answer(*wasi, "-print-file-name=libc.a").strip()).is_file()
    if library:
        return Toolchain((*wasi, "-c"), tuple(link), (*wasi, _STACK_FIRST))
    return Toolchain((*plain, "-c", f"-I{RUNTIME / 'headers'}"), tuple(link), None)


def compiler_command() -> list[str]:
    """The command that compiles C to WebAssembly; raises CompilerNotFound."""
    return [word for word in toolchain().compile if word != "-c"]


def _has_linker(clang: str) -> bool:
    """Whether this clang comes with a wasm-ld of its own version."""
    return Path(_answer(clang, "--print-prog-name=wasm-ld").strip()).is_absolute()


def _answer(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=helpers.environment()
    )
    return done.stdout
