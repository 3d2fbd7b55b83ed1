"""Where the compiler's own data lies, above the program's memory: passive segments, and in the base
machine the scratch cells and tables of routines.

Enters: the first address that the program can never own.  Leaves: the address of each name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Scratch cells: name -> (zero bytes kept below, size, zero bytes kept above).  Every use writes its
# cells before it reads them; the margins are never written.
CELLS: dict[str, tuple[int, int, int]] = {
    "CELL": (0, 4, 0),  # take a word apart
    "A": (0, 4, 0),  # operands and result of a byte-wise routine
    "B": (0, 4, 0),
    "R": (0, 4, 0),
    "WINDOW": (4, 4, 4),  # shift by whole bytes: written at WINDOW, read nearby
    "SIGNED": (0, 8, 0),  # the same for shr_s: its upper half holds the sign
    "PAIR": (4, 8, 0),  # rotate: the word twice
    "MERGE": (1, 7, 0),  # shr: two halves of a shifted word, written overlapping
    "ISOLATED": (0, 16, 0),  # mul: bytes 1, 3, 5.. are written, the others are zero
}


@dataclass
class Layout:
    """Hands out addresses from `base` upwards."""

    base: int
    addresses: dict[str, int] = field(default_factory=dict)
    end: int = 0

    def __post_init__(self) -> None:
        self.end = self.base

    def reserve(self, size: int) -> int:
        """The address of `size` new bytes."""
        address = self.end
        self.end += (size + 3) // 4 * 4
        return address

    def reserve_cells(self) -> None:
        for name, (below, size, above) in CELLS.items():
            self.addresses[name] = self.reserve(below + size + above) + below


def stores(address: int, content: bytes) -> list[tuple[int, int, str]]:
    """(address, value, instruction) that write `content` into zero memory, cheapest instructions
    first.
    """
    result, i = [], 0
    while i < len(content):
        if content[i] == 0:
            i += 1
            continue
        word = content[i : i + 4].ljust(4, b"\0")
        used = 4 if word[3] or word[2] else 2 if word[1] else 1
        op = {1: "i32.store8", 2: "i32.store16", 4: "i32.store"}[used]
        result.append((address + i, int.from_bytes(word[:used], "little"), op))
        i += used
    return result
