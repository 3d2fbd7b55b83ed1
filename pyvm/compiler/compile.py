"""C, C++ or WebAssembly -> a program of the machine: one call a stage.  Read this first.

Enters: a bundled name, the path of a .c, .cpp, .wasm or token file, or the bytes of a module.
Leaves: a `Program` (pyvm/isa/program.py), which is ready to become tokens.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pyvm import bundled
from pyvm.compiler.c_names import SOURCES, check_stack_size
from pyvm.compiler.kept import Kept
from pyvm.isa.debug import Debug
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.program import Program, as_bytes, as_input, parse
from pyvm.notes import note
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.compiler.c_options import COptions
    from pyvm.host.environment import Environment

MACHINES = ("standard", "base")
# What a program is given to read: the bytes, or what gives them once they are wanted.
Input: TypeAlias = "bytes | str | Callable[[], bytes] | None"


class NotACommand(ProgramError):
    """A program that takes no arguments, environment or files was given some."""

    def __init__(self, name: str):
        super().__init__(
            f"{printable(name)} is no command: arguments behind --, --env, --file, --seed and "
            "--time are for programs that define main, and for modules of WASI"
        )


def compile_file(
    source: str | os.PathLike[str],
    input: Input = None,
    entry: str = "compute",
    args: tuple[int | float | None, ...] = (),
    stack_size: int | None = None,
    machine: str = "standard",
    environment: Environment | None = None,
    c: COptions | None = None,
) -> Program:
    """The program in a file, or a bundled one.

    Args:
        source: bundled name, or path of a .c, .cpp, .wasm or token file.
        input: text for a program that takes one (others ignore it), what a command reads from
            standard input; or a function that gives it, which is called only if the program can
            read it. None: the bundled program's default, or nothing.
        entry: exported function to run; any but `compute` is run with `args` and its results are
            printed. An external reference is a number among them, the null reference None.
        stack_size: bytes of the C stack; None: 1 MiB. A bundled program is compiled again with it.
        machine: "standard", or "base", the one with 36 opcodes.
        environment: arguments, environment variables, files, seed and time of a command
            (pyvm.host.environment.Environment); None: its name alone.
        c: how C is compiled: other files, folders of headers, definitions, libraries
            (pyvm.compiler.c_options.COptions).

    Raises ProgramError for what cannot be compiled, and says where; CompileError with what the C
    compiler said; OSError where a file cannot be read.

    >>> pyvm.compile("addition", input="12 30")
    <Program addition: ... instructions, input b'12 30'>
    """
    _check_parameters(entry, args, machine)
    _check_stack_size(stack_size)
    if not callable(input):
        as_input(input)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be a bundled name or a path, not {source!r}")
    name = str(source)
    if name in bundled.PROGRAMS:
        item = bundled.PROGRAMS[name]
        if c is not None and (c.more or c.flags() != type(c)().flags()):
            raise ProgramError(f"{name} is a bundled program: options of C are for C files")
        data = item.wasm() if stack_size is None else _from_c(item.source, entry, c, stack_size)
        input = item.input if input is None or callable(input) else input
    else:
        path = Path(source)
        if name and path.is_dir():
            raise ProgramError(f"{printable(name)} is a directory")
        if name and path.exists() and not path.is_file():
            raise ProgramError(f"{printable(name)} is no regular file")
        if not name or not path.is_file():
            known = ", ".join(bundled.PROGRAMS)
            raise ProgramError(
                f"{printable(name) or 'an empty name'}: no such file, and no bundled program "
                f"(those are: {known})"
            )
        if path.suffix in SOURCES:
            data = _from_c(path, entry, c, stack_size)
        else:
            if stack_size is not None:
                raise ProgramError(
                    f"{printable(name)} is no C file: the stack has a size of one's choice only "
                    "where a C program is compiled (--stack-size, stack_size)"
                )
            if c is not None and c != type(c)():
                raise ProgramError(
                    f"{printable(name)} is no C file: other files, folders, definitions, levels "
                    "and libraries are for compiling C"
                )
            data = path.read_bytes()
            if not data.startswith(b"\0asm") and path.suffix != ".wasm":
                return _token_file(data, path, input, machine, environment)
        name = path.stem
    try:
        return _compiled(data, input, entry, args, name, machine, environment)
    except ProgramError as error:  # which module it is, the caller of from_wasm knows
        if not isinstance(error, NotACommand):  # which says it
            error.args = (f"{printable(str(source))}: {error}",)
        raise


def _token_file(
    data: bytes, path: Path, input: Input, machine: str, environment: Environment | None
) -> Program:
    """The program in a token file, which has an input, or surroundings, of its own."""
    if data.split(None, 1)[:1] != [b"{"] or not data.isascii():
        raise ProgramError(
            f"{printable(str(path))} is neither C, C++, WebAssembly nor a token file: pyvm "
            "compiles .c, .cpp and .wasm files, and runs what `pyvm compile` writes"
        )
    program = parse(data.decode(), path.name)
    _check_machine(program, machine)
    if program.is_command:
        if environment is None and (input is None or callable(input)):
            return program
        text = input() if callable(input) else as_input(input)
        return _with_environment(program, environment, path.stem, text)
    if environment is not None:
        raise NotACommand(program.name)
    return program if input is None or callable(input) else program.with_input(input)


def _compiled(
    data: bytes,
    input: Input,
    entry: str,
    args: tuple[int | float | None, ...],
    name: str,
    machine: str,
    environment: Environment | None,
) -> Program:
    """The program of a module, from the cache where it is there."""
    print_results = entry != "compute" or bool(args)
    args = tuple(map(_plain, args))
    kept = Kept(data, entry, args, print_results, machine)

    def build(given: bytes) -> Program:
        program = kept.load(given, name)
        if program is None:
            program = from_wasm(data, given, entry, args, print_results, name, machine)
            note(f"program: {name} compiled to {len(program.code):,} instructions")
            kept.save(program)
        return program

    text = b"" if callable(input) else as_input(input)
    program = build(b"" if 0 in text else text)
    if environment is not None and not program.is_command:
        raise NotACommand(name)
    if callable(input) and program.reads_input:
        text = input()
    if program.is_command:
        return _with_environment(program, environment, name, text)
    given = as_bytes(text)
    return build(given) if program.takes_input and program.input != given else program


def from_wasm(
    data: bytes,
    input: bytes | str | None = None,
    entry: str = "compute",
    args: tuple[int | float | None, ...] = (),
    print_results: bool = False,
    name: str = "program",
    machine: str = "standard",
    environment: Environment | None = None,
) -> Program:
    """The program that runs an exported function of a module; where there is no `compute`, it is a
    command, and runs `_start`.
    """
    from pyvm.compiler.link.debug import debug_of
    from pyvm.compiler.wasm_to_machine import COMMAND, compile_module
    from pyvm.wasm.debug_lines import read_lines
    from pyvm.wasm.decode import decode
    from pyvm.wasm.validate import validate

    _check_parameters(entry, args, machine)
    if not isinstance(data, bytes):
        raise TypeError(f"a module is bytes, not {type(data).__name__}")
    args = tuple(map(_plain, args))
    module = decode(data)
    validate(module)
    if entry == "compute" and not args and module.export(entry, "func") is None:
        if module.export(COMMAND, "func") is not None:
            entry = COMMAND
    is_command = entry == COMMAND
    text = as_bytes(input)
    if is_command:
        text = (environment or _environment(name, input)).encode()
    try:
        done = compile_module(module, machine, entry, args, text, print_results)
    except Unsupported as error:
        line = Debug(lines=read_lines(module.debug, module.code)).line(error.offset)
        error.args = (f"{error} ({line})",) if line else error.args
        raise
    linked = done.linked
    end = module.code.stop  # what the host's instructions have behind it is in no file
    return Program(
        linked.code,
        text if done.takes_input else None,
        [(f, None if f and at is not None and at >= end else at) for f, at in linked.places],
        name,
        debug_of(done.module, linked),
        done.room,
        done.data,
        is_command,
        done.reads_stdin,
        settled=done.settled,
    )


def _environment(name: str, input: bytes | str | None) -> Environment:
    """That of a command for which nobody chose one."""
    from pyvm.host.environment import Environment

    return Environment((name,), stdin=as_bytes(input))


def _with_environment(
    program: Program, environment: Environment | None, name: str, text: bytes
) -> Program:
    from dataclasses import replace

    from pyvm.host.environment import with_environment

    around = environment or _environment(name, None)
    return with_environment(program, replace(around, stdin=text) if text else around)


def _from_c(source: Path, entry: str, c: COptions | None, stack_size: int | None) -> bytes:
    from dataclasses import replace

    from pyvm.compiler.c_options import COptions
    from pyvm.compiler.c_to_wasm import compile_c

    options = COptions() if c is None else c
    if stack_size is not None:
        options = replace(options, stack_size=int(stack_size))
    return compile_c(source, entry, options=options)


def _check_machine(program: Program, machine: str) -> None:
    """A token file is what it is: the base machine cannot run one of the standard machine."""
    for op, _ in program.code:
        if machine == "base" and not INSTRUCTIONS[op].base:
            raise ProgramError(
                f"{printable(program.name)} is no program of the base machine: it has no "
                f"instruction {op!r}"
            )


def _check_stack_size(size: Any) -> None:
    if size is None:
        return
    if isinstance(size, bool) or not isinstance(size, Integral):
        raise TypeError(f"stack_size must be a number of bytes or None, not {size!r}")
    check_stack_size(int(size))


def _plain(value: Any) -> int | float | None:
    if value is None:
        return None
    return int(value) if isinstance(value, Integral) else float(value)


def _check_parameters(entry: Any, args: Any, machine: Any) -> None:
    if not isinstance(entry, str):
        raise TypeError(f"entry must be the name of an exported function, not {entry!r}")
    if not isinstance(args, (tuple, list)) or any(
        isinstance(value, bool) or not isinstance(value, (Real, type(None))) for value in args
    ):
        raise TypeError(f"args must be a tuple of numbers, and None for null, not {args!r}")
    if not isinstance(machine, str):
        raise TypeError(f"machine must be the name of a machine, not {machine!r}")
    if machine not in MACHINES:
        raise ProgramError(f"there is no machine {machine!r}: those are {', '.join(MACHINES)}")
