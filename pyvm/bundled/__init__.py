"""The bundled programs: one table of names, descriptions, inputs and expected outputs.

Enters: the .c files beside this one, each with its .wasm (so that they run where no C compiler is),
and the expected outputs in outputs/.  Leaves: `PROGRAMS`.  `python -m pyvm.bundled`
compiles the .c files again.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent


class Case(NamedTuple):
    """An input (None: the program takes none) and the name of the file with the expected output."""

    input: str | None
    output_file: str

    @property
    def output(self) -> str:
        return (_HERE / "outputs" / self.output_file).read_text()


class Bundled(NamedTuple):
    """A bundled program; the first case's input is the default."""

    name: str
    description: str
    cases: tuple[Case, ...]

    @property
    def input(self) -> str | None:
        return self.cases[0].input

    @property
    def source(self) -> Path:
        return _HERE / f"{self.name}.c"

    @property
    def wasm_file(self) -> Path:
        return _HERE / f"{self.name}.wasm"

    def wasm(self) -> bytes:
        return self.wasm_file.read_bytes()


def _program(name: str, description: str, *inputs: str | None) -> Bundled:
    cases = tuple(Case(text, f"{name}-{i}.txt") for i, text in enumerate(inputs))
    return Bundled(name, description, cases)


PROGRAMS: dict[str, Bundled] = {
    item.name: item
    for item in (
        _program("hello", "prints one line", None),
        _program(
            "addition",
            "adds two decimal numbers of any length",
            "987654321987654321+123456789123456789",
            "1+1",
            "99999999999999999999999999999999999999999999999999+1",
            "0 + 0",
            "12",
        ),
        _program("collatz", "the Collatz sequence of a number", "7", "27", "1", "1431655765", "0"),
        _program("fibonacci", "the first Fibonacci numbers, exact", "20", "1", "100", "x"),
        _program(
            "min_cost_matching",
            "assigns workers to jobs at the least cost (Hungarian method), with its reasoning",
            "4  9 2 7 8  6 4 3 7  5 8 1 8  7 6 9 4",
            "1 5",
            "3  4 1 3  2 0 5  3 2 2",
            "5  -7 3 9 2 4  1 1 1 1 1  8 2 -5 6 0  9 9 3 9 4  2 7 1 8 2",
            "13",
        ),
        _program(
            "sudoku",
            "solves a Sudoku by constraint propagation and search",
            "800000000003600000070090200050007000000045700000100030001000068008500010090000400",
            "530070000600195000098000060800060003400803001700020006060000280000419005000080079",
            "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9"[
                :80
            ],
            "550000000" + "0" * 72,
        ),
    )
}
