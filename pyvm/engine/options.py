"""Parameters of runs, checked before they cross the C boundary.

Enters: what a caller passed.  Leaves: the options struct, counts as ints; or one sentence that
names the parameter, what it must be and what was passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from pyvm.engine import abi
from pyvm.engine.errors import ArgumentError, ArgumentTypeError

_NAMES = {
    "path": abi.PATHS,
    "projection": abi.PROJECTIONS,
    "attention": abi.ATTENTIONS,
    "bypass": abi.BYPASSES,
}
_DEFAULTS: dict[str, str | int] = {
    "path": "auto",
    "projection": "auto",
    "attention": "auto",
    "bypass": "all",
    "threads": 0,
}


def make_options(caller: str, given: Mapping[str, str | int]) -> abi.Options:
    """The options struct of a call of `caller`; names are those of tvm.h in lower case."""
    for name in given:
        if name not in _DEFAULTS:
            raise ArgumentTypeError(
                f"{caller}() got an unexpected keyword argument {name!r}; its options are "
                f"{', '.join(_DEFAULTS)}"
            )
    options = {**_DEFAULTS, **given}
    threads = check_count(options.pop("threads"), "threads")
    if threads >= 2**31:
        raise ArgumentError(f"threads is {threads}: too many")
    values = {}
    for name, value in options.items():
        known = _NAMES[name]
        if not isinstance(value, str):
            raise ArgumentTypeError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        if value not in known:
            raise ArgumentError(f"{name} is {value!r}: it must be one of {', '.join(known)}")
        values[name] = known[value]
    return abi.Options(threads=threads, **values)


def check_count(value: Any, name: str) -> int:
    """A number of tokens, positions or threads."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError(f"{name} must be a whole number, not {value!r}")
    if not 0 <= int(value) < 2**63:
        raise ArgumentError(f"{name} must be a whole number from 0 to 2^63 - 1, not {value!r}")
    return int(value)


def check_flag(value: Any, name: str) -> bool:
    # That of numpy is known by its name, so that nothing loads numpy for it.
    if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):
        raise ArgumentTypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)
