"""The parts of WebAssembly that pyvm does not have, by the bytes that ask for them.

Enters: an opcode, the byte of a type, a flag.  Leaves: the proposal that it belongs to, and the
sentence that says so.  A module that uses one of them is not invalid (missing.py).  What no table
here knows is no WebAssembly of today, and invalid.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.isa.errors import Missing, ProgramError, WasmError


@dataclass(frozen=True)
class Proposal:
    """One part: what it is called, the flag that keeps clang from using it, and whether it is of
    WebAssembly 2.0, which pyvm means to have.
    """

    name: str
    flag: str = ""
    second: bool = False


def _second(name: str, flag: str = "-mcpu=mvp") -> Proposal:
    return Proposal(f"{name} (a part of WebAssembly 2.0)", flag, True)


REFERENCE_TYPES = _second("reference types")
SIMD = _second("SIMD", "-mno-simd128")
GC = Proposal("the GC proposal")
FUNCTION_REFERENCES = Proposal("the function references proposal")
MEMORY64 = Proposal("the memory64 proposal", "--target=wasm32")
MULTI_MEMORY = Proposal("the multi-memory proposal")
THREADS = Proposal("the threads proposal", "-mno-atomics")
SHARED_EVERYTHING = Proposal("the shared-everything threads proposal")
RELAXED_SIMD = Proposal("the relaxed SIMD proposal", "-mno-relaxed-simd")
HALF_PRECISION = Proposal("the half precision proposal", "-mno-fp16")
WIDE_ARITHMETIC = Proposal("the wide arithmetic proposal", "-mno-wide-arithmetic")
CUSTOM_PAGE_SIZES = Proposal("the custom page sizes proposal")
MEMORY_CONTROL = Proposal("the memory control proposal")
STACK_SWITCHING = Proposal("the stack switching proposal")
STRINGREF = Proposal("the reference-typed strings proposal")
COMPONENT_MODEL = Proposal("the component model")

Known = tuple[str, Proposal]

_OPCODES: dict[int, Known] = {
    0x14: ("call_ref", FUNCTION_REFERENCES),
    0x15: ("return_call_ref", FUNCTION_REFERENCES),
    0xD3: ("ref.eq", GC),
    0xD4: ("ref.as_non_null", FUNCTION_REFERENCES),
    0xD5: ("br_on_null", FUNCTION_REFERENCES),
    0xD6: ("br_on_non_null", FUNCTION_REFERENCES),
    0xE0: ("cont.new", STACK_SWITCHING),
    0xE1: ("cont.bind", STACK_SWITCHING),
    0xE2: ("suspend", STACK_SWITCHING),
    0xE3: ("resume", STACK_SWITCHING),
    0xE4: ("resume_throw", STACK_SWITCHING),
    0xE5: ("switch", STACK_SWITCHING),
}
_MISCELLANEOUS: dict[int, Known] = {  # behind the prefix 0xfc
    18: ("memory.discard", MEMORY_CONTROL),
    19: ("i64.add128", WIDE_ARITHMETIC),
    20: ("i64.sub128", WIDE_ARITHMETIC),
    21: ("i64.mul_wide_s", WIDE_ARITHMETIC),
    22: ("i64.mul_wide_u", WIDE_ARITHMETIC),
}
# Numbers up to 0xff behind the prefix 0xfd that no instruction has.
_NO_SIMD = {0x9A, 0xA2, 0xA5, 0xA6, 0xAF, 0xB0, 0xB2, 0xB3, 0xB4, 0xBB, 0xC2, 0xC5, 0xC6, 0xCF,
            0xD0, 0xD2, 0xD3, 0xD4, 0xE2, 0xEE}  # fmt: skip
# By prefix: the first and last number of instructions, and whose they are.
_RANGES: dict[int, list[tuple[int, int, Proposal]]] = {
    0xFB: [(0x00, 0x1E, GC), (0x80, 0xB7, STRINGREF)],
    0xFD: [(0x00, 0xFF, SIMD), (0x100, 0x113, RELAXED_SIMD), (0x120, 0x14F, HALF_PRECISION)],
    0xFE: [(0x00, 0x03, THREADS), (0x10, 0x4E, THREADS), (0x4F, 0x75, SHARED_EVERYTHING)],
}

_TYPES: dict[int, Known] = {  # of values, and the heap types of references
    0x7B: ("v128", SIMD),
    0x75: ("nullcontref", STACK_SWITCHING),
    0x74: ("nullexnref", GC),
    0x73: ("nullfuncref", GC),
    0x72: ("nullexternref", GC),
    0x71: ("nullref", GC),
    0x6E: ("anyref", GC),
    0x6D: ("eqref", GC),
    0x6C: ("i31ref", GC),
    0x6B: ("structref", GC),
    0x6A: ("arrayref", GC),
    0x68: ("contref", STACK_SWITCHING),
    0x67: ("stringref", STRINGREF),
    0x65: ("a shared type", SHARED_EVERYTHING),
}
TYPED_REFERENCES = (0x63, 0x64)  # (ref null ...), (ref ...): a heap type follows
_DEFINITIONS: dict[int, Known] = {
    0x5F: ("a struct type", GC),
    0x5E: ("an array type", GC),
    0x5D: ("a continuation type", STACK_SWITCHING),
    0x50: ("a subtype", GC),
    0x4F: ("a final subtype", GC),
    0x4E: ("a recursive group of types", GC),
    0x65: ("a shared type", SHARED_EVERYTHING),
}
_SECTIONS: dict[int, Known] = {
    14: ("a string section", STRINGREF),
}


def refusal(known: Known | None, at: int, otherwise: str, where: str = "") -> ProgramError:
    """The error for bytes that are `known` to belong to a proposal, or invalid."""
    return WasmError(otherwise, at) if known is None else missing(known, at, where)


def missing(known: Known, at: int, where: str = "") -> Missing:
    """The error that says which proposal is needed, and by what."""
    what, proposal = known
    advice = f"; in C, compile with {proposal.flag}" if proposal.flag else ""
    yet = " yet" if proposal.second else ""
    place = f" at offset {at:#x}{where}"
    return Missing(
        f"{what}{place} needs {proposal.name}, which pyvm does not have{yet}{advice}", at
    )


def instruction(prefix: int | None, number: int) -> Known | None:
    """The instruction that pyvm does not have, or None for what is none at all."""
    if prefix is None:
        return _OPCODES.get(number)
    if prefix == 0xFC:
        return _MISCELLANEOUS.get(number)
    for first, last, proposal in _RANGES[prefix]:
        if first <= number <= last and not (prefix == 0xFD and number in _NO_SIMD):
            return f"instruction {prefix:#04x} {number:#04x}", proposal
    return None


def value_type(code: int, heap: int | None = None) -> Known | None:
    """The type that pyvm does not have; `heap`: the byte behind that of a reference."""
    if code in TYPED_REFERENCES:
        _, proposal = _TYPES.get(heap or 0, ("", FUNCTION_REFERENCES))
        return "a typed reference", proposal
    return _TYPES.get(code)


def is_one_byte(code: int) -> bool:
    """Whether a type, or the heap type of a reference, that begins so ends there; 0: an index."""
    return code == 0 or code == 0x7B or 0x67 <= code <= 0x74


def type_definition(code: int) -> Known | None:
    return _DEFINITIONS.get(code)


def section(number: int) -> Known | None:
    return _SECTIONS.get(number)


def limits(flag: int, memory: bool) -> Known | None:
    """What the flag of a memory's or table's limits asks for beyond a maximum (bit 0)."""
    kind = "memory" if memory else "table"
    if flag & ~0xF or (flag & 8 and not memory):
        return None
    if flag & 8:
        return "a memory with pages of its own size", CUSTOM_PAGE_SIZES
    if flag & 4:
        return f"a {kind} of 64-bit addresses", MEMORY64
    if flag & 2:
        return f"a shared {kind}", THREADS if memory else SHARED_EVERYTHING
    return None
