"""C -> WebAssembly -> machine program -> tokens.

The files in the order of the data: c_to_wasm, wasm (decoder, into module), validate, lowering (to
expressions), selection (to machine instructions), routines, peephole, wasm_to_machine, assembly
(linker), debug, program, tokens.  instructions.py is the one table that all of them share;
executor.py says what programs mean.
"""

from __future__ import annotations

import importlib

_EXPORTS = {
    "Program": "program",
    "compile_file": "program",
    "from_tokens": "program",
    "from_wasm": "program",
    "parse": "program",
    "Executor": "executor",
    "ProgramError": "errors",
    "CompilerNotFound": "errors",
    "CompileError": "errors",
    "WasmError": "errors",
    "Unsupported": "errors",
    "ExecutionError": "errors",
    "Trap": "traps",
    "TrapSite": "traps",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str):
    """Loads the compiler only for those who ask for it: graph and weights need the tables alone."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
