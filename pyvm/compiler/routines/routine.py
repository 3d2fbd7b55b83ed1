"""What a family of library routines hands over, and helpers to write assembly text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Routine:
    """Assembly text (see assembly.assemble) and the tables that it reads: name -> contents."""

    text: str
    tables: dict[str, bytes] = field(default_factory=dict)


# A routine by its name, or for a divisor.
Family = dict[str, Callable[..., Routine]]


def lines(*parts: str) -> str:
    """Assembly text of `;`-separated instructions."""
    return "\n".join(part.strip() for text in parts for part in text.split(";")) + "\n"


def store(cell: str, value: str, op: str = "i32.store") -> str:
    """Writes the value that the instructions `value` push to a cell."""
    return lines("i32.const 0", value, f"{op} {cell}")


def load(cell: str, op: str = "i32.load") -> str:
    return lines(f"i32.const 0; {op} {cell}")
