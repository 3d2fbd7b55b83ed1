"""The program in a prompt: `{`, then an opcode and four immediate bytes per instruction, then `}`.

Enters: the tokens of a prompt.  Leaves: `Listing`, opcodes and immediates as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.trace.classes import token_classes, trace_begin

NAMES = tuple(INSTRUCTIONS)


@dataclass(frozen=True)
class Listing:
    """opcodes: index into NAMES per instruction; immediates: uint32 per instruction."""

    opcodes: np.ndarray
    immediates: np.ndarray

    def __len__(self) -> int:
        return self.opcodes.size

    def name(self, cursor: int) -> str:
        return NAMES[self.opcodes[cursor]]


def read_listing(tokens: np.ndarray, vocabulary: tuple[str, ...]) -> Listing | None:
    """None when the tokens do not start with a program (a specialised model's prompt)."""
    classes = token_classes(vocabulary)
    end = trace_begin(tokens, classes) - 1
    if end < 1 or (end - 1) % 5 or vocabulary[tokens[0]] != "{":
        return None
    number = {name: i for i, name in enumerate(NAMES)}
    opcode_of = np.array([number.get(token, -1) for token in vocabulary], dtype=np.int16)
    words = tokens[1:end].reshape(-1, 5)
    opcodes, parts = opcode_of[words[:, 0]], classes.byte[words[:, 1:]]
    if (opcodes < 0).any() or (parts < 0).any():
        return None
    immediates = parts.astype(np.uint8).reshape(-1).view("<u4")
    return Listing(opcodes, immediates)
