"""What a run gives a command, as bytes."""

from __future__ import annotations

import struct

import pytest

from pyvm.host.environment import Environment
from pyvm.isa.errors import ProgramError


def test_places_lead_to_what_is_given() -> None:
    given = Environment(
        ("prog", "a b"), {"HOME": "/"}, {"x/y.txt": b"\0text", "x/z": b""}, b"in\0put"
    ).encode()
    header = struct.unpack_from("<3I3I2I2I3Q", given)
    count, length, at = header[:3]
    assert (count, given[at : at + length]) == (2, b"prog\0a b\0")
    count, length, at = header[3:6]
    assert (count, given[at : at + length]) == (1, b"HOME=/\0")
    assert given[header[7] : header[7] + header[6]] == b"in\0put"
    nodes = [struct.unpack_from("<5I", given, header[9] + 20 * i) for i in range(header[8])]
    found = [(parent, given[name : name + size]) for parent, name, size, _, _ in nodes]
    assert found == [(0xFFFFFFFF, b""), (0, b"x"), (1, b"y.txt"), (1, b"z")]
    assert given[nodes[2][3] : nodes[2][3] + nodes[2][4]] == b"\0text"


@pytest.mark.parametrize(
    "wrong",
    [
        {"args": ("a\0b",)},
        {"env": {"A=B": "c"}},
        {"env": {"A": "c\0"}},
        {"files": {"../x": b""}},
        {"files": {"": b""}},
        {"files": {"x": b"", "x/y": b""}},
        {"files": {"x": b"", "./x": b""}},
        {"seed": -1},
        {"time": 1 << 64},
    ],
)
def test_what_cannot_be_given_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ProgramError):
        Environment(**wrong).encode()  # type: ignore[arg-type]
