"""pyvm: programs that run inside a transformer.

    >>> import pyvm
    >>> program = pyvm.compile("collatz", input="7")
    >>> with pyvm.load() as model:
    ...     run = model.generate(program)
    ...     check = model.verify(run.tokens)
    >>> print(run.output.decode().splitlines()[-1], check.ok)
    16 steps, highest 52 True

From here on:

    compile       a bundled name, a .c, .cpp, .wasm or token file -> Program
    COptions      how C is compiled;  Environment: what a command finds around it
    load          the standard machine, "base", a model file or its bytes -> Model
    Model         generate, verify, explain;  Run and Check are what they give
    PyvmError     the base of what the engine raises; compiling raises pyvm.isa.errors.ProgramError

    pyvm.machine          machines of your own, as a graph; build() gives a Model
    pyvm.export           models as safetensors, torch, Hugging Face, TransformerLens, ONNX
    pyvm.trace, .view     a trace as text, statistics, a page for a browser
    pyvm.examples         small programs to copy

On the command line: `pyvm --help`; `pyvm doctor` says what this installation has.
The tree is the data flow: isa, wasm and compiler make programs; graph, schedule and weights make
the model; engine runs one inside the other; trace is what people read.
Importing this one loads nothing else: the names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = [
    "COptions",
    "Check",
    "Environment",
    "Model",
    "Program",
    "PyvmError",
    "Run",
    "compile",
    "load",
]

TYPE_CHECKING = False  # importing typing takes longer than all else here
if TYPE_CHECKING:
    from typing import Any

    from pyvm.compiler.c_options import COptions
    from pyvm.compiler.compile import compile_file as compile
    from pyvm.engine.errors import PyvmError
    from pyvm.engine.model import Model
    from pyvm.engine.run import Check, Run
    from pyvm.engine.standard import load
    from pyvm.host.environment import Environment
    from pyvm.isa.program import Program

_HOME = {
    "COptions": ("pyvm.compiler.c_options", "COptions"),
    "Environment": ("pyvm.host.environment", "Environment"),
    "Check": ("pyvm.engine.run", "Check"),
    "Model": ("pyvm.engine.model", "Model"),
    "Program": ("pyvm.isa.program", "Program"),
    "PyvmError": ("pyvm.engine.errors", "PyvmError"),
    "Run": ("pyvm.engine.run", "Run"),
    "compile": ("pyvm.compiler.compile", "compile_file"),
    "load": ("pyvm.engine.standard", "load"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'pyvm' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names that are imported later as well: help() and completion show them."""
    return sorted({*globals(), *__all__})
