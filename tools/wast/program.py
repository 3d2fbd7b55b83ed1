"""The actions on a module as one program, which keeps the module's state between them.

Enters: a module and the actions, in their order.  Leaves: a program; and what it
printed, as results.

Each action becomes a function, which writes its results byte by byte on the error stream, and a
mark behind them.  (What the module itself prints goes to the other stream.)  The entry calls all
actions in their order.  One that is to trap is called only where the entry's argument is its
number, and then the program ends: for each of them the same program runs once more, with another
argument.  What it changes before it traps is lost for the actions behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pyvm.compiler.link.debug import debug_of
from pyvm.compiler.wasm_to_machine import compile_module
from pyvm.isa.program import Program
from pyvm.isa.prompt import NAMES, Listing
from pyvm.wasm.module import Body, Export, FunctionType, Instr, Module
from wast.values import BYTES, Check

ENTRY = "the actions of the script"
ALL = -1  # the entry's argument: no action that traps
_PLACE = 0x5EED1234  # stands where the argument is written later
_MARK = ord(".")
_INTEGERS = {"f32": "i32", "f64": "i64"}


@dataclass
class Action:
    """A call, or a global that is read.

    Attributes:
        code: leaves the results on the stack.
        results: their types.
        line: where it stands in the script.
        checks: what each result must be; None: nobody asks.
        trap: the message of the trap that it must end with, or None.
    """

    code: list[Instr]
    results: tuple[str, ...]
    line: int
    checks: list[Check] | None = None
    trap: str | None = None

    @property
    def is_asked(self) -> bool:
        """Whether it is an assertion."""
        return self.checks is not None or self.trap is not None

    @property
    def size(self) -> int:
        """How many bytes it writes."""
        return sum(BYTES[kind] for kind in self.results) + 1

    def values(self, octets: bytes) -> list[int]:
        """The bits of its results."""
        found, at = [], 0
        for kind in self.results:
            found.append(int.from_bytes(octets[at : at + BYTES[kind]], "little"))
            at += BYTES[kind]
        return found


@dataclass(frozen=True)
class Actions:
    """A compiled module with its actions."""

    program: Program
    actions: Sequence[Action]
    _row: int | None = field(repr=False)  # where the argument stands; None: the start traps

    def until(self, number: int) -> Program:
        """Ends with the action of that number, which traps; ALL: runs those that do not."""
        if self._row is None:
            return self.program
        listing = self.program.listing
        octets = bytearray(listing.octets)
        octets[4 * self._row : 4 * self._row + 4] = (number & 0xFFFFFFFF).to_bytes(4, "little")
        return self.program.replaced(code=Listing(listing.rows, bytes(octets)))


def with_actions(module: Module, actions: Sequence[Action], has_state: bool) -> Actions:
    """Adds them to the module.  Raises ProgramError where it cannot be compiled."""
    first = len(module.function_types())
    words, longs = first, first + 1
    _add(module, ("i32",), _bytes("i32"))
    _add(module, ("i64",), _bytes("i64"))
    emit = {"i32": words, "i64": longs}
    calls: list[Instr] = []
    ends: list[Instr] = []
    for i, action in enumerate(actions):
        index = _add(module, (), _written(action, emit), action.results)
        if action.trap is None:
            calls.append(_i("call", index))
        else:
            at = calls if has_state else ends
            at += [_i("local.get", 0), _i("i32.const", i), _i("i32.eq"), _i("if", _NOTHING)]
            at += [_i("call", index), _i("return"), _i("end")]
    if not has_state and ends:
        calls = [
            *[_i("local.get", 0), _i("i32.const", ALL), _i("i32.eq"), _i("if", _NOTHING)],
            *[*calls, _i("return"), _i("end"), *ends],
        ]
    entry = _add(module, ("i32",), calls)
    module.exports.append(Export(ENTRY, "func", entry, 0))
    compiled = compile_module(module, "standard", ENTRY, (_PLACE,), None, False)
    linked = compiled.linked
    debug = debug_of(compiled.module, linked)
    program = Program(linked.code, None, linked.places, "script", debug, data=compiled.data)
    listing = program.listing
    is_place = (listing.opcodes == NAMES.index("i32.const")) & (listing.immediates == _PLACE)
    rows = np.flatnonzero(is_place).tolist()
    return Actions(program, actions, rows[0] if rows else None)


_NOTHING = FunctionType((), ())


def _i(op: str, arg: int | FunctionType | None = None) -> Instr:
    return Instr(op, arg, 0)


def _add(
    module: Module, params: tuple[str, ...], code: list[Instr], locals_: tuple[str, ...] = ()
) -> int:
    """Adds a function without results."""
    module.types.append(FunctionType(params, ()))
    module.functions.append(len(module.types) - 1)
    module.bodies.append(Body(locals_, [*code, _i("end")], 0))
    return len(module.function_types()) - 1


def _bytes(kind: str) -> list[Instr]:
    code: list[Instr] = []
    for shift in range(0, 8 * BYTES[kind], 8):
        code += [_i("local.get", 0), _i(f"{kind}.const", shift), _i(f"{kind}.shr_u")]
        code += [_i("i32.wrap_i64")] * (kind == "i64")
        code.append(_i("output_error"))
    return code


def _written(action: Action, emit: dict[str, int]) -> list[Instr]:
    """Runs an action and writes its results, which wait in locals, and the mark."""
    code = list(action.code)
    code += [_i("local.set", place) for place in reversed(range(len(action.results)))]
    for place, kind in enumerate(action.results):
        code.append(_i("local.get", place))
        integer = _INTEGERS.get(kind)
        if integer:
            code.append(_i(f"{integer}.reinterpret_{kind}"))
        code.append(_i("call", emit["i64" if BYTES[kind] == 8 else "i32"]))
    return [*code, _i("i32.const", _MARK), _i("output_error")]
