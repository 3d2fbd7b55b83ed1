"""What each token of a vocabulary does, as arrays to be indexed by token id.

Enters: the spellings.  Leaves: `TokenClasses`.  Nothing but the spelling counts, so that models of
other builders, with another order of tokens, are read in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import END_OF_INPUT, TOKENS, Kind

NUMBER = {name: i for i, name in enumerate(INSTRUCTIONS)}
_CALL_DELTA = {Kind.CALL_COMMIT: 1, Kind.RETURN_COMMIT: -1}


@dataclass(frozen=True)
class TokenClasses:
    """Arrays of V entries, and ids (-1 when the vocabulary lacks the token).

    Attributes:
        byte: the byte of a byte token (aliases included), else -1.
        mark, alias: True where a byte token has a mark, or is a character that stands for itself.
        opcode: number of the instruction (in the order of the table) of an opcode token, else -1.
        output: the byte that an out(..) token writes, else -1.
        error: the byte that an err(..) token writes, else -1.
        trap: the kind of a trap(..) token, else 0.
        completes: where the token completes an instruction, by how many rows it moves the cursor.
        jumps: 1 where it also adds the signed offset in the four bytes before it.
        stack_delta: change of the operand stack's depth.
        call_delta: change of the number of open calls.
    """

    byte: np.ndarray
    mark: np.ndarray
    alias: np.ndarray
    opcode: np.ndarray
    output: np.ndarray
    error: np.ndarray
    trap: np.ndarray
    completes: np.ndarray
    jumps: np.ndarray
    stack_delta: np.ndarray
    call_delta: np.ndarray
    program_begin: int
    program_end: int
    start: int
    halt: int
    input_end: int


@lru_cache(maxsize=8)
def token_classes(vocabulary: tuple[str, ...]) -> TokenClasses:
    count = len(vocabulary)
    byte = np.full(count, -1, dtype=np.int16)
    mark = np.zeros(count, dtype=bool)
    alias = np.zeros(count, dtype=bool)
    opcode = np.full(count, -1, dtype=np.int16)
    output = np.full(count, -1, dtype=np.int16)
    error = np.full(count, -1, dtype=np.int16)
    trap = np.zeros(count, dtype=np.uint8)
    completes = np.zeros(count, dtype=np.uint8)
    jumps = np.zeros(count, dtype=np.uint8)
    stack_delta = np.zeros(count, dtype=np.int8)
    call_delta = np.zeros(count, dtype=np.int8)
    for i, spelling in enumerate(vocabulary):
        token = TOKENS.get(spelling)
        if token is None:  # a token of another machine: nothing is known of it
            continue
        if token.kind is Kind.BYTE:
            byte[i], mark[i], alias[i] = token.value, token.mark, token.alias
        elif token.kind is Kind.OPCODE:
            opcode[i] = NUMBER[spelling]
        elif token.kind is Kind.OUTPUT:
            output[i] = token.value
        elif token.kind is Kind.ERROR:
            error[i] = token.value
        elif token.kind is Kind.TRAP:
            trap[i] = token.value
        completes[i], jumps[i] = token.rows, token.jumps
        stack_delta[i] = token.stack_delta
        call_delta[i] = _CALL_DELTA.get(token.kind, 0)
    ids = {token: i for i, token in enumerate(vocabulary)}
    names = ("{", "}", "start", "halt", END_OF_INPUT)
    return TokenClasses(
        byte,
        mark,
        alias,
        opcode,
        output,
        error,
        trap,
        completes,
        jumps,
        stack_delta,
        call_delta,
        *(ids.get(name, -1) for name in names),
    )
