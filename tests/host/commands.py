"""Runs a command in wasmtime, with its own WASI, and in the transformer."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyvm.compiler.compile import from_wasm
from pyvm.engine.model import Model
from pyvm.host.environment import Environment, with_environment
from pyvm.isa.program import Program

PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 20_000_000


@dataclass(frozen=True)
class Ended:
    output: bytes
    errors: bytes
    status: int | None  # None: a trap


def in_wasmtime(data: bytes, given: Environment, folder: Path) -> Ended:
    wasmtime = pytest.importorskip("wasmtime")
    files = {name: folder / name for name in ("stdin", "stdout", "stderr")}
    files["stdin"].write_bytes(given.stdin)
    config = wasmtime.WasiConfig()
    config.argv = [arg if isinstance(arg, str) else arg.decode() for arg in given.args]
    config.env = list(given.env.items())
    config.stdin_file, config.stdout_file = files["stdin"], files["stdout"]
    config.stderr_file = files["stderr"]
    for path, content in given.files.items():
        place = folder / "root" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    if given.files:
        config.preopen_dir(str(folder / "root"), "/", fs_mutable=False)
    features = wasmtime.Config()
    features.wasm_exceptions = True
    engine = wasmtime.Engine(features)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    store.set_wasi(config)
    instance = linker.instantiate(store, wasmtime.Module(engine, data))
    status: int | None = 0
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as end:
        status = end.code
    except (wasmtime.Trap, wasmtime.WasmtimeError):  # the second: a pointer that its WASI refuses
        status = None
    del store, instance, linker  # closes the files
    return Ended(files["stdout"].read_bytes(), files["stderr"].read_bytes(), status)


@functools.cache
def compiled(name: str) -> Program:
    return from_wasm((PROGRAMS / f"{name}.wasm").read_bytes(), name=name)


def in_transformer(model: Model, program: Program, given: Environment) -> Ended:
    run = model.generate(with_environment(program, given), LIMIT)
    assert run.stopped == "halt", run.stopped
    return Ended(run.output, run.errors, None if run.trap else run.status)


def same(model: Model, name: str, given: Environment, folder: Path) -> Ended:
    """What both give, which must be the same."""
    ours = in_transformer(model, compiled(name), given)
    assert ours == in_wasmtime((PROGRAMS / f"{name}.wasm").read_bytes(), given, folder)
    return ours
