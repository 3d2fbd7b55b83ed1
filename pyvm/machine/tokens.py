"""`Token`: a word of a machine's language, and the numbers that it brings along.

Enters: a spelling, a point, columns.  Leaves: the same, checked; `MachineError` for what is none.
"""

from __future__ import annotations

# Squared distances of values stay below the weight of a type (weights/graph_to_weights.py).
_LARGEST_VALUE = 1023
LARGEST = 1 << 53  # float64 holds the integers below
BUILT_IN = ("one", "position", "recency", "position_sq")
BEGIN = "begin"


class MachineError(ValueError):
    """What is no machine; the message names the token or the dimension."""


def _is_point(point: object) -> bool:
    match point:
        case (int(kind), int(value)):
            return 0 <= kind <= 1 << 20 and 0 <= value <= _LARGEST_VALUE
    return False


class Token:
    """One token of a language.

    Args:
        spelling: how it is written: any text without white space.
        point: (type, value), both at least 0, the value at most 1,023.  The next token is the one
            whose point is nearest to the two numbers that `Machine.next` is given, the type first.
            None for tokens that are only read, never generated.
        columns: the numbers that it brings along; those that it does not name are 0.
    """

    def __init__(self, spelling: str, point: tuple[int, int] | None = None, **columns: int):
        if not isinstance(spelling, str) or spelling.split() != [spelling]:
            raise MachineError(
                f"token {spelling!r}: a spelling is text, not empty, and has no white space"
            )
        if point is not None and not _is_point(point):
            raise MachineError(
                f"token {spelling!r}: its point {point!r} is not a type from 0 to 2^20 and a value "
                f"from 0 to {_LARGEST_VALUE}"
            )
        for name, number in columns.items():
            if not (isinstance(number, int) and abs(number) < LARGEST):
                raise MachineError(
                    f"token {spelling!r}: column {name!r} is {number!r}, and no integer below 2^53"
                )
        for name in columns.keys() & {*BUILT_IN, *([BEGIN] if spelling != BEGIN else [])}:
            raise MachineError(f"token {spelling!r}: {name!r} is built in and no column")
        self.spelling, self.columns = spelling, columns
        self.point = None if point is None else (point[0], point[1])
