"""A program of the machine: instructions, input, and the way back to the source.

Enters: code and input, or the tokens of a prompt.  Leaves: a `Program`, which becomes tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from pyvm.isa.debug import Debug
from pyvm.isa.errors import ProgramError
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.prompt import NAMES, read_prompt
from pyvm.isa.tokens import (
    ALIASES,
    END_OF_INPUT,
    TOKEN_ID,
    VOCABULARY,
    Ids,
    TokenError,
    byte_token,
    decode,
    encode,
)
from pyvm.isa.tokens import parse as parse_tokens
from pyvm.isa.traps import Trap, TrapSite, trap_kind
from pyvm.printable import printable


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

    def __post_init__(self) -> None:
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
        data = as_bytes(text)
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
            parts += [encode(aliased), encode([byte_token(0), END_OF_INPUT])]
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
        if not 0 <= cursor < len(self.code):
            return None
        op, imm = self.code[cursor]
        kind = trap_kind(imm) if op == "halt" else None
        return None if kind is None else self.site(kind, cursor)

    def site(self, kind: Trap, cursor: int) -> TrapSite:
        """A trap at an instruction."""
        function, offset = self.places[cursor] if self.places else (None, None)
        line, refused = self.debug.line(offset), self.debug.refused.get(cursor)
        return TrapSite(kind, function, offset, line, refused)


def code_digest(code: Iterable[tuple[str, int]]) -> str:
    """Tells programs apart: a specialised model carries that of the program in its weights."""
    return hashlib.sha256(repr(tuple(code)).encode()).hexdigest()


def parse(text: str, name: str = "program") -> Program:
    """The program of a token file; errors name the position of the token."""
    try:
        return from_tokens(parse_tokens(text), name)
    except TokenError as error:
        raise ProgramError(f"{name}: {error}") from None


def from_tokens(ids: Ids, name: str = "program") -> Program:
    """The program of a prompt in the standard vocabulary."""
    try:
        listing, text = read_prompt(ids, VOCABULARY)
    except TokenError as error:
        raise ProgramError(f"{name}: {error}") from None
    names = [NAMES[i] for i in listing.opcodes.tolist()]
    return Program(tuple(zip(names, listing.immediates.tolist(), strict=True)), text, (), name)


def as_bytes(text: bytes | str | None) -> bytes:
    """An input as bytes; raises ProgramError where it holds a zero byte."""
    if not isinstance(text, (bytes, str, type(None))):
        raise TypeError(f"input must be text or bytes, not {text!r}")
    data = text.encode() if isinstance(text, str) else text or b""
    if 0 in data:
        raise ProgramError("the input contains a zero byte, which ends it")
    return data
