"""A compiled program as the bytes of a file, which loads as arrays.

Enters: a `Program`, or such bytes.  Leaves: the other one.  Damaged bytes give no program.

The bytes are a magic line, the SHA-256 of all that follows, the length of a header, the header
(JSON), and arrays, each aligned to 8 bytes.  What a user gives anew in every run (name and input)
is not in them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from pyvm.isa.debug import Debug, Places
from pyvm.isa.errors import ProgramError
from pyvm.isa.program import Program
from pyvm.isa.prompt import Listing

_MAGIC = b"pyvm program 1\n\0"
_BODY = len(_MAGIC) + hashlib.sha256().digest_size


def to_bytes(program: Program, note: str) -> bytes:
    """The file; `note` comes back with the program."""
    listing, places, debug = program.listing, Places.of(program.places), program.debug
    arrays = {
        "opcodes": listing.opcodes.astype("<i2"),
        "immediates": listing.immediates.astype("<u4"),
        "functions": places.functions.astype("<i4"),
        "offsets": places.offsets.astype("<i8"),
        "runs": debug.runs.astype("<i4"),
        "weights": debug.weights.astype("<i8"),
        "lines": np.array([at for at, _ in debug.lines], "<i8"),
        "data": np.frombuffer(b"".join(program.data), np.uint8),
    }
    header = {
        "note": note,
        "fields": _fields(program),
        "arrays": [[name, array.dtype.str, array.size] for name, array in arrays.items()],
    }
    text = json.dumps(header).encode()
    text += b" " * (-(_BODY + 8 + len(text)) % 8)
    body = bytearray(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        body += array.tobytes() + b"\0" * (-array.nbytes % 8)
    return _MAGIC + hashlib.sha256(body).digest() + bytes(body)


def from_bytes(data: bytes, note: str) -> Program | None:
    """The program of such a file; None when it is damaged, or has another note."""
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _BODY + 8:
        return None
    if hashlib.sha256(memoryview(data)[_BODY:]).digest() != data[len(_MAGIC) : _BODY]:
        return None
    try:
        at = _BODY + 8 + int.from_bytes(data[_BODY : _BODY + 8], "little")
        header = json.loads(data[_BODY + 8 : at])
        arrays: dict[str, np.ndarray] = {}
        for name, kind, count in header["arrays"]:
            arrays[name] = np.frombuffer(data, kind, count, at)
            at += -(-arrays[name].nbytes // 8) * 8
        return _program(header["fields"], arrays) if header["note"] == note else None
    except (ValueError, KeyError, TypeError, IndexError, ProgramError):
        return None


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


def _program(fields: dict[str, Any], arrays: dict[str, np.ndarray]) -> Program:
    octets, data, at = arrays["data"].tobytes(), [], 0
    for size in fields["sizes"]:
        data.append(octets[at : at + size])
        at += size
    debug = Debug(
        tuple((first, name) for first, name in fields["units"]),
        arrays["runs"],
        arrays["weights"],
        {row: what for row, what in fields["refused"]},
        tuple(zip(arrays["lines"].tolist(), fields["lines"], strict=True)),
    )
    return Program(
        Listing(arrays["opcodes"], arrays["immediates"]),
        b"" if fields["takes_input"] else None,
        Places(tuple(fields["names"]), arrays["functions"], arrays["offsets"]),
        debug=debug,
        room=fields["room"],
        data=tuple(data),
        settled=fields["settled"],
        is_command=fields["is_command"],
        reads_stdin=fields["reads_stdin"],
    )
