"""A wasm module -> the machine's instructions.

Enters: a valid module, the function to run and its input or arguments.  Leaves: linked code:
start code (globals, data, start function, the entry's operands, its call, `halt`), every function
that can be reached, and the library routines that they use.
"""

from __future__ import annotations

from typing import NamedTuple

from pyvm.compiler.instantiation import Instantiation, constant, runs
from pyvm.compiler.ir.variables import Variable, words
from pyvm.compiler.link.assembly import Ins, Label, Linked, Unit, link
from pyvm.compiler.link.layout import Layout, stores
from pyvm.compiler.link.peephole import peephole
from pyvm.compiler.lower import ModuleCode, is_output, lower_function
from pyvm.compiler.routines import Library
from pyvm.compiler.select import Shared
from pyvm.isa.errors import ProgramError, Unsupported
from pyvm.isa.instructions import GLOBALS
from pyvm.isa.traps import Trap, halt_immediate
from pyvm.printable import printable
from pyvm.wasm.module import MAX_PAGES, PAGE, Import, Limits, Module, number

# A memory that can grow may reach this size; what the compiler itself needs lies above.  The exact
# machine would bear more, but addresses below 94,906,266 also keep float64 arithmetic on their
# squares exact.
GROWTH_LIMIT = 1024
FRAME_BYTES = 1 << 22  # the stack of memory frames, for functions with too many locals
# Of the address space, for the compiler: cells and tables, then frames.  At most 100,000 globals
# and some tables need far less than the first half.
OWN_BYTES = 2 * FRAME_BYTES
_MARGIN = 16
_OWN_GLOBALS = 40  # pages, limit, frame pointer, flags of the library


class Compiled(NamedTuple):
    """What a module became.

    Attributes:
        linked: the code.
        takes_input: whether it takes the input; then instruction 0 is `input_base`.
        room: how many bytes the input may have where it lies; None: any number.
    """

    linked: Linked
    takes_input: bool
    room: int | None


def compile_module(
    module: Module,
    entry: str,
    args: tuple[int, ...],
    input: bytes | None,
    checked: bool,
    print_results: bool,
) -> Compiled:
    """The code of a valid module."""
    index = module.export(entry, "func")
    takes_input = (
        not args
        and not print_results
        and index is not None
        and module.function_types()[index].params == ("i32",)
    )
    text = (input or b"") if takes_input else None
    compiler = _Compiler(module, checked, text)
    linked = compiler.compile(entry, args, print_results)
    return Compiled(linked, takes_input, compiler.room)


def _check_import(module: Module, item: Import) -> None:
    """Refuses what is not there: only env.output_byte is, and env.memory, an empty one."""
    if item.kind == "memory" and (item.module, item.name) == ("env", "memory"):
        return
    if item.kind != "func" or not isinstance(item.desc, int):
        raise Unsupported(
            f"import of the {item.kind} {item} at offset {item.at:#x}: "
            "the only imports are env.output_byte and env.memory"
        )
    kind = module.types[item.desc]
    if is_output(item) and (kind.params, kind.results) != (("i32",), ()):
        raise Unsupported(
            f"env.output_byte of type {kind} at offset {item.at:#x}: it takes an i32 and gives "
            "nothing"
        )


class _Compiler:
    def __init__(self, module: Module, checked: bool, input: bytes | None):
        for item in module.imports:
            _check_import(module, item)
        self.module, self.input = module, input
        self.room: int | None = None
        memories = module.imported_limits("memory") + module.memories
        self.memory: Limits | None = memories[0] if memories else None
        self.pages = self._pages()
        ops = {instr.op for body in module.bodies for instr in body.code}
        self.grows = "memory.grow" in ops
        self.max_pages = self.pages
        if self.grows and self.memory is not None:  # as in every valid module
            maximum = MAX_PAGES if self.memory.maximum is None else self.memory.maximum
            self.max_pages = max(self.pages, min(GROWTH_LIMIT, maximum))
        # Of a memory as large as the address space the compiler takes the end.
        self.usable = min(self.max_pages * PAGE, (1 << 32) - OWN_BYTES)
        if self.usable < self.max_pages * PAGE and not checked:
            raise Unsupported(
                f"a memory of {self.pages} pages leaves no room for the compiler's own cells"
            )
        base = self.usable
        if input is not None and self._heap_base() in range(base, base + _MARGIN):
            base += _MARGIN  # the empty input, which lies beyond the memory, stays empty
        self.layout = Layout(base)
        self._place_globals()
        self.instantiation = Instantiation(module, self.pages * PAGE)
        self.shared = Shared(
            self.layout,
            checked=checked,
            memory_bytes=min(self.pages * PAGE, self.usable),
            out_of_bounds=(
                Trap.OUT_OF_BOUNDS if self.usable == self.max_pages * PAGE else Trap.BEYOND_MACHINE
            ),
            stack_global=self.frame_global,
            # Behind all cells and tables, so that the addresses of those are small: their squares
            # are what limits attention by softmax.
            stack_floor=self.usable + OWN_BYTES - FRAME_BYTES,
            limit_global=self.limit_global if self.max_pages > self.pages else None,
        )
        self.context = ModuleCode(
            module,
            module.function_types(),
            self.globals,
            self.shared,
            self.instantiation.table,
            self.pages_global if self.grows else None,
            self.max_pages,
            self.pages,
            self.limit_global,
        )

    def _pages(self) -> int:
        """The memory's size: as declared, and more where an input would not fit behind the heap's
        base, as a host may grow a memory before it calls.  An empty input needs no room.
        """
        if self.memory is None:
            return 0
        heap = self._heap_base()
        if self.input and heap is not None:
            needed = -(-(heap + len(self.input) + 1) // PAGE)
            maximum = MAX_PAGES if self.memory.maximum is None else self.memory.maximum
            if self.memory.minimum < needed <= min(maximum, GROWTH_LIMIT):
                return needed
        return self.memory.minimum

    def _heap_base(self) -> int | None:
        heap = self.module.export("__heap_base", "global")
        if heap is None or self.module.globals[heap].type != "i32":
            return None
        return constant(self.module.globals[heap].init)

    def _place_globals(self) -> None:
        """The module's globals, most used first, get the machine's; the rest lies in memory."""
        uses = [0] * len(self.module.globals)
        for body in self.module.bodies:
            for instr in body.code:
                if instr.op in ("global.get", "global.set"):
                    uses[number(instr.arg)] += 1
        self.globals: list[tuple[Variable, ...]] = [()] * len(uses)
        used = 0
        for index in sorted(range(len(uses)), key=lambda i: (-uses[i], i)):
            kind = self.module.globals[index].type
            count = words(kind)
            if used + count <= GLOBALS - _OWN_GLOBALS:
                self.globals[index] = tuple(Variable("global", used + i) for i in range(count))
                used += count
            else:
                address = self.layout.reserve(4 * count)
                self.globals[index] = tuple(
                    Variable("memory", address + 4 * i) for i in range(count)
                )
        self.pages_global, self.limit_global, self.frame_global = used, used + 1, used + 2
        self.first_flag = used + 3

    def compile(self, entry: str, args: tuple[int, ...], print_results: bool) -> Linked:
        module, context = self.module, self.context
        index = module.export(entry, "func")
        if index is None:
            names = [item.name for item in module.exports if item.kind == "func"]
            exported = printable(", ".join(names)) or "nothing"
            raise ProgramError(f"the module exports no function {entry!r}; it exports {exported}")
        if index < len(module.imported("func")):
            raise Unsupported(f"the entry function {entry!r} is an import")
        kind = context.types[index]
        takes_input = self.input is not None
        start = Unit("start")
        code = start.code
        address = self._place_input() if takes_input else 0
        if not takes_input and len(args) != len(kind.params):
            raise ProgramError(
                f"{entry} takes {len(kind.params)} arguments ({kind}), {len(args)} are given"
            )
        for kinds in (kind.params, kind.results):
            if "f32" in kinds or "f64" in kinds:
                raise Unsupported(f"the entry function {entry!r} has a float in its type: {kind}")
        calls: list[Ins] = []
        if module.start:
            calls.append(Ins("call", context.unit_of(module.start[0]), module.start[1]))
        if takes_input:
            calls.append(Ins("i32.const", address))
        for value, type_name in zip(args, kind.params):
            bits = 32 * words(type_name)
            if not -(1 << bits - 1) <= value < 1 << bits:
                raise ProgramError(f"{entry} takes {kind.params}, and {value} is no {type_name}")
            calls.append(Ins("i32.const", value & 0xFFFFFFFF))
            if type_name == "i64":
                calls.append(Ins("i32.const", value >> 32 & 0xFFFFFFFF))
        calls.append(Ins("call", context.unit_of(index)))
        calls += self._results(kind.results, print_results)
        calls.append(Ins("halt", 0))
        trap = self.instantiation.trap
        if trap is not None:  # nothing else is ever reached
            calls = [Ins("halt", halt_immediate(trap.kind, 0), trap.at)]
        functions: list[Unit] = []
        while trap is None and len(functions) < len(context.wanted):
            functions.append(peephole(lower_function(context, context.wanted[len(functions)])))
        context.check_refusals()
        library = Library(self.layout, self.first_flag)
        routines = library.units(self.shared.routines)
        if self.first_flag + len(library.flags) > GLOBALS:
            raise AssertionError("more library flags than machine globals are kept for them")
        if takes_input:
            code.append(Ins("input_base", address))
        self._initialise(code, library, [*functions, *routines])
        code += calls
        return link([start, *functions, *routines])

    def _results(self, types: tuple[str, ...], print_results: bool) -> list[Ins]:
        """Prints the entry's results, in decimal, first one first; or drops them."""
        if not print_results:
            return [Ins("drop")] * sum(words(kind) for kind in types)
        code = []
        if len(types) > 1:
            raise Unsupported("printing more than one result")
        for kind in types:
            self.shared.routines.add(f"{kind}.print")
            code += [Ins("call", f"{kind}.print"), Ins("i32.const", 10), Ins("output")]
        return code

    def _place_input(self) -> int:
        """The input's address: __heap_base where that is exported, else near the end of the memory;
        and how many bytes have room there, before the memory or what lies in it begins.
        """
        length = len(self.input or b"")
        if self.memory is None:  # nobody can read it
            self.room = None
            return 0
        limit = min(self.pages * PAGE, self.usable)
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

    def _initialise(self, code: list[Ins | Label], library: Library, units: list[Unit]) -> None:
        used = {
            item.arg
            for unit in units
            for item in unit.code
            if isinstance(item, Ins) and item.op in ("global.get", "global.set")
        }

        def set_global(index: int, value: int) -> None:
            if index in used:
                code.extend((Ins("i32.const", value & 0xFFFFFFFF), Ins("global.set", index)))

        def store(address: int, value: int, op: str = "i32.store") -> None:
            self.shared.spend(3)
            code.extend((Ins("i32.const", 0), Ins("i32.const", value), Ins(op, address)))

        for variables, item in zip(self.globals, self.module.globals):
            for i, variable in enumerate(variables):
                value = constant(item.init) >> 32 * i & 0xFFFFFFFF
                if variable.kind == "global":
                    set_global(variable.index, value)
                elif value:
                    store(variable.index, value)
        set_global(self.pages_global, self.pages)
        set_global(self.limit_global, min(self.pages * PAGE, self.usable))
        if self.frame_global in used:
            set_global(self.frame_global, self.shared.stack_floor + FRAME_BYTES)
        for flag in library.flags.values():
            set_global(flag, 0)
        for address, content in runs(self.instantiation.data):
            if address + len(content) > self.usable:
                raise Unsupported("a data segment in the last addresses below 4 GiB")
            for write in stores(address, content):
                store(*write)
        for name, content in self.layout.contents.items():
            for write in stores(self.layout.addresses[name], content):
                store(*write)
