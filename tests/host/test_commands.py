"""Ordinary programs from standard input to exit status, as wasmtime runs them."""

from __future__ import annotations

import pytest

from host.commands import Environment, same

TEXT = b"the quick brown fox\njumps over the lazy dog\nThe end\n"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hello", Environment()),
        ("echo", Environment(("echo",))),
        ("echo", Environment(("echo", "77", "", "a b", "\u00e9"), {"HOME": "/root", "X": ""})),
        ("sum", Environment(stdin=b"1 2 -30\n123456789012 4")),
        ("sum", Environment(stdin=b"1 2 x")),
        ("sum", Environment()),
        ("words", Environment(stdin=TEXT * 3)),
        ("bytes", Environment(stdin=bytes(range(256)) * 2)),
        ("exit", Environment()),
        ("memory", Environment()),
    ],
)
def test_as_in_wasmtime(model, tmp_path, name: str, given: Environment) -> None:
    same(model, name, given, tmp_path)
