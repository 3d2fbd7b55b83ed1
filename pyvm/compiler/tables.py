"""Where the tables of a module are.

Enters: a module whose references are numbers (wasm/references.py).  Leaves: the entries of the
machine's table, and the addresses of tables and element segments that lie in the memory.

The machine's table never changes.  Where one table of the module is called through, and nothing
changes it, its entries are the machine's.  Else the machine's table has every function at its
number, with nothing at 0, and `call_indirect` reads the number from a table in the memory.  Tables
that instructions read or change lie there, too: the number of their elements, how many they may
have, and the elements, four bytes each.  So do element segments; a dropped one has no elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyvm.compiler.instantiation import Instantiation
from pyvm.compiler.link.layout import Layout
from pyvm.wasm import limits
from pyvm.wasm.module import Module, number, numbers

HEAD = 8  # bytes before the elements
EXCEPTIONS = -1  # the table of what references to exceptions refer to (exceptions.py)
_READ = ("table.get", "table.size")
_CHANGED = ("table.set", "table.grow", "table.fill")


@dataclass
class Tables:
    """The tables and element segments of a module.

    Attributes:
        functions: those that have a number, in its order, from 1 on.
        by_number: whether `call_indirect` goes by numbers.
        called: a table that it goes through.
        places: the address of each table in the memory.
        segments: the address of each element segment that is copied from.
        rooms: how many elements each table in the memory may have.
    """

    module: Module
    functions: list[int]
    by_number: bool = False
    called: int | None = None
    places: dict[int, int] = field(default_factory=dict)
    segments: dict[int, int] = field(default_factory=dict)
    rooms: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        called: set[int] = set()
        used: set[int] = set()
        changed: set[int] = set()
        grown: set[int] = set()
        for body in self.module.bodies:
            for op, arg, _ in body.code:
                if op in ("call_indirect", "return_call_indirect"):
                    called.add(numbers(arg)[1])
                elif op in _READ:
                    used.add(number(arg))
                elif op in _CHANGED:
                    changed.add(number(arg))
                    if op == "table.grow":
                        grown.add(number(arg))
                elif op == "table.copy":
                    changed.add(numbers(arg)[0])
                    used.add(numbers(arg)[1])
                elif op == "table.init":
                    self.segments[numbers(arg)[0]] = 0
                    changed.add(numbers(arg)[1])
        self.by_number = len(called) > 1 or bool(called & changed)
        for i in sorted(used | changed | (called if self.by_number else set())):
            if i == EXCEPTIONS:
                self.rooms[i] = limits.TABLE_ELEMENTS
                continue
            size = self.module.tables[i]
            self.rooms[i] = size.minimum
            if i in grown:
                most = limits.TABLE_ELEMENTS if size.maximum is None else size.maximum
                self.rooms[i] = max(size.minimum, min(limits.TABLE_ELEMENTS, most))
        self.called = next(iter(called), None)

    def size(self) -> int:
        """How many bytes they take in the memory."""
        contents = [len(self._segment(i)) for i in self.segments]
        return sum(HEAD + 4 * count for count in (*self.rooms.values(), *contents))

    def place(self, layout: Layout, instantiation: Instantiation) -> None:
        """Gives them addresses, and what they hold at first."""
        for i, room in self.rooms.items():
            self.places[i] = layout.reserve(HEAD + 4 * room)
            if i == EXCEPTIONS:  # its elements are 0 where nothing was written
                head = room.to_bytes(4, "little")
                instantiation.data.append((self.places[i], head + head))
                continue
            functions = instantiation.tables[i]
            instantiation.data.append((self.places[i], self._content(functions, room)))
        for i in self.segments:
            elements = self._segment(i)
            self.segments[i] = layout.reserve(HEAD + 4 * len(elements))
            content = self._content(list(elements), len(elements))
            instantiation.data.append((self.segments[i], content))

    def entries(self, instantiation: Instantiation) -> list[int | None]:
        """The functions of the machine's table."""
        if self.by_number:
            return [None, *self.functions]
        return [] if self.called is None else instantiation.tables[self.called]

    def _segment(self, index: int) -> tuple[int | None, ...]:
        """An active segment is dropped when the program starts, a declarative one as well."""
        element = self.module.elements[index]
        passive = element.offset is None and not element.declarative
        return element.functions if passive else ()

    def _content(self, functions: list[int | None], room: int) -> bytes:
        known = {function: i for i, function in enumerate(self.functions, 1)}
        words = [len(functions), room, *(0 if f is None else known[f] for f in functions)]
        return b"".join(word.to_bytes(4, "little") for word in words)
