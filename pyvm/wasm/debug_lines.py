"""Reader of DWARF line tables: which source line a place in the code comes from.

Enters: the custom sections `.debug_line` and `.debug_line_str` of a module, and where its code
section lies (addresses count from its start).  Leaves: (offset in the file, "source:line") rows, in
the order of the offsets.  Versions 2 to 5 (DWARF standard, section 6.2).  Debug data is a courtesy:
what cannot be read gives no lines, and no error, and what is too large (limits.py) gives none at
all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from pyvm.isa.errors import WasmError
from pyvm.wasm import limits
from pyvm.wasm.reader import Reader

# Codes of the standard, as far as they matter here.
_STRING, _LINE_STRING, _STRING_POINTER = 0x08, 0x1F, 0x0E  # forms of a name
_FIXED = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x17: 4}  # other forms: bytes
_PATH = 1
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _CONST_ADD_PC, _FIXED_ADVANCE_PC = 1, 2, 3, 4, 8, 9
_END_SEQUENCE, _SET_ADDRESS = 1, 2
_ADDRESS = (1 << 64) - 1
_LINES = 1 << 32  # no file has more

Row = tuple[int, str | None]


def read_lines(sections: dict[str, bytes], code: range) -> tuple[Row, ...]:
    """The rows; a line of None ends what is known."""
    rows: list[Row] = []
    budget = _Budget()
    reader = Reader(sections.get(".debug_line", b""))
    strings = sections.get(".debug_line_str", b"")
    try:
        while reader.position < reader.end:
            program = reader.window(_number(reader, 4))
            _Program(program, strings, budget).read(rows)
    except _TooLarge:
        return ()
    except (WasmError, ValueError, IndexError):
        pass
    # At equal offsets the end of one function comes before the start of the next.
    rows.sort(key=lambda row: (row[0], row[1] is not None))
    # Functions that the linker left out have addresses beyond the code.
    return tuple((code.start + at, line) for at, line in rows if at <= len(code))


class _TooLarge(Exception):
    """The tables stand for more than a program that anybody wrote has."""


@dataclass
class _Budget:
    """What all line tables of a module may still have."""

    rows: int = limits.DEBUG_ROWS
    files: int = limits.DEBUG_FILES
    characters: int = limits.DEBUG_CHARACTERS

    def take(self, rows: int = 0, files: int = 0, characters: int = 0) -> None:
        self.rows -= rows
        self.files -= files
        self.characters -= characters
        if min(self.rows, self.files, self.characters) < 0:
            raise _TooLarge


def _number(reader: Reader, size: int) -> int:
    return int.from_bytes(reader.take(size), "little")


def _string(data: bytes, start: int, end: int) -> bytes:
    """The bytes up to a zero."""
    return data[start : data.index(0, start, min(end, start + limits.DEBUG_NAME_BYTES))]


def _text(data: bytes) -> str:
    """The last part of a path."""
    return PurePosixPath(data.decode("utf-8", "replace").replace("\\", "/")).name


@dataclass
class _Header:
    minimum_length: int
    line_base: int
    line_range: int
    operand_counts: list[int]  # of the standard opcodes, from 1 on
    files: list[str]  # last parts of their paths
    first_file: int  # number of files[0]


class _Program:
    """One line number program."""

    def __init__(self, reader: Reader, strings: bytes, budget: _Budget):
        self.reader, self.strings, self.budget = reader, strings, budget
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

    def _string(self) -> bytes:
        found = _string(self.reader.data, self.reader.position, self.reader.end)
        self.reader.position += len(found) + 1
        return found

    def _file(self, path: bytes) -> str:
        name = _text(path)
        self.budget.take(files=1, characters=len(name))
        return name

    def _files(self) -> list[str]:
        while self._string():  # directories
            pass
        names = []
        while name := self._string():
            names.append(self._file(name))
            for _ in range(3):  # directory, time, length
                self.reader.unsigned(64)
        return names

    def _files_5(self) -> list[str]:
        self._entries()  # directories
        return self._entries()

    def _entries(self) -> list[str]:
        r = self.reader
        formats = [(r.unsigned(), r.unsigned()) for _ in range(r.byte())]
        names: list[str] = []
        count = r.unsigned()
        if count and not formats:
            raise ValueError("entries that say nothing")
        for _ in range(count):
            path = b"?"
            for content, form in formats:
                if form == _STRING:
                    value: bytes | None = self._string()
                elif form == _LINE_STRING:
                    value = _string(self.strings, _number(r, 4), len(self.strings))
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
                    path = value
            names.append(self._file(path))
        return names

    def read(self, rows: list[Row]) -> None:
        """Adds the rows; those before a damaged place are there when it raises."""
        h, r = self.header, self.reader
        base = len(h.operand_counts) + 1
        address, file, line = 0, 1, 1

        def advance(op: int) -> int:
            """How much further the address is behind a special opcode."""
            if not h.line_range:
                raise ValueError("special opcodes without lines")
            return (op - base) // h.line_range * h.minimum_length

        def add() -> None:
            index = file - h.first_file
            known = 0 <= index < len(h.files) and 0 < line < _LINES
            text = f"{h.files[index]}:{line}" if known else None
            self.budget.take(rows=1, characters=len(text or ""))
            rows.append((address & _ADDRESS, text))

        while r.position < r.end:
            op = r.byte()
            if op >= base:
                address += advance(op)
                line += h.line_base + (op - base) % h.line_range
                add()
            elif op == 0:
                extended = r.window(r.unsigned())
                kind = extended.byte()
                if kind == _END_SEQUENCE:
                    self.budget.take(rows=1)
                    rows.append((address & _ADDRESS, None))
                    address, file, line = 0, 1, 1
                elif kind == _SET_ADDRESS:
                    address = _number(extended, min(8, extended.end - extended.position))
            elif op == _COPY:
                add()
            elif op == _ADVANCE_PC:
                address += r.unsigned(64) * h.minimum_length
            elif op == _ADVANCE_LINE:
                line += r.signed(64)
            elif op == _SET_FILE:
                file = r.unsigned(64)
            elif op == _CONST_ADD_PC:
                address += advance(255)
            elif op == _FIXED_ADVANCE_PC:
                address += _number(r, 2)
            else:
                for _ in range(h.operand_counts[op - 1]):
                    r.unsigned(64)
