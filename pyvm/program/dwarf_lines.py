"""Reader of DWARF line tables: which source line a place in the code comes from.

Enters: the custom sections `.debug_line` and `.debug_line_str` of a module, and where its code
section lies (addresses count from its start).  Leaves: (offset in the file, "source:line") rows, in
the order of the offsets.  Versions 2 to 5 (DWARF standard, section 6.2).  Debug data is a courtesy:
what cannot be read gives no lines, and no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from pyvm.program.errors import WasmError
from pyvm.program.reader import Reader

# Codes of the standard, as far as they matter here.
_STRING, _LINE_STRING, _STRING_POINTER = 0x08, 0x1F, 0x0E  # forms of a name
_FIXED = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x17: 4}  # other forms: bytes
_PATH = 1
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _CONST_ADD_PC, _FIXED_ADVANCE_PC = 1, 2, 3, 4, 8, 9
_END_SEQUENCE, _SET_ADDRESS = 1, 2

Row = tuple[int, str | None]


def read_lines(sections: dict[str, bytes], code: range) -> tuple[Row, ...]:
    """The rows; a line of None ends what is known."""
    rows: list[Row] = []
    reader = Reader(sections.get(".debug_line", b""))
    strings = sections.get(".debug_line_str", b"")
    try:
        while reader.position < reader.end:
            program = reader.window(_number(reader, 4))
            rows += _Program(program, strings).rows()
    except (WasmError, ValueError, IndexError):
        pass
    # At equal offsets the end of one function comes before the start of the next.
    rows.sort(key=lambda row: (row[0], row[1] is not None))
    # Functions that the linker left out have addresses beyond the code.
    return tuple((code.start + at, line) for at, line in rows if at <= len(code))


def _number(reader: Reader, size: int) -> int:
    return int.from_bytes(reader.take(size), "little")


def _text(data: bytes, start: int = 0) -> str:
    return data[start : data.index(0, start)].decode("utf-8", "replace")


@dataclass
class _Header:
    minimum_length: int
    line_base: int
    line_range: int
    operand_counts: list[int]  # of the standard opcodes, from 1 on
    files: list[str]
    first_file: int  # number of files[0]


class _Program:
    """One line number program."""

    def __init__(self, reader: Reader, strings: bytes):
        self.reader, self.strings = reader, strings
        self.header = self._header()

    def _header(self) -> _Header:
        r = self.reader
        version = _number(r, 2)
        if not 2 <= version <= 5:
            raise ValueError("unknown version")
        if version >= 5:
            r.take(2)  # sizes of addresses and segment selectors
        end = _number(r, 4) + r.position
        minimum_length = r.byte()
        r.take(2 if version >= 4 else 1)  # operations per instruction, default of is_stmt
        line_base = int.from_bytes(r.take(1), "little", signed=True)
        line_range = r.byte()
        counts = [r.byte() for _ in range(r.byte() - 1)]
        files = self._files_5() if version >= 5 else self._files()
        r.position = end
        return _Header(
            minimum_length, line_base, line_range, counts, files, 0 if version >= 5 else 1
        )

    def _string(self) -> str:
        text = _text(self.reader.data[: self.reader.end], self.reader.position)
        self.reader.position += len(text.encode()) + 1
        return text

    def _files(self) -> list[str]:
        while self._string():  # directories
            pass
        names = []
        while name := self._string():
            names.append(name)
            for _ in range(3):  # directory, time, length
                self.reader.unsigned(64)
        return names

    def _files_5(self) -> list[str]:
        self._entries()  # directories
        return self._entries()

    def _entries(self) -> list[str]:
        r = self.reader
        formats = [(r.unsigned(), r.unsigned()) for _ in range(r.byte())]
        names = []
        for _ in range(r.unsigned()):
            names.append("?")
            for content, form in formats:
                if form == _STRING:
                    value: str | None = self._string()
                elif form == _LINE_STRING:
                    value = _text(self.strings, _number(r, 4))
                elif form == _STRING_POINTER:
                    value = None
                    r.take(4)
                elif form in _FIXED:
                    value = None
                    r.take(_FIXED[form])
                else:  # udata
                    value = None
                    r.unsigned(64)
                if content == _PATH and value is not None:
                    names[-1] = value
        return names

    def rows(self) -> list[Row]:
        h, r = self.header, self.reader
        rows: list[Row] = []
        base = len(h.operand_counts) + 1
        address, file, line = 0, 1, 1

        def add() -> None:
            name = PurePosixPath(h.files[file - h.first_file].replace("\\", "/")).name
            rows.append((address, f"{name}:{line}" if line else None))

        while r.position < r.end:
            op = r.byte()
            if op >= base:
                address += (op - base) // h.line_range * h.minimum_length
                line += h.line_base + (op - base) % h.line_range
                add()
            elif op == 0:
                extended = r.window(r.unsigned())
                kind = extended.byte()
                if kind == _END_SEQUENCE:
                    rows.append((address, None))
                    address, file, line = 0, 1, 1
                elif kind == _SET_ADDRESS:
                    address = _number(extended, extended.end - extended.position)
            elif op == _COPY:
                add()
            elif op == _ADVANCE_PC:
                address += r.unsigned(64) * h.minimum_length
            elif op == _ADVANCE_LINE:
                line += r.signed(64)
            elif op == _SET_FILE:
                file = r.unsigned(64)
            elif op == _CONST_ADD_PC:
                address += (255 - base) // h.line_range * h.minimum_length
            elif op == _FIXED_ADVANCE_PC:
                address += _number(r, 2)
            else:
                for _ in range(h.operand_counts[op - 1]):
                    r.unsigned(64)
        return rows
