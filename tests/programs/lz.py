"""The compression of lz.c in plain Python.

Enters: the program's input.  Leaves: its output; `unpack` reads what lz.c packed.
"""

from __future__ import annotations


def _sequence(literals: bytes, copied: int, distance: int) -> bytes:
    def tail(length: int) -> bytes:
        return (
            b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])
        )

    more = max(copied - 4, 0)
    head = bytes([min(len(literals), 15) << 4 | min(more, 15)]) + tail(len(literals)) + literals
    return head + distance.to_bytes(2, "little") + tail(more) if copied else head


def unpack(packed: bytes) -> bytes:
    text, data = bytearray(), iter(packed)

    def length(first: int) -> int:
        more = 255 if first == 15 else 0
        while more == 255:
            more = next(data)
            first += more
        return first

    for lengths in data:
        text += bytes(next(data) for _ in range(length(lengths >> 4)))
        low = next(data, None)
        if low is not None:
            distance = low | next(data) << 8
            for _ in range(length(lengths & 15) + 4):
                text.append(text[-distance])
    return bytes(text)


def lz(text: str) -> str:
    data, packed, seen = text.encode(), b"", dict[int, int]()
    at = literals = 0
    while at + 4 <= len(data):
        slot = int.from_bytes(data[at : at + 4], "little") * 2654435761 % 2**32 >> 24
        before = seen.get(slot, at)
        seen[slot] = at
        same = 0
        while before < at and at + same < len(data) and data[before + same] == data[at + same]:
            same += 1
        if same >= 4:
            packed += _sequence(data[literals:at], same, at - before)
            literals = at = at + same
        else:
            at += 1
    packed += _sequence(data[literals:], 0, 0)
    assert unpack(packed) == data
    return f"{packed.hex()}\n{len(data)} -> {len(packed)}\n"
