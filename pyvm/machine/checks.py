"""What a machine's author may write: calls, names and numbers, each refused by one sentence.

Enters: arguments as somebody wrote them.  Leaves: the same, or `MachineError`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from operator import index
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


class MachineError(ValueError):
    """What is no machine; the message names the token or the dimension."""


def arguments_checked(form: Callable[_P, _R]) -> Callable[_P, _R]:
    """A form whose wrong calls are a MachineError: columns and fetched values are arguments by
    name, so one of them can have the name of another argument."""

    @wraps(form)
    def call(*given: _P.args, **named: _P.kwargs) -> _R:
        try:
            return form(*given, **named)
        except TypeError:
            signature = inspect.signature(form)
            try:
                signature.bind(*given, **named)
            except TypeError as wrong:
                what = "Token" if form.__name__ == "__init__" else form.__name__
                about = ", ".join(map(repr, given[1:2]))
                takes = ", ".join(list(signature.parameters)[1:])
                raise MachineError(f"{what}({about}): {wrong}; it takes {takes}") from None
            raise

    return call


def is_text(name: object) -> bool:
    """Whether a model file can hold it, and a page can show it."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def integer(number: object) -> int | None:
    """None for what is no integer; numpy's are."""
    try:
        return index(number)  # type: ignore[arg-type]
    except TypeError:
        return None
