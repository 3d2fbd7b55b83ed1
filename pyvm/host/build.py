"""C that is shipped as WebAssembly -> its module, with zig's C compiler: host.c -> host.wasm.

Enters: the C file.  Leaves: the bytes of the module, which are the same everywhere.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from pyvm import helpers
from pyvm.host.module import SOURCE
from pyvm.isa.errors import CompileError, CompilerNotFound
from pyvm.wasm.decode import without_custom_sections

# No instruction beyond the first version of WebAssembly; addresses are numbers, and 0 is one of
# them.
_FLAGS = (
    "--target=wasm32-freestanding -mcpu=mvp -std=gnu17 -nostdlib -ffreestanding -fno-builtin "
    "-fno-sanitize=undefined -fno-delete-null-pointer-checks -fno-strict-aliasing "
    "-Wall -Wextra -Werror -Wno-unused-parameter -Wno-parentheses "
    "-Wl,--no-entry -g"
).split()
# Small code, since all of it that is reached lies in the prompt.
_HOST = ("-Os", "-Wl,--import-memory")


def compiled(source: Path = SOURCE, flags: tuple[str, ...] = _HOST) -> bytes:
    """The module's bytes; raises CompilerNotFound, or CompileError with the compiler's message."""
    zig = helpers.zig()
    if zig is None:
        raise CompilerNotFound(f"{source.name} is compiled by the zig wheel: pip install ziglang")
    with tempfile.TemporaryDirectory(prefix="pyvm-") as directory:
        output = Path(directory) / f"{source.stem}.wasm"
        done = subprocess.run(
            [zig, "cc", *_FLAGS, *flags, str(source), "-o", str(output)],
            capture_output=True,
            text=True,
            errors="replace",
            env=helpers.environment(),
        )
        if done.returncode:
            raise CompileError(f"{source.name} does not compile:\n{done.stderr.strip()}")
        return without_custom_sections(output.read_bytes())
