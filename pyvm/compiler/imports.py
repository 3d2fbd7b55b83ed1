"""What a module may import, and what stands for it.

Enters: a valid module.  Leaves: the same with the host's functions, and with what else is provided;
or `Unsupported`, which names the import.  A function that is not there is refused only where
something calls it.
"""

from __future__ import annotations

from pyvm.host.module import host_module
from pyvm.host.spectest import NAME as SPECTEST
from pyvm.host.spectest import spectest_module
from pyvm.isa.errors import Unsupported
from pyvm.wasm.merge import merged
from pyvm.wasm.module import FunctionType, Import, Module

ONLY_IMPORTS = (
    "the only functions to import are env.output_byte, env.abort and those of "
    "wasi_snapshot_preview1"
)
AREA = "area"  # the first address that the program can never own
ASKS_AREA = f"pyvm.{AREA}"
_TAKES, _GIVES = FunctionType(("i32",), ()), FunctionType((), ("i32",))
# What imports become an instruction, or a constant; the last two are for the host alone.
_INTRINSICS = {
    "env.output_byte": ("output", _TAKES),
    "pyvm.output": ("output", _TAKES),
    "pyvm.output_error": ("output_error", _TAKES),
    "pyvm.exit": ("exit", _TAKES),
    "pyvm.resize": ("memory.resize", _TAKES),
    ASKS_AREA: (AREA, _GIVES),
}
_HOST_ONLY = ("pyvm.resize", ASKS_AREA)


def intrinsic(item: Import) -> tuple[str, FunctionType] | None:
    """The instruction that an import stands for, and the type that it has."""
    return _INTRINSICS.get(f"{item.module}.{item.name}")


def with_host(module: Module, base: bool) -> Module:
    """The module and what it imports from the host, which the base machine does not have."""
    if any(item.module == SPECTEST for item in module.imports):
        module = merged(module, spectest_module())
    for item in module.imports:
        _check(module, item)
    functions = module.imported("func")
    if all(intrinsic(item) for item in functions):
        result = module
    else:
        result = merged(module, host_module())
    for item in functions:
        known = intrinsic(item)
        if base and (known[0] != "output" if known else item not in result.imported("func")):
            raise Unsupported(
                f"import of {item} at offset {item.at:#x}: the base machine has only "
                "env.output_byte"
            )
    return result


def _check(module: Module, item: Import) -> None:
    """A memory is there, empty and as large as declared; a tag, which nobody else throws."""
    if item.kind in ("memory", "tag"):
        return
    if item.kind != "func" or not isinstance(item.desc, int):
        raise Unsupported(
            f"import of the {item.kind} {item} at offset {item.at:#x}: only functions and a memory "
            "can be imported from a module that is not there"
        )
    kind, known = module.types[item.desc], intrinsic(item)
    if str(item) in _HOST_ONLY:
        raise Unsupported(f"import of {item} at offset {item.at:#x}: {ONLY_IMPORTS}")
    if known is not None and kind != known[1]:
        raise Unsupported(f"{item} of type {kind} at offset {item.at:#x}: its type is {known[1]}")
