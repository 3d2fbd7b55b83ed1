"""C -> WebAssembly -> machine program -> tokens.

The files in the order of the data: c_to_wasm, wasm (decoder, into module), validate, lowering (to
expressions), selection (to machine instructions), routines, peephole, wasm_to_machine, assembly
(linker), debug, program, tokens.  pyvm/isa has the instructions and what they mean.
"""

from __future__ import annotations

import importlib

_EXPORTS = {
    "Program": "pyvm.program.program",
    "compile_file": "pyvm.program.program",
    "from_tokens": "pyvm.program.program",
    "from_wasm": "pyvm.program.program",
    "parse": "pyvm.program.program",
    "Executor": "pyvm.isa.executor",
    "ProgramError": "pyvm.program.errors",
    "CompilerNotFound": "pyvm.program.errors",
    "CompileError": "pyvm.program.errors",
    "WasmError": "pyvm.program.errors",
    "Unsupported": "pyvm.program.errors",
    "ExecutionError": "pyvm.program.errors",
    "Trap": "pyvm.program.traps",
    "TrapSite": "pyvm.program.traps",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str):
    """Loads the compiler only for those who ask for it: graph and weights need the tables alone."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
