"""C and C++ -> WebAssembly, with a compiler that is there (toolchain.py).

Enters: .c and .cpp files and options.  Leaves: the bytes of a .wasm module.

A program that defines `main` is a command: it gets the whole C library and what WASI offers.  One
that defines `compute`, or a function to run by its name, gets the small runtime library
(the folder runtime): its header is included in front, and what the program declares
itself is taken out of that header.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pyvm import helpers
from pyvm.compiler.c_messages import errors_first, explain_link
from pyvm.compiler.c_names import CPLUSPLUS, STACK_SIZE, check_stack_size
from pyvm.compiler.c_options import COptions
from pyvm.compiler.c_scan import defined_functions
from pyvm.compiler.cplusplus import EXCEPTIONS, Library
from pyvm.compiler.toolchain import RUNTIME, Toolchain, compiler_command, toolchain
from pyvm.isa.errors import CompileError, CompilerNotFound
from pyvm.notes import note
from pyvm.printable import printable
from pyvm.wasm.decode import without_custom_sections

__all__ = ["compile_c", "compiler_command"]

# Assertions hold, whatever the level of optimisation, unless -DNDEBUG says otherwise.
_FLAGS = ("-fno-sanitize=undefined -Wno-unknown-warning-option -gline-tables-only -UNDEBUG").split()
# -mcpu=mvp is the one flag that turns all later extensions off: the base machine has none.
# -fno-builtin keeps the runtime's own loops from becoming calls of themselves.  Merged stores would
# be i64 stores.
_SMALL_FLAGS = (
    "-fno-builtin -ffreestanding -std=gnu17 -mllvm -combiner-store-merging=false"
).split()
# setjmp and longjmp become exceptions, and need two files more.  Only programs that use them are
# compiled so: the library has to be built once more for it.
_TARGET = ("--target=wasm32-wasi",)
_JUMPS = ("-mllvm", "-wasm-enable-sjlj")
_JUMP_FILES = (RUNTIME / "jump.c", RUNTIME / "jump.s")
_THROW_FILE = RUNTIME / "throw.s"
_NEEDS_JUMPS = re.compile(r"#error Setjmp/longjmp support requires")
_RUNTIME = ("print", "scan", "strings")
_MISMATCH = re.compile(
    r"function signature mismatch: (\S+)\n>>> defined as .* in (.*)\n>>> defined as .* in (.*)"
)
# Names of functions and lines of the source, for messages.
_KEPT_SECTIONS = ("name", ".debug_line", ".debug_line_str")
# What C can call a function.  Another name would be cut into options of the linker at its commas;
# it can still be that of an export, by the attribute export_name, which needs no option.
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# Zig writes the name into a list of dependencies that it then cannot read.
_UNREADABLE = re.compile(r"""[\x00-\x1f\x7f"\\:]""")
# A note of the compiler: what clashes was declared on this line of our header.
_CLASH = re.compile(r"pyvm\.h:(\d+):\d+: note: previous ")


def compile_c(
    source: str | os.PathLike[str],
    entry: str = "compute",
    extra_flags: tuple[str, ...] = (),
    stack_size: int = STACK_SIZE,
    options: COptions | None = None,
) -> bytes:
    """The WebAssembly module of a C program; CompileError carries the compiler's own message.

    `options`, where they are given, stand for `extra_flags` and `stack_size`.
    """
    if options is None:
        options = COptions(stack_size=stack_size, extra=extra_flags)
    check_stack_size(options.stack_size)
    paths = [_checked(path) for path in (source, *options.more)]
    tools = toolchain()
    with tempfile.TemporaryDirectory(prefix="pyvm-") as folder:
        job = _Job(tools, paths, options, Path(folder))
        if any(path.endswith(CPLUSPLUS) for path in paths):
            return without_custom_sections(job.plusplus(entry), _KEPT_SECTIONS)
        if entry == "compute" and job.is_command():
            return without_custom_sections(job.command(), _KEPT_SECTIONS)
        return without_custom_sections(job.small(entry), _KEPT_SECTIONS)


def _checked(source: str | os.PathLike[str]) -> str:
    path = Path(source)
    if not path.is_file():
        raise CompileError(f"{printable(str(path))}: no such file")
    if _UNREADABLE.search(path.name):
        raise CompileError(
            f"{path.name!r} cannot be compiled: the name of a C file has no control characters, "
            "double quotes, backslashes or colons"
        )
    # A name that begins with "-" or "@" would be an option or a file of options.
    return os.path.join(".", path) if str(path).startswith(("-", "@")) else str(path)


class _Job:
    """One compilation."""

    def __init__(self, tools: Toolchain, paths: list[str], options: COptions, folder: Path):
        self.tools, self.paths, self.options, self.folder = tools, paths, options, folder
        self.output = folder / "program.wasm"
        self.warnings = ""  # of the last command that went well
        self.jumps = False  # whether the program uses setjmp

    def _run(self, command: Sequence[str]) -> str | None:
        """None when all is well, else what the compiler said."""
        note(f"compiler: {' '.join(command)}")
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=helpers.environment()
        )
        if not done.returncode:
            self.warnings = done.stderr
            return None
        return done.stderr.strip() or f"the compiler ended with status {done.returncode}"

    def _compile(
        self,
        tool: Sequence[str],
        rest: Sequence[str],
        processor: str = "",
        more: Sequence[Path] = (),
    ) -> str | None:
        """The same for a processor (empty: that of the compiler's own choice); where setjmp.h says
        that it needs exceptions, again with them, and with more files.
        """
        flags = [f"-mcpu={processor}"] if processor else []
        if not self.jumps:
            failed = self._run([*tool, *flags, *rest])
            if failed is None or not _NEEDS_JUMPS.search(failed):
                return failed
            self.jumps = True
        flags = [*_JUMPS, *self.tools.with_exceptions(processor or "generic")]
        return self._run([*tool, *flags, *rest, *map(str, more)])

    def _fail(self, message: str) -> CompileError:
        name = printable(self.paths[0])
        return CompileError(f"{name} does not compile:\n{errors_first(message)}")

    def is_command(self) -> bool:
        """Whether the program defines `main`; raises CompileError when it defines neither."""
        texts = [Path(path).read_text("utf-8", "replace") for path in self.paths]
        for prepared in (False, True):
            if prepared:
                texts = [self._preprocessed(path) or text for path, text in zip(self.paths, texts)]
            found = set().union(*map(defined_functions, texts))
            if len(found & {"main", "compute"}) == 1:
                return "main" in found
        if "main" in found:
            return True
        name = printable(self.paths[0])
        raise CompileError(
            f"{name} defines neither main nor compute: define int main(void), an ordinary program, "
            "or void compute(const char *input), or name the function to run with --entry"
        )

    def _preprocessed(self, path: str) -> str | None:
        target = self.tools.whole or self.tools.compile
        command = [word for word in target if word != "-c"]
        output = self.folder / "preprocessed.c"
        flags = [*_FLAGS, *self.options.flags(), f"-I{RUNTIME}"]
        failed = self._compile(command, [*flags, "-E", "-P", path, "-o", str(output)])
        return None if failed else output.read_text("utf-8", "replace")

    def command(self) -> bytes:
        """The module of a program with `main`."""
        if self.tools.whole is None:
            raise CompilerNotFound(
                f"{printable(self.paths[0])} defines main, and this clang has no C library for "
                "it: install the zig wheel (pip install ziglang) or wasi-libc"
            )
        flags = [*_FLAGS, *self.options.flags()]
        rest = [*flags, *self.paths, *self.options.link_flags(), "-o", str(self.output)]
        if failed := self._compile(self.tools.whole, rest, more=_JUMP_FILES):
            raise self._fail(explain_link(failed, small=False))
        return self.output.read_bytes()

    def plusplus(self, entry: str) -> bytes:
        """The module of a program in C++, or of one that has files in it."""
        name = printable(self.paths[0])
        if entry != "compute":
            raise CompileError(f"{name} is C++: only its main can be run, and no other function")
        zig = self.tools.zig
        if zig is None:
            raise CompilerNotFound(
                f"{name} is C++, which needs the zig wheel (pip install ziglang)"
            )
        self.jumps = True
        target = [*_TARGET, *self.tools.with_exceptions("generic")]
        library = Library(zig, target, self.folder, self._run).archive()
        objects = []
        for number, path in enumerate(self.paths):
            tool = (zig, "c++" if path.endswith(CPLUSPLUS) else "cc", *_TARGET, EXCEPTIONS)
            objects.append(str(self.folder / f"{number}.o"))
            rest = [*_FLAGS, *self.options.flags(), "-c", path, "-o", objects[-1]]
            if failed := self._compile(tool, rest):
                raise self._fail(failed)
        rest = [*_FLAGS, *objects, str(_THROW_FILE), "-Wl,--export=__cpp_exception"]
        rest += [*self.options.link_flags(), str(library), "-o", str(self.output)]
        if failed := self._compile((zig, "cc", *_TARGET), rest, more=_JUMP_FILES):
            raise self._fail(explain_link(failed, small=False))
        return self.output.read_bytes()

    def small(self, entry: str) -> bytes:
        """The module of a program with `compute`, or another function to run."""
        objects = [*map(self._object, range(len(self.paths))), *self._runtime()]
        export = [f"-Wl,--export={entry}"] if _IDENTIFIER.fullmatch(entry) else []
        base = ["-Wl,--no-entry", "-Wl,--export=__heap_base"]
        command = [*self.tools.link, *base, *self.options.link_flags(), *export]
        if failed := self._run([*command, *map(str, objects), "-o", str(self.output)]):
            raise self._fail(explain_link(failed, small=True, entry=entry))
        for _, *places in _MISMATCH.findall(self.warnings):
            # A function of the runtime gives way, whatever its type; else calls would trap.
            if not {Path(place).stem for place in places} & set(_RUNTIME):
                raise self._fail(explain_link(self.warnings, small=True, entry=entry))
        return self.output.read_bytes()

    def _object(self, number: int) -> Path:
        """One file, compiled with our header in front, without the lines that clash."""
        lines = (RUNTIME / "pyvm.h").read_text(encoding="ascii").splitlines(keepends=True)
        header = self.folder / f"{number}" / "pyvm.h"
        header.parent.mkdir()
        output = self.folder / f"{number}.o"
        flags = [*_FLAGS, *_SMALL_FLAGS, *self.options.flags(), "-ferror-limit=0"]
        flags += [f"-I{header.parent}", "-include", str(header)]
        while True:
            header.write_text("".join(lines), encoding="ascii")
            rest = [*flags, self.paths[number], "-o", str(output)]
            failed = self._compile(self.tools.compile, rest, "mvp")
            if failed is None:
                return output
            clashes = {int(line) - 1 for line in _CLASH.findall(failed)}
            clashes = {line for line in clashes if lines[line].strip()}
            if not clashes:
                raise self._fail(failed.replace(str(header), "pyvm.h"))
            for line in clashes:
                lines[line] = "\n"

    def _runtime(self) -> list[Path]:
        objects = []
        files = [RUNTIME / f"{name}.c" for name in _RUNTIME]
        for path in [*files, *(_JUMP_FILES if self.jumps else [])]:
            name = path.stem if path.suffix == ".c" else path.name
            output = self.folder / f"{name}.o"
            rest = [*_FLAGS, *_SMALL_FLAGS, "-O2", f"-I{RUNTIME}", str(path), "-o", str(output)]
            if failed := self._compile(self.tools.compile, rest, "mvp"):
                raise CompileError(f"the runtime library does not compile:\n{errors_first(failed)}")
            objects.append(output)
        return objects
