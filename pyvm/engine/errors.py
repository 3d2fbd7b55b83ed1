"""One exception per status of libtvm, and those of the bindings themselves.

Every message is one clear sentence; those of a status are the library's own.

Enters: nothing.  Leaves: the classes, and which one each status raises.
"""

from __future__ import annotations


class PyvmError(Exception):
    """The base of everything that the engine raises on purpose."""


class ArgumentError(PyvmError, ValueError):
    """A parameter is out of range, of the wrong type, or does not fit the model."""


class ArgumentTypeError(ArgumentError, TypeError):
    """A parameter of the wrong type."""


class FileError(PyvmError, OSError):
    """A file cannot be opened or read."""


class ModelError(PyvmError, ValueError):
    """The bytes are not a model, or a damaged or self-contradicting one."""


class OutOfMemory(PyvmError, MemoryError):
    """Memory ran out inside the library."""


class ProgramTokensError(PyvmError, ValueError):
    """A token program is malformed, or does what has no meaning."""


class LimitError(PyvmError, OverflowError):
    """Beyond what can be computed exactly; the run was stopped rather than guessed."""


class UnsupportedError(PyvmError):
    """This build, machine or model cannot do what an option asks."""


class InternalError(PyvmError, RuntimeError):
    """A defect of the library."""


class LibraryError(PyvmError, ImportError):
    """libtvm is not there, cannot be loaded, or has another ABI version."""


class ClosedError(PyvmError, RuntimeError):
    """A model is used after it was closed."""


STATUS_OK = 0
BY_STATUS: dict[int, type[PyvmError]] = {
    1: ArgumentError,
    2: FileError,
    3: ModelError,
    4: OutOfMemory,
    5: ProgramTokensError,
    6: LimitError,
    7: UnsupportedError,
    8: InternalError,
}
