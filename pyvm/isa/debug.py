"""The way back from machine code to WebAssembly: what traps and statistics say about a program.

Enters: what the linker knows (pyvm/compiler/link/debug.py).  Leaves: `Debug`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, overload

if TYPE_CHECKING:
    import numpy as np

# Where an instruction comes from: wasm function or None, offset in the .wasm file or None.
Place: TypeAlias = "tuple[str | None, int | None]"


class Places(Sequence[Place]):
    """The place of each instruction, kept as arrays.

    Attributes:
        names: of functions.
        functions: "i", index into names, -1 for none.
        offsets: "q", -1 for none.
    """

    def __init__(self, names: tuple[str, ...], functions: array[int], offsets: array[int]):
        self.names, self.functions, self.offsets = names, functions, offsets

    @classmethod
    def of(cls, places: Iterable[Place]) -> Places:
        if isinstance(places, Places):
            return places
        places = list(places)
        numbers: dict[str | None, int] = {None: -1}
        functions = [numbers.setdefault(name, len(numbers) - 1) for name, _ in places]
        offsets = [-1 if at is None else at for _, at in places]
        names = tuple(name for name in numbers if name is not None)
        return cls(names, array("i", functions), array("q", offsets))

    def __len__(self) -> int:
        return len(self.functions)

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Place, ...]: ...
    def __getitem__(self, index: int | slice) -> Place | tuple[Place, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        function, offset = self.functions[index], self.offsets[index]
        return self.names[function] if function >= 0 else None, offset if offset >= 0 else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Debug(NamedTuple):
    """What is known about the instructions of a program; all of it may be missing.

    Attributes:
        units: (first instruction, name) of each function and library routine.
        runs: "i", per instruction the number of the straight run of wasm instructions that it
            belongs to, -1 for none.
        weights: "q", wasm instructions of each run.
        refused: instruction -> the wasm instruction that is not supported there.
        lines: source line ("file:line") by offset in the wasm file.
    """

    units: tuple[tuple[int, str], ...] = ()
    runs: array[int] = array("i")
    weights: array[int] = array("q")
    refused: Mapping[int, str] = {}
    lines: tuple[tuple[int, str | None], ...] = ()  # (offset, line from there on)

    def line(self, offset: int | None) -> str | None:
        if offset is None:
            return None
        index = bisect_right(self.lines, offset, key=lambda row: row[0]) - 1
        return self.lines[index][1] if index >= 0 else None

    def wasm_instructions(self, counts: np.ndarray) -> int:
        """How many wasm instructions were executed, given how often each machine instruction was.

        A run is executed as a whole, and no machine instruction of it more often than that; one of
        them is executed every time, unless the run needs no code at all: then it is not counted.
        Where a program traps, the rest of the run and of those that called it counts as well.
        """
        import numpy as np

        runs, weights = np.asarray(self.runs), np.asarray(self.weights)
        most = np.zeros(weights.size, dtype=np.int64)
        known = runs >= 0
        np.maximum.at(most, runs[known], counts[known])
        return int(most @ weights)


NOTHING_KNOWN = Debug()
