"""A program of the machine: instructions, input, and the way back to the source.

Enters: a bundled name, a .c, .wasm or token file.  Leaves: a `Program`, which is ready to become
tokens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import (
    ALIASES,
    END_OF_INPUT,
    TOKEN_ID,
    VOCABULARY,
    TokenError,
    byte_token,
    decode,
    encode,
)
from pyvm.isa.tokens import parse as parse_tokens
from pyvm.printable import printable
from pyvm.program.c_to_wasm import compile_c
from pyvm.program.debug import Debug
from pyvm.program.errors import ProgramError
from pyvm.program.traps import NORMAL_END, Trap, TrapSite, trap_kind
from pyvm.program.wasm_to_machine import compile_wasm

_END_OF_INPUT = (byte_token(0), END_OF_INPUT)


@dataclass(frozen=True, repr=False)
class Program:
    """Code and input.

    Attributes:
        code: (opcode, 32-bit immediate) per instruction.
        input: the text for a program whose instruction 0 is `input_base`, else None.
        places: per instruction (wasm function or None, offset in the .wasm file or None); may be
            empty.
        name: for messages.
        debug: more of that, for traps and statistics.
        room: how many bytes another input may have; None: nobody knows, or any number.
    """

    code: tuple[tuple[str, int], ...]
    input: bytes | None = None
    places: tuple[tuple[str | None, int | None], ...] = field(default=(), repr=False)
    name: str = "program"
    debug: Debug = field(default_factory=Debug, repr=False, compare=False)
    room: int | None = field(default=None, repr=False, compare=False)

    def __post_init__(self):
        if not self.code:
            raise ProgramError("a program needs at least one instruction")
        for i, (op, imm) in enumerate(self.code):
            if op not in INSTRUCTIONS or not 0 <= imm < 1 << 32:
                raise ProgramError(f"instruction {i}: {op!r} {imm} is no instruction")
            if op == "input_base" and i:
                raise ProgramError(f"instruction {i}: input_base can only be the first instruction")
        if self.takes_input != (self.input is not None):
            raise ProgramError(
                "a program has an input exactly if its first instruction is input_base"
            )

    def __repr__(self) -> str:
        given = ""
        if self.input is not None:
            shown = repr(self.input[:20]) + ("..." if len(self.input) > 20 else "")
            given = f", input {shown}"
        return f"<Program {printable(self.name)}: {len(self.code):,} instructions{given}>"

    @property
    def takes_input(self) -> bool:
        return self.code[0][0] == "input_base"

    def with_input(self, text: bytes | str) -> Program:
        """The same program with another input."""
        if not self.takes_input:
            raise ProgramError(f"{self.name} takes no input")
        data = _as_bytes(text)
        if self.room is not None and len(data) > self.room:
            raise ProgramError(
                f"an input of {len(data)} bytes does not fit where the input of {self.name} lies "
                f"(there is room for {self.room}): compile it with this input"
            )
        return replace(self, input=data)

    def words(self) -> list[str]:
        """The prompt as token spellings."""
        return decode(self.tokens())

    def tokens(self) -> np.ndarray:
        """The prompt (int32)."""
        code = np.empty((len(self.code), 5), dtype=np.int32)
        code[:, 0] = [TOKEN_ID[op] for op, _ in self.code]
        immediates = np.array([imm for _, imm in self.code], dtype="<u4")
        code[:, 1:] = immediates.view(np.uint8).reshape(-1, 4)  # bytes come first in the vocabulary
        parts = [encode(["{"]), code.ravel(), encode(["}"])]
        if self.input is not None:
            aliased = (chr(b) if chr(b) in ALIASES else byte_token(b) for b in self.input)
            parts += [encode(aliased), encode(_END_OF_INPUT)]
        return np.concatenate(parts)

    def text(self) -> str:
        """The token file: one instruction per line, then the input."""
        words = self.words()
        end = 1 + 5 * len(self.code)
        rows = ["{", *(" ".join(words[i : i + 5]) for i in range(1, end, 5)), "}"]
        if self.input is not None:
            rows.append(" ".join(words[end + 1 :]))
        return "\n".join(rows) + "\n"

    def trap_at(self, cursor: int) -> TrapSite | None:
        """The trap that a run means which stopped at instruction `cursor`; None for the normal
        end.
        """
        op, imm = self.code[cursor]
        if op != "halt" or imm == NORMAL_END:
            return None
        return self.site(trap_kind(imm), cursor)

    def site(self, kind: Trap, cursor: int) -> TrapSite:
        """A trap at an instruction."""
        function, offset = self.places[cursor] if self.places else (None, None)
        line, refused = self.debug.line(offset), self.debug.refused.get(cursor)
        return TrapSite(kind, function, offset, line, refused)


def parse(text: str, name: str = "program") -> Program:
    """The program of a token file; errors name the position of the token."""
    try:
        return from_words(decode(parse_tokens(text)), name)
    except TokenError as error:
        raise ProgramError(f"{name}: {error}") from None


def from_tokens(ids: np.ndarray, name: str = "program") -> Program:
    """The program of a prompt in the standard vocabulary."""
    return from_words([VOCABULARY[i] for i in ids], name)


def from_words(words: list[str], name: str = "program") -> Program:
    """The program of a prompt's token spellings."""

    def fail(position: int, expected: str) -> ProgramError:
        found = repr(words[position]) if position < len(words) else "the end"
        return ProgramError(f"{name}: token {position}: {expected} expected, found {found}")

    def byte(position: int, aliases: bool = False) -> int:
        word = words[position] if position < len(words) else ""
        if aliases and word in ALIASES:
            return ord(word)
        if len(word) != 2 or TOKEN_ID.get(word, 256) >= 256:
            raise fail(position, "a byte")
        return int(word, 16)

    if not words or words[0] != "{":
        raise fail(0, "'{'")
    code, position = [], 1
    while position < len(words) and words[position] != "}":
        if words[position] not in INSTRUCTIONS:
            raise fail(position, "an instruction or '}'")
        imm = sum(byte(position + 1 + k) << 8 * k for k in range(4))
        code.append((words[position], imm))
        position += 5
    if position >= len(words):
        raise fail(position, "'}'")
    position += 1
    if not code:
        raise ProgramError(f"{name}: the program is empty")
    text = None
    if code[0][0] == "input_base":
        content = bytearray()
        while position < len(words) and words[position] != _END_OF_INPUT[1]:
            content.append(byte(position, aliases=True))
            position += 1
        if not content or content[-1]:
            raise fail(position, "an input that ends in 00")
        if position == len(words):
            raise fail(position, repr(_END_OF_INPUT[1]))
        text = bytes(content[:-1])
        position += 1
    if position != len(words):
        raise fail(position, "the end")
    return Program(tuple(code), text, (), name)


def _as_bytes(text: bytes | str | None) -> bytes:
    if not isinstance(text, (bytes, str, type(None))):
        raise TypeError(f"input must be text or bytes, not {text!r}")
    data = text.encode() if isinstance(text, str) else text or b""
    if 0 in data:
        raise ProgramError("the input contains a zero byte, which ends it")
    return data


def _check_parameters(entry: Any, args: Any, checked: Any) -> None:
    if not isinstance(entry, str):
        raise TypeError(f"entry must be the name of an exported function, not {entry!r}")
    if not isinstance(args, (tuple, list)) or any(
        isinstance(value, bool) or not isinstance(value, (int, np.integer)) for value in args
    ):
        raise TypeError(f"args must be a tuple of integers, not {args!r}")
    if not isinstance(checked, (bool, type(None))):
        raise TypeError(f"checked must be True, False or None, not {checked!r}")


def from_wasm(
    data: bytes,
    input: bytes | str | None = None,
    entry: str = "compute",
    args: tuple[int, ...] = (),
    checked: bool = True,
    print_results: bool = False,
    name: str = "program",
) -> Program:
    """The program that runs an exported function of a module."""
    _check_parameters(entry, args, checked)
    if not isinstance(data, bytes):
        raise TypeError(f"a module is bytes, not {type(data).__name__}")
    text, args = _as_bytes(input), tuple(map(int, args))
    linked, takes_input, room, debug = compile_wasm(data, entry, args, text, checked, print_results)
    code, places = tuple(linked.code), tuple(linked.places)
    return Program(code, text if takes_input else None, places, name, debug, room)


def compile_file(
    source: str | Path,
    input: bytes | str | None = None,
    entry: str = "compute",
    args: tuple[int, ...] = (),
    checked: bool | None = None,
) -> Program:
    """The program in a file, or a bundled one.

    Args:
        source: bundled name, or path of a .c, .wasm or token file.
        input: text for a program that takes one (others ignore it); None: the bundled program's
            default, or nothing.
        entry: exported function to run; any but `compute` is run with `args` and its results are
            printed.
        checked: trap accesses beyond the memory; None: in .wasm files, not in C.
    """
    from pyvm.program import bundled

    _check_parameters(entry, args, checked)
    _as_bytes(input)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be a bundled name or a path, not {source!r}")
    name = str(source)
    if name in bundled.PROGRAMS:
        item = bundled.PROGRAMS[name]
        data, default_checked = item.wasm(), False
        input = item.input if input is None else input
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
        if path.suffix == ".c":
            data, default_checked = compile_c(path, entry), False
        else:
            data, default_checked = path.read_bytes(), True
            if not data.startswith(b"\0asm") and path.suffix != ".wasm":
                if data.split(None, 1)[:1] != [b"{"] or not data.isascii():
                    raise ProgramError(
                        f"{printable(name)} is neither C, WebAssembly nor a token file: pyvm "
                        "compiles .c and .wasm files, and runs what `pyvm compile` writes"
                    )
                program = parse(data.decode(), path.name)
                return program if input is None else program.with_input(input)
        name = path.stem
    checked = default_checked if checked is None else checked
    print_results = entry != "compute" or bool(args)
    try:
        return from_wasm(data, input, entry, args, checked, print_results, name)
    except ProgramError as error:  # which module it is, the caller of from_wasm knows
        error.args = (f"{printable(str(source))}: {error}",)
        raise
