"""What can go wrong between a source file and its tokens; every message is one clear sentence.

Enters: nothing.  Leaves: the classes.
"""

from __future__ import annotations


class ProgramError(ValueError):
    """A program that cannot be compiled, decoded or executed."""


class CompilerNotFound(ProgramError):
    """No C compiler that has a WebAssembly target."""


class CompileError(ProgramError):
    """The C compiler refused the source; the message is the compiler's own."""


class WasmError(ProgramError):
    """The bytes are no valid WebAssembly module."""

    def __init__(self, message: str, offset: int | None = None):
        place = "" if offset is None else f" at offset {offset:#x}"
        super().__init__(f"invalid WebAssembly{place}: {message}")
        self.offset = offset


class Unsupported(ProgramError):
    """A valid module asks for something that the machine does not do; where, if that is known."""

    def __init__(self, message: str, offset: int | None = None):
        super().__init__(message)
        self.offset = offset


class Missing(Unsupported):
    """A module asks for a part of WebAssembly that pyvm does not have."""


class ExecutionError(ProgramError):
    """A token program did what has no meaning."""
