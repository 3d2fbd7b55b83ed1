"""Reads the numbers, names and vectors of the WebAssembly binary format.

Enters: bytes.  Leaves: values; every read is checked against the end of its window, and
`WasmError` names the offset of what is malformed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pyvm.isa.errors import Missing, ProgramError, WasmError
from pyvm.wasm import proposals
from pyvm.wasm.opcodes import REFERENCES, VALUE_TYPES

T = TypeVar("T")


class Reader:
    """A window of the file; every read is checked against its end."""

    def __init__(self, data: bytes, position: int = 0, end: int | None = None):
        self.data, self.position = data, position
        self.end = len(data) if end is None else end

    def byte(self) -> int:
        if self.position >= self.end:
            raise WasmError("unexpected end", self.position)
        self.position += 1
        return self.data[self.position - 1]

    def take(self, count: int) -> bytes:
        if count > self.end - self.position:
            raise WasmError("unexpected end", self.position)
        self.position += count
        return self.data[self.position - count : self.position]

    def _leb128(self, bits: int) -> tuple[int, int]:
        """The groups of 7 bits of a number, the lowest first, and how many bits they are."""
        start, value, shift = self.position, 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value, shift
            if shift >= bits:
                raise WasmError("integer representation too long", start)

    def unsigned(self, bits: int = 32) -> int:
        start = self.position
        value, _ = self._leb128(bits)
        if value >> bits:
            raise WasmError("integer too large", start)
        return value

    def signed(self, bits: int) -> int:
        start = self.position
        value, read = self._leb128(bits)
        if value >> read - 1:
            value -= 1 << read
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise WasmError("integer too large", start)
        return value

    def name(self) -> str:
        count, start = self.unsigned(), self.position
        try:
            return self.take(count).decode("utf-8")
        except UnicodeDecodeError:
            raise WasmError("malformed UTF-8", start) from None

    def window(self, count: int) -> Reader:
        if count > self.end - self.position:
            raise WasmError("unexpected end", self.position)
        inner = Reader(self.data, self.position, self.position + count)
        self.position += count
        return inner

    def vector(self, item: Callable[[], T]) -> list[T]:
        count = self.unsigned()
        if count > self.end - self.position:  # every item takes at least one byte
            raise WasmError("unexpected end", self.position)
        return [item() for _ in range(count)]

    def value_type(self) -> str:
        at = self.position
        code = self.byte()
        if code not in VALUE_TYPES:
            raise self.no_value_type(code, at)
        return VALUE_TYPES[code]

    def any_value_type(self, missing: dict[str, Missing]) -> str:
        """Also one that pyvm does not have: then its name is among those that are missing."""
        at = self.position
        try:
            return self.value_type()
        except Missing as why:
            first = self.data[at]
            if first in proposals.TYPED_REFERENCES:
                first = self.data[self.position] if self.position < self.end else 0
                if self.signed(33) >= 0:
                    first = 0
            if not proposals.is_one_byte(first):  # nobody knows here where the type ends
                raise
            name = f"type {self.data[at : self.position].hex()}"
            missing.setdefault(name, why)
            return name

    def heap_type(self) -> str:
        """What ref.null names: a type of references, or the index of a type."""
        at = self.position
        if self.signed(33) >= 0:
            raise proposals.missing(("a typed reference", proposals.FUNCTION_REFERENCES), at)
        self.position = at
        return self.reference_type()

    def reference_type(self) -> str:
        at = self.position
        code = self.byte()
        if code not in REFERENCES:
            known = proposals.value_type(code, self.data[at + 1] if at + 1 < self.end else None)
            if known is not None and known[1] is proposals.SIMD:
                known = None
            raise proposals.refusal(known, at, f"unknown type of references {code:#04x}")
        return REFERENCES[code]

    def no_value_type(self, code: int, at: int) -> ProgramError:
        """The error for the byte of a type, behind it: of a proposal, or unknown."""
        heap = self.data[self.position] if self.position < self.end else None
        known = proposals.value_type(code, heap)
        return proposals.refusal(known, at, f"unknown value type {code:#04x}")
