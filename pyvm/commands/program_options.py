"""The options of every command that takes a program, and what a user gives that program.

Enters: parsed options, standard input, files.  Leaves: compiled programs.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pyvm.commands.common import (
    CommandError,
    Parser,
    add_machine_option,
    say,
    sentence,
    whole_number,
)
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.compiler.c_options import COptions
    from pyvm.compiler.compile import Input
    from pyvm.host.environment import Environment
    from pyvm.isa.program import Program
    from pyvm.wasm.floats import Argument

_PATIENCE = 2.0  # seconds


def stack_size(text: str) -> int:
    """Bytes of the C stack."""
    from pyvm.compiler.c_names import check_stack_size
    from pyvm.isa.errors import ProgramError

    try:
        return check_stack_size(whole_number(text))
    except ProgramError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def level(text: str) -> str:
    """Of optimisation, as C compilers spell it."""
    from pyvm.compiler.c_names import LEVELS

    if text not in LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is no level: {', '.join(LEVELS)}")
    return text


def variable(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the program and all that belongs to it."""
    assert isinstance(parser, Parser)
    parser.keeps_rest, parser.finish = True, _finish
    parser.add_argument(
        "words",
        nargs="*",
        metavar="PROGRAM",
        help="a bundled program's name, .c files, or a .wasm or token file; then the numbers "
        "(and ref.null) that --entry takes. Words behind -- are the arguments of a program that "
        "defines main",
    )
    parser.add_argument(
        "--entry",
        metavar="NAME",
        help="exported function to run (default: main of a command, else compute)",
    )
    add_machine_option(parser)
    group = parser.add_argument_group("what the program is given")
    source = group.add_mutually_exclusive_group()
    source.add_argument("--input", metavar="TEXT", help="the input (default: standard input)")
    source.add_argument("--input-file", metavar="FILE", help="the input is this file's bytes")
    group.add_argument(
        "--env",
        metavar="NAME=VALUE",
        type=variable,
        action="append",
        default=[],
        help="an environment variable of a command; can be repeated",
    )
    group.add_argument(
        "--file",
        metavar="NAME[=PATH]",
        action="append",
        default=[],
        help="a file that a command can read, and where it is here; can be repeated",
    )
    group.add_argument(
        "--seed", type=whole_number, metavar="N", help="of a command's random numbers (default: 0)"
    )
    group.add_argument(
        "--time",
        type=whole_number,
        metavar="SECONDS",
        help="since 1970, of a command's clock (default: 946684800, the year 2000)",
    )
    group = parser.add_argument_group("C")
    group.add_argument("-I", dest="include", metavar="DIR", action="append", default=[])
    group.add_argument("-D", dest="define", metavar="NAME[=VALUE]", action="append", default=[])
    group.add_argument("-O", dest="optimize", metavar="LEVEL", type=level, help="default: 2")
    group.add_argument("-l", dest="libraries", metavar="NAME", action="append", default=[])
    group.add_argument(
        "--stack-size",
        type=stack_size,
        metavar="BYTES",
        help="of a C program's stack, a multiple of 16 (default: 1048576)",
    )


def _finish(parser: Parser, arguments: argparse.Namespace) -> None:
    """Tells the program, other C files and integers apart."""
    from pyvm.compiler.c_names import SOURCES

    words, rest = arguments.words, arguments.rest
    if not words and rest:  # a name that begins with a dash stands behind --
        words, arguments.rest = rest[:1], rest[1:]
    if not words:
        parser.error("the following arguments are required: PROGRAM")
    arguments.program, *words = words
    count = 0
    if arguments.program.endswith(SOURCES):
        while count < len(words) and words[count].endswith(SOURCES):
            count += 1
    arguments.more = words[:count]
    if arguments.entry is not None:
        words, arguments.rest = [*words, *arguments.rest], []
    try:
        arguments.args = [_number(word) for word in words[count:]]
    except ValueError:
        wrong = next(word for word in words[count:] if not _is_number(word))
        parser.error(
            f"{wrong!r} is no number for --entry, and no other .c file; what the program itself "
            f"is given stands behind --, as in {arguments.program} -- {wrong}"
        )


def _number(word: str) -> Argument:
    if word == "ref.null":
        return None
    try:
        return int(word, 0)
    except ValueError:
        return float(word)


def _is_number(word: str) -> bool:
    try:
        _number(word)
    except ValueError:
        return False
    return True


def compile_program(arguments: argparse.Namespace, reads: bool = False) -> Program:
    """The program; with `reads`, it gets what stands on standard input, where it can read that."""
    from pyvm.compiler.compile import NotACommand, compile_file

    def read() -> bytes:
        timer.cancel()
        return _standard_input()

    def compiled(args: list[Argument], environment: Environment | None) -> Program:
        return compile_file(
            arguments.program,
            input=given_input(arguments, read if reads else None),
            entry="compute" if arguments.entry is None else arguments.entry,
            args=tuple(args),
            stack_size=arguments.stack_size,
            machine=arguments.machine,
            c=_c_options(arguments),
            environment=environment,
        )

    timer = _patience(arguments)
    try:
        return compiled(arguments.args, _environment(arguments))
    except NotACommand:
        rest = arguments.rest
        others = arguments.env or arguments.file or arguments.seed or arguments.time
        if not rest or others or not all(map(_is_number, rest)):
            raise
        return compiled([*arguments.args, *map(_number, rest)], None)
    finally:
        timer.cancel()


def _patience(arguments: argparse.Namespace) -> threading.Timer:
    """Tells a terminal what takes long, if it does."""
    from pyvm.compiler.c_names import SOURCES

    words = "compiling ..."
    if arguments.program.endswith(SOURCES):
        words += " (libraries are built when they are first used)"
    timer = threading.Timer(_PATIENCE, say, (words,))
    timer.daemon = True
    if sys.stderr.isatty() and not arguments.quiet:
        timer.start()
    return timer


def given_input(
    arguments: argparse.Namespace, otherwise: Callable[[], bytes] | None = None
) -> Input:
    """The input as it was given: bytes, of any encoding."""
    if arguments.input is not None:
        return os.fsencode(arguments.input)
    if getattr(arguments, "input_file", None) is not None:
        return _content(arguments.input_file)
    return otherwise


def lines_of(path: str) -> list[str]:
    """Inputs, one a line; bytes of any encoding pass through."""
    return [os.fsdecode(line) for line in _content(path).splitlines()]


def _standard_input() -> bytes:
    """All of it: the input lies in the prompt."""
    if sys.stdin is None:
        return b""
    if sys.stdin.isatty():
        say("reading the input to its end (Ctrl-D), as it lies in the prompt; --input gives it")
    return sys.stdin.buffer.read()


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CommandError(sentence(error)) from None


def _environment(arguments: argparse.Namespace) -> Environment | None:
    """What a command is given besides its input; None where nothing was said."""
    said = (arguments.rest, arguments.env, arguments.file, arguments.seed, arguments.time)
    if all(not item and item != 0 for item in said):
        return None
    from pyvm.host.environment import TIME, Environment

    files = {}
    for item in arguments.file:
        name, equals, path = item.partition("=")
        files[name] = _content(path if equals else name)
    return Environment(
        args=(os.fsencode(Path(arguments.program).stem), *map(os.fsencode, arguments.rest)),
        env={name: os.fsencode(value) for name, value in arguments.env},
        files=files,
        seed=arguments.seed or 0,
        time=TIME if arguments.time is None else arguments.time * 10**9,
    )


def _c_options(arguments: argparse.Namespace) -> COptions | None:
    """None where nothing was said."""
    said = ("more", "include", "define", "optimize", "libraries")
    if not any(getattr(arguments, name) for name in said):
        return None
    from pyvm.compiler.c_options import COptions

    for folder in arguments.include:
        if not os.path.isdir(folder):
            raise CommandError(f"-I {printable(folder)}: no such folder")
    return COptions(
        more=tuple(arguments.more),
        include=tuple(arguments.include),
        define=tuple(arguments.define),
        optimize=arguments.optimize or "2",
        libraries=tuple(arguments.libraries),
    )
