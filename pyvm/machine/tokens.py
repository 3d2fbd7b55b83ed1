"""`Token`: a word of a machine's language, and the numbers that it brings along.

Enters: a spelling, a point, columns.  Leaves: the same, checked; `MachineError` for what is none.
"""

from __future__ import annotations

from pyvm.machine.checks import MachineError, arguments_checked, integer, is_text

_LARGEST_VALUE = 1023
_LARGEST_TYPE = (1 << 15) - 1
LARGEST = 1 << 53  # float64 holds the integers below
BUILT_IN = ("one", "position", "recency", "position_sq")
BEGIN = "begin"


def type_weight(largest_type: int) -> int:
    """What a type weighs beside a value: as much as float64 can hold with the squares of types that
    need so many bits, so that values far from every point leave the type as it is."""
    return min(1 << 42, 1 << (50 - 2 * largest_type.bit_length()))


def _point(point: object) -> tuple[int, int] | None:
    match point:
        case (kind, value):
            first, second = integer(kind), integer(value)
            if first is None or second is None:
                return None
            if 0 <= first <= _LARGEST_TYPE and 0 <= second <= _LARGEST_VALUE:
                return first, second
    return None


class Token:
    """One token of a language.

    Args:
        spelling: how it is written: any text without white space.
        point: (type, value), from (0, 0) to (32,767, 1,023).  The next token is the one
            whose point is nearest to the two numbers that `Machine.next` is given, the type first.
            None for tokens that are only read, never generated.
        columns: the numbers that it brings along; those that it does not name are 0.
    """

    @arguments_checked
    def __init__(self, spelling: str, point: tuple[int, int] | None = None, **columns: int):
        if not is_text(spelling) or spelling.split() != [spelling]:
            raise MachineError(
                f"token {spelling!r}: a spelling is text, not empty, and has no white space, no "
                "zero and no half of a character"
            )
        self.point = _point(point)
        if self.point is None and point is not None:
            raise MachineError(
                f"token {spelling!r}: its point {point!r} is not a type from 0 to {_LARGEST_TYPE:,}"
                f" and a value from 0 to {_LARGEST_VALUE:,}"
            )
        self.columns: dict[str, int] = {}
        for name, given in columns.items():
            if not is_text(name):
                raise MachineError(f"token {spelling!r}: {name!r} is no name of a column")
            number = integer(given)
            if number is None or abs(number) >= LARGEST:
                raise MachineError(
                    f"token {spelling!r}: column {name!r} is {given!r}, and no integer below 2^53"
                )
            self.columns[name] = number
        for name in columns.keys() & {*BUILT_IN, *([BEGIN] if spelling != BEGIN else [])}:
            raise MachineError(f"token {spelling!r}: {name!r} is built in and no column")
        self.spelling = spelling

    def __repr__(self) -> str:
        parts = [repr(self.spelling), *([repr(self.point)] if self.point else [])]
        return f"Token({', '.join(parts + [f'{k}={v}' for k, v in self.columns.items()])})"
