"""A wasm module -> the machine's instructions, and what lies in its memory and its table.

Enters: a valid module, the machine, the function to run and its input or arguments.  Leaves: linked
code: start code (the memory's size, globals, start function, the entry's operands, its call,
`halt`), every function that can be reached, and the library routines that they use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pyvm.compiler.exceptions import Exceptions, without_exceptions
from pyvm.compiler.imports import ASKS_AREA, with_host
from pyvm.compiler.instantiation import Instantiation, constant, pieces, runs
from pyvm.compiler.ir.variables import improve
from pyvm.compiler.link.assembly import (
    Callee,
    Deeper,
    Function,
    Ins,
    Label,
    Linked,
    Routine,
    Start,
    Uncaught,
    Unit,
    link,
)
from pyvm.compiler.link.layout import Layout, stores
from pyvm.compiler.link.peephole import peephole
from pyvm.compiler.lower.function import lower
from pyvm.compiler.lower.surroundings import Surroundings
from pyvm.compiler.routines import Library
from pyvm.compiler.select.base import BASE
from pyvm.compiler.select.selector import Machine, Selector, Shared, deepened
from pyvm.compiler.select.standard import STANDARD
from pyvm.compiler.tables import Tables
from pyvm.compiler.tails import Tails
from pyvm.floats.module import with_floats
from pyvm.host.environment import Environment
from pyvm.host.module import STATE_BYTES
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.isa.instructions import GLOBALS, LOCALS
from pyvm.isa.traps import Trap, halt_immediate
from pyvm.printable import printable
from pyvm.wasm.constants import fold_constants
from pyvm.wasm.floats import Argument, argument, integer_type, integer_types
from pyvm.wasm.module import MAX_PAGES, PAGE, FunctionType, Limits, Module, number
from pyvm.wasm.reach import without_unreached
from pyvm.wasm.references import numbered

MACHINES = {"standard": STANDARD, "base": BASE}
# In the base machine a memory that can grow may reach this size; its cells lie above.
GROWTH_LIMIT = 1024
OWN_BYTES = 1 << 23  # of the address space, for cells and tables
COMMAND = "_start"  # what a command exports
REACTOR = "_initialize"  # what a library exports that wants to be called before all else
# Of the address space, for the host's state and what a run gives a command.
_AREA_BYTES = 1 << 28
_MARGIN = 16


class Compiled(NamedTuple):
    """What a module became.

    Attributes:
        module: with the host's functions.
        linked: the code.
        data: the bytes for each of its rows `data` and `elements`.
        takes_input: whether it takes the input; then it has a row `input_base`.
        room: how many bytes the input may have where it lies; None: any number.
        settled: every such input gives this code.
        reads_stdin: whether it can come to a function of the host that reads standard input.
    """

    module: Module
    linked: Linked
    data: tuple[bytes, ...]
    takes_input: bool
    room: int | None
    settled: bool
    reads_stdin: bool


def compile_module(
    module: Module,
    machine: str,
    entry: str,
    args: tuple[Argument, ...],
    input: bytes | None,
    print_results: bool,
) -> Compiled:
    """The code of a valid module.  The input of a command (entry `_start`) is what an Environment
    makes of a run's surroundings; any other entry has the surroundings that nobody chose.
    """
    own = len(module.functions)
    module = with_host(module, machine == "base")
    fold_constants(module)
    index = module.export(entry, "func")
    roots = [index, module.export(REACTOR, "func"), module.start and module.start[0]]
    module = without_unreached(module, (root for root in roots if root is not None))
    takes_input = (
        not args
        and not print_results
        and index is not None
        and module.function_types()[index].params == ("i32",)
    )
    text = (input or b"") if takes_input else None
    given = input if entry == COMMAND else None
    hosts = range(len(module.imported("func")) + own, len(module.function_types()))
    printed: tuple[str, ...] = ()
    if print_results and index is not None:
        printed = module.function_types()[index].results
    module, floats = (module, {}) if machine == "base" else with_floats(module, printed)
    numbers, functions = numbered(module)
    module, exceptions = without_exceptions(numbers)
    compiler = _Compiler(
        module, functions, MACHINES[machine], text, given, hosts, floats, exceptions
    )
    linked = compiler.compile(entry, args, print_results)
    return Compiled(
        replace(module, bodies=numbers.bodies),
        linked,
        tuple(compiler.data),
        compiler.input is not None,
        compiler.room,
        not takes_input or compiler.settled(),
        compiler.reads_stdin(),
    )


class _Compiler:
    """A module while it is compiled.

    Attributes:
        input: of an entry that takes a pointer to it; once all is lowered, also that of a command.
        given: what a run gives a command; None: it is no command.
        functions: those that have a number, see wasm/references.py.
        hosts: the functions of the host.
        floats: those that compute instructions of floats, or print floats.
    """

    def __init__(
        self,
        module: Module,
        functions: list[int],
        machine: Machine,
        input: bytes | None,
        given: bytes | None,
        hosts: range,
        floats: dict[str, int],
        exceptions: Exceptions,
    ):
        self.module, self.machine, self.input = module, machine, input
        self.given, self.hosts, self.floats, self.exceptions = given, hosts, floats, exceptions
        self.uncaught = Label("uncaught")
        self.base = machine is BASE
        self.room: int | None = None
        self.data: list[bytes] = []
        memories = module.imported_limits("memory") + module.memories
        self.memory: Limits | None = memories[0] if memories else None
        self.pages = self._pages()
        segments, tables = self._segments(), Tables(module, functions)
        area = _AREA_BYTES * any(str(item) == ASKS_AREA for item in module.imports)
        own = tables.size() + sum(len(content) for content in segments.values())
        end = self._end(area, own)
        self.instantiation = Instantiation(module, self.pages * PAGE)
        types, entries = module.function_types(), tables.entries(self.instantiation)
        self.tails = Tails(module, types, entries)
        exceptions.spread(module, types, entries, self.tails)
        self.tails.throwing = exceptions.functions
        surroundings = Surroundings(
            module,
            types,
            entries,
            tables,
            self.tails,
            exceptions,
            not self.base,
            floats,
        )
        self.shared = Shared(surroundings, Layout(end), max_pages=self.max_pages)
        if self.base:
            self.shared.layout.reserve_cells()
        surroundings.area = self.shared.layout.reserve(area)
        tables.place(self.shared.layout, self.instantiation)
        for i, content in segments.items():
            self.shared.segments[i] = (self.shared.layout.reserve(len(content)), len(content))
        self._place_globals()

    # -- where everything lies ------------------------------------------------------------------

    def _pages(self) -> int:
        """The memory's size: as declared, and more where an input would not fit behind the heap's
        base, as a host may grow a memory before it calls.  An empty input needs no room.
        """
        if self.memory is None:
            return 0
        heap = self._heap_base()
        if self.input and heap is not None:
            needed = -(-(heap + len(self.input) + 1) // PAGE)
            if self.memory.minimum < needed <= self._growth():
                return needed
        return self.memory.minimum

    def settled(self) -> bool:
        """Whether neither the input's address nor the memory's size depends on its length."""
        if self.memory is None:
            return True
        return self._heap_base() is not None and self.pages == self.memory.minimum

    def _growth(self) -> int:
        """The number of pages that the memory may grow to."""
        declared = MAX_PAGES if self.memory is None else self.memory.maximum
        declared = MAX_PAGES if declared is None else declared
        return min(declared, GROWTH_LIMIT) if self.base else declared

    def _heap_base(self) -> int | None:
        heap = self.module.export("__heap_base", "global")
        if heap is None or self.module.globals[heap].type != "i32":
            return None
        return constant(self.module.globals[heap].init)

    def _uses(self, *ops: str) -> list[int]:
        """The immediates of these instructions, wherever they stand."""
        return [
            number(instr.arg or 0)
            for body in self.module.bodies
            for instr in body.code
            if instr.op in ops
        ]

    def _segments(self) -> dict[int, bytes]:
        """The passive data segments that are copied from."""
        used = sorted(set(self._uses("memory.init")))
        passive = {i: self.module.data[i] for i in used if self.module.data[i].offset is None}
        return {i: segment.content for i, segment in passive.items()}

    def _end(self, area: int, own: int) -> int:
        """The first address that the program can never own; there the compiler's own data lies."""
        self.max_pages = self.pages
        if self._uses("memory.grow") and self.memory is not None:
            self.max_pages = max(self.pages, self._growth())
        own = OWN_BYTES if self.base else (own + 4 * len(self.module.data)) * bool(own) + area
        if own and self.max_pages * PAGE + own > 1 << 32:  # growing may fail at any time
            self.max_pages = max(self.pages, ((1 << 32) - own) // PAGE)
        end = self.max_pages * PAGE
        if own and end + own > 1 << 32:
            raise Unsupported(
                f"the {self.machine.name} machine has no room for its own data beside a memory of "
                f"{self.pages} pages"
            )
        if self.base and self.input is not None and self._heap_base() in range(end, end + _MARGIN):
            end += _MARGIN  # the empty input, which lies beyond the memory, stays empty
        return end

    def _place_globals(self) -> None:
        """Those that are used and change, most used first; one of eight bytes takes two slots.

        What does not fit lies where the locals of the lowest call depths would: slots are cells.
        """
        uses = [0] * len(self.module.globals)
        for index in self._uses("global.get", "global.set"):
            uses[index] += 1
        used = 0
        self.shared.globals = [0] * len(uses)
        for index in sorted(range(len(uses)), key=lambda i: (-uses[i], i)):
            item = self.module.globals[index]
            if uses[index] and item.mutable:
                used += 2 if integer_type(item.type) == "i64" else 1
                self.shared.globals[index] = used - 1
        for i in sorted(set(self._uses("data.drop")) & set(self.shared.segments)):
            self.shared.drops[i] = used
            used += 1
        self.shared.pages, self.first_flag = used, used + 1

    # -- code -----------------------------------------------------------------------------------

    def compile(self, entry: str, args: tuple[Argument, ...], print_results: bool) -> Linked:
        shared = self.shared
        surroundings = shared.surroundings
        index = self._entry(entry)
        address = self._place_input() if self.input is not None else 0
        calls = self._calls(entry, index, args, address, print_results)
        trap = self.instantiation.trap
        if trap is not None:  # nothing else is ever reached
            immediate = halt_immediate(trap.kind, 0) if self.base else trap.kind
            calls = [Ins("halt" if self.base else "trap", immediate, trap.at)]
        functions: list[Unit] = []
        internal = {*self.floats.values(), *self.exceptions.helpers}
        while trap is None and len(functions) < len(surroundings.wanted):
            function = lower(surroundings, surroundings.wanted[len(functions)])
            improve(function)
            unit = peephole(Selector(self.machine, shared, function).select())
            if function.index in internal:  # it traps for the function that called it
                unit.function = None
            functions.append(unit)
        if not self.hosts:  # libraries have much that their programs never come to
            surroundings.check_refusals()
        symbols = {"MAX_PAGES": self.max_pages}
        library = Library(self.machine.name, shared.layout, symbols, self.first_flag)
        uncaught, traps = self._uncaught(calls)
        units = [*self.tails.joined(functions), *library.units(shared.routines), *self._thunks()]
        units += traps
        initial = self._initial(library)
        slots = self.first_flag + len(library.flags)
        begin = deepened([*initial, *calls, *uncaught], -(-max(0, slots - GLOBALS) // LOCALS))
        if surroundings.asks_area:
            address = self._surround(address)
        start = Unit(Start(), [*self._given(address), *begin])
        units += _deeper([start, *units])
        linked = link([start, *units])
        if shared.types:
            self.data.append(self._table(linked))
        return linked

    def _entry(self, entry: str) -> int:
        index = self.module.export(entry, "func")
        if index is None:
            names = [item.name for item in self.module.exports if item.kind == "func"]
            exported = printable(", ".join(names)) or "nothing"
            raise ProgramError(f"the module exports no function {entry!r}; it exports {exported}")
        if index < len(self.module.imported("func")):
            raise Unsupported(f"the entry function {entry!r} is an import")
        return index

    def _calls(
        self,
        entry: str,
        index: int,
        args: tuple[Argument, ...],
        address: int,
        print_results: bool,
    ) -> list[Ins]:
        """The start function, a library's first, the entry and what comes out of it."""
        surroundings = self.shared.surroundings
        kind = surroundings.types[index]
        if self.input is None and len(args) != len(kind.params):
            raise ProgramError(
                f"{entry} takes {len(kind.params)} arguments ({kind}), {len(args)} are given"
            )
        if self.base and {"f32", "f64"} & {*kind.params, *kind.results}:
            raise Unsupported(
                f"the entry function {entry!r} has the type {kind}: the base machine has no floats"
            )
        calls: list[Ins] = []
        if self.module.start:
            surroundings.want(self.module.start[0])
            calls.append(self._call(*self.module.start))
        first = self.module.export(REACTOR, "func")
        if first not in (None, index) and entry != COMMAND:
            if surroundings.types[first] == FunctionType((), ()):
                surroundings.want(first)
                calls.append(self._call(first))
        if self.input is not None:
            calls.append(Ins("i32.const", address))
        for value, type_name in zip(args, kind.params):
            number = argument(type_name, value)
            if number is None:
                given = "ref.null" if value is None else value
                raise ProgramError(f"{entry} takes {kind.params}, and {given} is no {type_name}")
            calls.append(Ins(f"{integer_type(type_name)}.const", number))
        surroundings.want(index)
        calls.append(self._call(index))
        if not print_results:
            calls += [Ins("drop")] * len(kind.results)
        else:
            calls += self._printed(kind.results)
        return [*calls, Ins("halt", 0)]

    def _call(self, index: int, at: int | None = None) -> Ins:
        """A call of the start code, in which exceptions end that nothing caught."""
        throws = index in self.exceptions.functions
        return Ins("call", Function(index), at, behind=Ins("br", self.uncaught) if throws else None)

    def _uncaught(self, calls: list[Ins]) -> tuple[list[Ins | Label], list[Unit]]:
        """What comes behind the start code, and the traps, each in the name of what threw."""
        if not any(item.behind for item in calls):
            return [], []
        units: dict[int, Unit] = {}
        labels: list[Label] = []
        for function, at, tag in self.exceptions.thrown:
            labels.append(Label("thrown"))
            name = self.module.function_name(function)
            unit = units.setdefault(function, Unit(Uncaught(function), [], name))
            unit.code += [labels[-1], Ins("trap", Trap.UNCAUGHT_EXCEPTION, at, tag)]
        if not labels:  # there are null references to exceptions at most
            return [self.uncaught, Ins("trap", Trap.UNCAUGHT_EXCEPTION)], []
        site = Ins("global.get", self.shared.globals[self.exceptions.site])
        jump = Ins("br_table", (labels[0], *labels))  # no site is 0
        return [self.uncaught, site, jump], list(units.values())

    def _printed(self, results: tuple[str, ...]) -> list[Ins]:
        """Prints the results, which lie on the stack, a line each.  The last one is on top: those
        behind the first wait in globals' slots, behind all others.
        """
        aside: list[tuple[str, int]] = []
        for kind in integer_types(results[1:]):
            self.first_flag += 2 if kind == "i64" else 1
            aside.append((kind, self.first_flag - 1))
        code = [
            Ins("i64.global.set" if kind == "i64" else "global.set", slot)
            for kind, slot in reversed(aside)
        ]
        waiting = [
            [Ins("i64.global.get" if kind == "i64" else "global.get", slot)] for kind, slot in aside
        ]
        no_load: list[Ins] = []
        for kind, load in zip(results, [no_load, *waiting]):
            code += load
            if f"{kind}.print" in self.floats:  # a function, which wants a page of memory
                function = self.floats[f"{kind}.print"]
                self.shared.surroundings.want(function)
                code += [Ins("i32.const", 1), Ins("memory.resize"), Ins("call", Function(function))]
            else:
                routine = Routine(f"{kind}.print")
                self.shared.routines.add(routine)
                code.append(Ins("call", routine))
            code += [Ins("i32.const", 10), Ins("output")]
        return code

    def _place_input(self) -> int:
        """The input's address: __heap_base where that is exported, else near the end of the memory;
        and how many bytes have room there, before the memory or what lies in it begins.
        """
        length = len(self.input or b"")
        if self.memory is None:  # nobody can read it
            self.room = None
            return 0
        limit = self.pages * PAGE
        heap = self._heap_base()
        address = max(0, limit - length - 1 & ~15) if heap is None else heap
        ends = [
            max(start, address)
            for start, content in self.instantiation.data
            if start + len(content) > address
        ]
        self.room = max(0, min([limit, *ends]) - address - 1)
        if length > self.room:
            raise ProgramError(
                f"an input of {length} bytes does not fit into the memory: at {address} there is "
                f"room for {self.room}"
            )
        return address

    def _surround(self, address: int) -> int:
        """Places what a run gives, and gives the address of the input."""
        place = self.shared.surroundings.area + STATE_BYTES
        if self.given is None:
            self.instantiation.data.append((place, Environment().encode()))
            return address
        self.input, self.room = self.given, _AREA_BYTES - STATE_BYTES - 1
        if len(self.input) > self.room:
            raise ProgramError(
                f"what the program is given has {len(self.input):,} bytes; there is room for "
                f"{self.room:,}"
            )
        return place

    def reads_stdin(self) -> bool:
        """Whether the host's fd_read is called by anything that was compiled."""
        return any(
            self.module.function_name(index) == "wasi_snapshot_preview1.fd_read"
            for index in self.hosts
            if index in self.shared.surroundings.known
        )

    def _given(self, address: int) -> list[Ins]:
        """The rows that the prompt completes: the input, data, and entries of the table."""
        rows = [Ins("input_base", address)] if self.input is not None else []
        if self.base:
            return rows
        segments = list(runs(self.instantiation.data))
        for i, (place, _) in self.shared.segments.items():
            segments.append((place, self.module.data[i].content))
        for begin, content in segments:
            for at, octets in pieces(begin, content):
                rows.append(Ins("data", at))
                self.data.append(octets)
        if self.shared.types:
            rows.append(Ins("elements", 0))
        return rows

    def _table(self, linked: Linked) -> bytes:
        """Per entry the row of the function and the number of its type."""
        entries = bytearray()
        for index in self.shared.surroundings.table:
            row = kind = 0
            if index is not None:
                row = linked.starts.get(Function(index), 0)
                kind = self.shared.type_number(self.shared.surroundings.types[index])
            entries += row.to_bytes(4, "little") + kind.to_bytes(4, "little")
        return bytes(entries)

    def _thunks(self) -> list[Unit]:
        """The imported functions to which a table entry may lead."""
        units = []
        surroundings = self.shared.surroundings
        for index in sorted({index for index in surroundings.table if index is not None}):
            operation = surroundings.intrinsic(index)
            if operation and self.shared.types:
                skips = index in self.exceptions.functions
                units.append(Unit(Function(index), [Ins(operation), Ins("return", int(skips))]))
        return units

    def _initial(self, library: Library) -> list[Ins]:
        """The memory's size, the globals, and in the base machine the data."""
        shared, module = self.shared, self.module
        code: list[Ins] = []
        used = set(self._uses("global.get", "global.set"))
        for index, item in enumerate(module.globals):
            if item.mutable and index in used:
                wide = integer_type(item.type) == "i64"
                code.append(Ins("i64.const" if wide else "i32.const", constant(item.init)))
                code.append(Ins("i64.global.set" if wide else "global.set", shared.globals[index]))
        for slot in shared.drops.values():
            code += [Ins("i32.const", 0xFFFFFFFF), Ins("global.set", slot)]
        if not self.base:
            if self.memory is not None:
                code += [Ins("i32.const", self.pages), Ins("memory.resize")]
            return code
        values = (
            [(self.shared.pages, self.pages)] if self._uses("memory.size", "memory.grow") else []
        )
        for slot, value in [*values, *((flag, 0) for flag in library.flags.values())]:
            code += [Ins("i32.const", value), Ins("global.set", slot)]
        for begin, content in runs(self.instantiation.data):
            for address, value, op in stores(begin, content):
                shared.surroundings.spend(3)
                code += [Ins("i32.const", 0), Ins("i32.const", value), Ins(op, address)]
        return code


def _deeper(units: list[Unit]) -> list[Unit]:
    """The units that call others from a deeper call depth, where those are called."""
    found: dict[Deeper, Unit] = {}
    queue = list(units)
    while queue:
        for item in queue.pop().code:
            if isinstance(item, Ins) and isinstance(item.arg, Deeper) and item.arg not in found:
                target: Callee | None = item.arg.unit
                call = Ins("call_element") if target is None else Ins("call", target)
                throws = item.arg.throws
                call = call._replace(behind=Ins("return") if throws else None)
                found[item.arg] = unit = Unit(item.arg, [call, Ins("return", int(throws))])
                queue.append(unit)
    return list(found.values())
