"""C -> WebAssembly, with a compiler that is there: zig from its wheel, else a clang with wasm32.

Enters: the path of a .c file.  Leaves: the bytes of a .wasm module that exports `compute`.  The
runtime library (runtime/pyvm.h and runtime.c) is compiled along, its header included in front.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from pyvm import helpers
from pyvm.isa.errors import CompileError, CompilerNotFound, ProgramError
from pyvm.printable import printable
from pyvm.wasm.decode import without_custom_sections

RUNTIME = Path(__file__).resolve().parent / "runtime"

# -mcpu=mvp is the one flag that turns all later extensions off.  -fno-builtin keeps the runtime's
# own loops from becoming calls of themselves.  Merged stores would be i64 stores.
_FLAGS = (
    "-nostdlib -O2 -mcpu=mvp -fno-builtin -fno-sanitize=undefined -ffreestanding -std=gnu17 "
    "-Wno-unknown-warning-option -gline-tables-only -UNDEBUG "
    "-mllvm -combiner-store-merging=false "
    "-Wl,--no-entry -Wl,--export=__heap_base"
).split()
# Bytes of the C stack.  It lies below everything else, so that the addresses of data, of the heap
# and of the compiler's cells grow with it.  The ABI aligns it to 16 bytes; the largest leaves half
# of the largest memory that can grow to the rest.
STACK_SIZE = 1 << 20
SMALLEST_STACK, LARGEST_STACK, STACK_ALIGNMENT = 256, 1 << 25, 16
# Names of functions and lines of the source, for messages.
_KEPT_SECTIONS = ("name", ".debug_line", ".debug_line_str")
# What C can call a function.  Another name would be cut into options of the linker at its commas;
# it can still be that of an export, by the attribute export_name, which needs no option.
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# Zig writes the name into a list of dependencies that it then cannot read.
_UNREADABLE = re.compile(r"""[\x00-\x1f\x7f"\\:]""")


def compiler_command() -> list[str]:
    """The command that compiles C to WebAssembly; raises CompilerNotFound."""
    if zig := helpers.zig():
        return [zig, "cc", "--target=wasm32-freestanding"]
    for name in ("clang", *(f"clang-{version}" for version in range(25, 10, -1))):
        path = helpers.program(name)
        if path and _has_linker(path) and "wasm32" in _answer(path, "--print-targets"):
            # Zig's linker has no other order; clang's had the stack last until LLVM 22.
            return [path, "--target=wasm32-unknown-unknown", "-Wl,--stack-first"]
    raise CompilerNotFound(
        "no C compiler for WebAssembly was found: install the zig wheel (pip install ziglang), "
        "or clang and lld with the wasm32 target"
    )


def _has_linker(clang: str) -> bool:
    """Whether this clang comes with a wasm-ld of its own version."""
    return Path(_answer(clang, "--print-prog-name=wasm-ld").strip()).is_absolute()


def _answer(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=helpers.environment()
    )
    return done.stdout


def check_stack_size(size: int) -> int:
    """The same size; raises ProgramError where the C stack cannot have it."""
    if not SMALLEST_STACK <= size <= LARGEST_STACK or size % STACK_ALIGNMENT:
        raise ProgramError(
            f"a C stack cannot have {size:,} bytes: its size is a multiple of {STACK_ALIGNMENT} "
            f"from {SMALLEST_STACK:,} to {LARGEST_STACK:,}"
        )
    return size


def compile_c(
    source: Path,
    entry: str = "compute",
    extra_flags: tuple[str, ...] = (),
    stack_size: int = STACK_SIZE,
) -> bytes:
    """The WebAssembly module of a C file; CompileError carries the compiler's own message."""
    source = Path(source)
    stack = f"-Wl,-z,stack-size={check_stack_size(stack_size)}"
    if not source.is_file():
        raise CompileError(f"{printable(str(source))}: no such file")
    if _UNREADABLE.search(source.name):
        raise CompileError(
            f"{source.name!r} cannot be compiled: the name of a C file has no control characters, "
            "double quotes, backslashes or colons"
        )
    # A name that begins with "-" or "@" would be an option or a file of options.
    path = os.path.join(".", source) if str(source).startswith(("-", "@")) else str(source)
    export = [f"-Wl,--export={entry}"] if _IDENTIFIER.fullmatch(entry) else []
    command = compiler_command()
    with tempfile.TemporaryDirectory(prefix="pyvm-") as directory:
        output = Path(directory) / "program.wasm"
        done = subprocess.run(
            [*command, *_FLAGS, stack, *export, *extra_flags, f"-I{RUNTIME}",
             "-include", str(RUNTIME / "pyvm.h"), path, str(RUNTIME / "runtime.c"),
             "-o", str(output)],
            capture_output=True,
            text=True,
            errors="replace",
            env=helpers.environment(),
        )  # fmt: skip
        if done.returncode or not output.is_file():
            message = done.stderr.strip() or f"the compiler ended with status {done.returncode}"
            raise CompileError(f"{printable(str(source))} does not compile:\n{message}")
        return without_custom_sections(output.read_bytes(), _KEPT_SECTIONS)
