"""The surroundings of a run, as bytes of the prompt's input.

Enters: what a run gives a command.  Leaves: the bytes of its input, which the host module (host.c)
takes apart while the program runs.

    header      sixteen numbers of four bytes (`_HEADER` names them)
    nodes       five numbers for each file and directory: the directory that it lies in, where its
                name begins, the name's length, where its content begins, the content's length;
                a directory has the length 2^32 - 1.  Node 0 is the root.
    arguments, environment     strings, each closed by a zero byte
    names, contents, standard input

All numbers are little endian, and all places are counted from the first byte of the input.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyvm.isa.errors import ProgramError
from pyvm.isa.program import Program
from pyvm.printable import printable

# Nanoseconds since 1970: the first second of 2000; and what a look at the clock takes.
TIME, STEP = 946_684_800_000_000_000, 1_000
_DIRECTORY = 0xFFFFFFFF
_MASK = (1 << 64) - 1
# args, their bytes, where they are; the same of the environment; standard input: its bytes, where
# it is; number of nodes, where they are; time, step and chance have eight bytes each.
_HEADER = struct.Struct("<3I3I2I2I3Q")
_NODE = struct.Struct("<5I")


@dataclass(frozen=True)
class Environment:
    """What a run gives a command.

    Attributes:
        args: the program's name and its arguments.
        env: environment variables.
        files: content by path; they can be read only.  Directories are what the paths say.
        stdin: what can be read from standard input.
        seed: of the random numbers.
        time: nanoseconds since 1970 at the beginning.
        step: nanoseconds that each look at the clock takes.

    >>> around = pyvm.Environment(args=("prog", "-v"), env={"KEY": "value"}, stdin=b"text")
    >>> program = pyvm.compile("prog.c", environment=around)
    """

    args: tuple[str | bytes, ...] = ("program",)
    env: Mapping[str, str | bytes] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    seed: int = 0
    time: int = TIME
    step: int = STEP

    def encode(self) -> bytes:
        """The bytes of the input; raises ProgramError for what no program can be given.

        >>> len(pyvm.Environment(args=("prog",)).encode()) > 64
        True
        """
        for name in ("seed", "time", "step"):
            if not 0 <= getattr(self, name) <= _MASK:
                raise ProgramError(f"{name} must be a number from 0 to 2^64 - 1")
        args = [_string("an argument", arg) for arg in self.args]
        env = [_variable(name, value) for name, value in self.env.items()]
        nodes, contents = _nodes(self.files)
        parts: list[bytes] = []
        at = _HEADER.size + _NODE.size * len(nodes)

        def place(content: bytes) -> int:
            nonlocal at
            parts.append(content)
            at += len(content)
            return at - len(content)

        starts = [place(b"".join(strings)) for strings in (args, env)]
        rows = [
            _NODE.pack(parent, place(name), len(name), place(content), length)
            for (parent, name, length), content in zip(nodes, contents, strict=True)
        ]
        header = _HEADER.pack(
            len(args), sum(map(len, args)), starts[0],
            len(env), sum(map(len, env)), starts[1],
            len(self.stdin), place(self.stdin),
            len(nodes), _HEADER.size if nodes else 0,
            self.time, self.step, _mixed(self.seed),
        )  # fmt: skip
        if at >= 1 << 32:
            raise ProgramError(f"what the program is given has {at:,} bytes: more than 2^32")
        return header + b"".join(rows + parts)


def with_environment(program: Program, environment: Environment) -> Program:
    """The same command in other surroundings."""
    if not program.is_command:
        raise ProgramError(f"{printable(program.name)} is no command: it has no surroundings")
    given = environment.encode()
    if not program.takes_input:  # it never asks
        return program
    if program.room is not None and len(given) > program.room:
        raise ProgramError(
            f"what {printable(program.name)} is given has {len(given):,} bytes; there is room for "
            f"{program.room:,}"
        )
    return program.replaced(input=given)


def _string(what: str, text: str | bytes) -> bytes:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if 0 in data:
        raise ProgramError(f"{what} holds a zero byte, which would end it: {data!r}")
    return data + b"\0"


def _variable(name: str, value: str | bytes) -> bytes:
    if not name or "=" in name:
        raise ProgramError(f"{name!r} is no name of an environment variable")
    return _string("an environment variable", name)[:-1] + b"=" + _string(name, value)


def _nodes(files: Mapping[str, bytes]) -> tuple[list[tuple[int, bytes, int]], list[bytes]]:
    """(parent, name, length) and content of the root, the directories and the files."""
    nodes: list[tuple[int, bytes, int]] = []
    contents: list[bytes] = []
    known: dict[tuple[int, bytes], int] = {}

    def add(parent: int, name: bytes, length: int, content: bytes) -> int:
        nodes.append((parent, name, length))
        contents.append(content)
        known[parent, name] = len(nodes) - 1
        return len(nodes) - 1

    if files:
        add(_DIRECTORY, b"", _DIRECTORY, b"")  # nobody finds it by its name
    for path, content in files.items():
        words = [word for word in path.split("/") if word not in ("", ".")]
        if not words or ".." in words or path.endswith("/") or "\0" in path:
            raise ProgramError(f"{printable(path)!r} is no path of a file")
        parent = 0
        for i, word in enumerate(words):
            name, last = word.encode("utf-8", "surrogateescape"), i == len(words) - 1
            found = known.get((parent, name))
            if found is None:
                length = len(content) if last else _DIRECTORY
                parent = add(parent, name, length, content if last else b"")
            elif last or nodes[found][2] != _DIRECTORY:
                raise ProgramError(f"{printable(path)!r} is given twice, or is a directory, too")
            else:
                parent = found
    return nodes, contents


def _mixed(seed: int) -> int:
    """A state of the generator that is not zero and has nothing in common with those of its
    neighbours (the mixing step of splitmix64).
    """
    state = (seed + 1) * 0x9E3779B97F4A7C15 & _MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
    return (state ^ state >> 31) or 1
