"""A compiled program as the bytes of a file, which loads as arrays.

Enters: a `Program`, or such bytes.  Leaves: the other one.  Damaged bytes give no program.

The bytes are a magic line, the SHA-256 of all that follows, the length of a header, the header
(JSON), and arrays in little endian, each aligned to 8 bytes.  What a user gives anew in every run
(name and input) is not in them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from typing import Any

from pyvm.isa.debug import Debug, Places
from pyvm.isa.errors import ProgramError
from pyvm.isa.program import Program
from pyvm.isa.prompt import Listing

_MAGIC = b"pyvm program 2\n\0"
_BODY = len(_MAGIC) + hashlib.sha256().digest_size


def to_bytes(program: Program, note: str) -> bytes:
    """The file; `note` comes back with the program."""
    listing, places, debug = program.listing, Places.of(program.places), program.debug
    arrays = {
        "rows": array("B", listing.rows),
        "octets": array("B", listing.octets),
        "functions": places.functions,
        "offsets": places.offsets,
        "runs": debug.runs,
        "weights": debug.weights,
        "lines": array("q", [at for at, _ in debug.lines]),
        "data": array("B", b"".join(program.data)),
    }
    header = {
        "note": note,
        "fields": _fields(program),
        "arrays": [[name, items.typecode, len(items)] for name, items in arrays.items()],
    }
    text = json.dumps(header).encode()
    text += b" " * (-(_BODY + 8 + len(text)) % 8)
    body = bytearray(len(text).to_bytes(8, "little") + text)
    for items in arrays.values():
        octets = _little_endian(items).tobytes()
        body += octets + b"\0" * (-len(octets) % 8)
    return _MAGIC + hashlib.sha256(body).digest() + bytes(body)


def from_bytes(data: bytes, note: str) -> Program | None:
    """The program of such a file; None when it is damaged, or has another note."""
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _BODY + 8:
        return None
    body = memoryview(data)[_BODY:]
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : _BODY]:
        return None
    try:
        at = 8 + int.from_bytes(body[:8], "little")
        header = json.loads(bytes(body[8:at]))
        arrays: dict[str, array[int]] = {}
        for name, kind, count in header["arrays"]:
            items = array(kind)
            octets = body[at : at + items.itemsize * count]
            items.frombytes(octets)
            arrays[name] = _little_endian(items)
            at += -(-len(octets) // 8) * 8
        return _program(header["fields"], arrays) if header["note"] == note else None
    except (ValueError, KeyError, TypeError, IndexError, ProgramError):
        return None


def _little_endian(items: array[int]) -> array[int]:
    """What is little endian as the machine has it, or the other way."""
    if sys.byteorder == "little":
        return items
    swapped = array(items.typecode, items)
    swapped.byteswap()
    return swapped


def _fields(program: Program) -> dict[str, Any]:
    debug = program.debug
    return {
        "takes_input": program.takes_input,
        "room": program.room,
        "settled": program.settled,
        "is_command": program.is_command,
        "reads_stdin": program.reads_stdin,
        "sizes": [len(octets) for octets in program.data],
        "names": Places.of(program.places).names,
        "units": debug.units,
        "refused": list(debug.refused.items()),
        "lines": [line for _, line in debug.lines],
    }


def _program(fields: dict[str, Any], arrays: dict[str, array[int]]) -> Program:
    octets, data, at = arrays["data"].tobytes(), [], 0
    for size in fields["sizes"]:
        data.append(octets[at : at + size])
        at += size
    debug = Debug(
        tuple((first, name) for first, name in fields["units"]),
        arrays["runs"],
        arrays["weights"],
        {row: what for row, what in fields["refused"]},
        tuple(zip(arrays["lines"], fields["lines"], strict=True)),
    )
    return Program(
        Listing(arrays["rows"].tobytes(), arrays["octets"].tobytes()),
        b"" if fields["takes_input"] else None,
        Places(tuple(fields["names"]), arrays["functions"], arrays["offsets"]),
        debug=debug,
        room=fields["room"],
        data=tuple(data),
        settled=fields["settled"],
        is_command=fields["is_command"],
        reads_stdin=fields["reads_stdin"],
    )
