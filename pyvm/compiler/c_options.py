"""How a C program is compiled, as far as a user can say it.

Enters: nothing.  Leaves: `COptions`, and the flags that it stands for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from pyvm.compiler.c_names import LEVELS, STACK_SIZE, check_stack_size
from pyvm.isa.errors import ProgramError


@dataclass(frozen=True)
class COptions:
    """How C is compiled.

    Attributes:
        more: other C and C++ files of the program.
        include: folders of its headers.
        define: NAME or NAME=VALUE.
        optimize: one of LEVELS.
        libraries: names for -l.
        stack_size: bytes of the C stack.
        extra: other flags of the compiler.

    >>> options = pyvm.COptions(define=("N=3",), optimize="s")
    >>> program = pyvm.compile("prog.c", c=options)
    """

    more: tuple[str | os.PathLike[str], ...] = ()
    include: tuple[str | os.PathLike[str], ...] = ()
    define: tuple[str, ...] = ()
    optimize: str = "2"
    libraries: tuple[str, ...] = ()
    stack_size: int = STACK_SIZE
    extra: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.optimize not in LEVELS:
            raise ProgramError(f"{self.optimize!r} is no level: {', '.join(LEVELS)}")
        for name in ("more", "include", "define", "libraries", "extra"):
            if not isinstance(getattr(self, name), (tuple, list)):
                raise TypeError(f"{name} must be a tuple, not {getattr(self, name)!r}")

    def flags(self) -> list[str]:
        """Of the compiler, for each file.

        >>> pyvm.COptions(define=("N=3",), optimize="s").flags()
        ['-Os', '-DN=3']
        """
        return [
            f"-O{self.optimize}",
            *(f"-I{os.fspath(folder)}" for folder in self.include),
            *(f"-D{name}" for name in self.define),
            *self.extra,
        ]

    def link_flags(self) -> list[str]:
        """Of the linker, for the program.

        >>> pyvm.COptions(libraries=("m",)).link_flags()
        ['-Wl,-z,stack-size=1048576', '-lm']
        """
        return [
            f"-Wl,-z,stack-size={check_stack_size(self.stack_size)}",
            *(f"-l{name}" for name in self.libraries),
        ]
