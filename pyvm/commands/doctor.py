"""`pyvm doctor`: what this installation has and what it lacks.

Enters: nothing.  Leaves: a report on stdout; exit status 0 when programs can be run, else 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
from collections.abc import Callable

from pyvm.commands import common, status
from pyvm.commands import report as reports
from pyvm.commands.colours import good
from pyvm.commands.common import shown, verdict_first
from pyvm.commands.report import Report

_EXTRAS = {
    "c": ("ziglang",),
    "schedule": ("highspy",),
    "build": ("meson", "ninja"),
    "export": ("safetensors", "onnx"),
    "test": ("pytest", "hypothesis", "wasmtime", "ruff"),
}


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="report what this installation has and what it lacks",
        epilog=status.DOCTOR_EPILOG,
        examples=(
            ("pyvm doctor", "what is here, and what is missing"),
            ("pyvm doctor --json", "the same for programs"),
        ),
    )
    reports.add_option(parser, "fine", "findings")
    parser.set_defaults(command=doctor)


def doctor(arguments: argparse.Namespace, report: Report) -> int:
    fine, findings = True, {}
    for name, look, needed in (
        ("pyvm", _version("pyvm"), True),
        ("python", lambda: f"{platform.python_version()} ({sys.executable})", True),
        ("numpy", _version("numpy"), True),
        ("libtvm", _library, True),
        ("  build", _build_info, True),
        ("  kernel", _kernel, False),
        ("standard model", _model("standard"), True),
        ("base model", _model("base"), True),
        ("hello", _hello, True),
        ("C compiler", _c_compiler, False),
        ("C++ compiler", _cxx_compiler, False),
        *((f"extra {extra}", _extra(names), False) for extra, names in _EXTRAS.items()),
    ):
        missing = False
        try:
            answer = look()
        except Exception as error:  # the report goes on: it is there for broken installations
            answer = f"MISSING: {error}" if needed else f"no: {error}"
            fine, missing = fine and not needed, True
        findings[name.strip()] = {"found": not missing, "needed": needed, "answer": answer}
        if not report.wanted:
            print(
                shown(
                    sys.stdout,
                    f"{name:15} ",
                    *(verdict_first(answer) if missing and needed else [answer]),
                )
            )
    report.update(fine=fine, findings=findings)
    if not report.wanted:
        ended = "programs cannot be run: see MISSING above"
        ends = [good("programs can be run")] if fine else verdict_first(ended)
        print(shown(sys.stdout, *ends))
    return status.OK if fine else status.WRONG


def _version(package: str) -> Callable[[], str]:
    def look() -> str:
        from importlib import metadata  # slow to import, and only the doctor asks

        if package == "pyvm":
            import pyvm

            return f"{pyvm.__version__} ({pyvm.__path__[0]})"
        return metadata.version(package)

    return look


def _library() -> str:
    from pyvm.engine.library import library_path

    return str(library_path())


def _build_info() -> str:
    from pyvm.engine.library import build_info

    return ", ".join(f"{name} {json.dumps(value)}" for name, value in build_info().items())


def _kernel() -> str:
    """Which one runs of the standard machine take; of those that are there, why not another."""
    from pyvm.engine.kept_kernels import standard_kernel
    from pyvm.engine.kernel import kernel_blocks
    from pyvm.engine.standard import load

    with load() as model:
        if model.kernel is not None:
            blocks = kernel_blocks(model, model.kernel)
            return f"{model.kernel}, of the standard machine, {blocks:,} blocks"
    found = standard_kernel()
    if found is not None:
        raise RuntimeError(f"{found} is for another version; python -m pyvm.build makes one")
    raise RuntimeError("programs run without one; python -m pyvm.build makes one")


def _model(machine: str) -> Callable[[], str]:
    def look() -> str:
        from pyvm.engine.standard import cache_file, machine_bytes

        begin = time.perf_counter()
        size = len(machine_bytes(machine))
        cached = cache_file(machine)
        kept = f"kept as {cached}" if cached and cached.is_file() else "not kept yet"
        return f"builds in {time.perf_counter() - begin:.2f} s, {size:,} bytes, {kept}"

    return look


def _hello() -> str:
    from pyvm.compiler.compile import compile_file
    from pyvm.engine.standard import load

    with load() as model:
        run = model.generate(compile_file("hello"))
        verified = model.verify(run.tokens, run.prompt_length)
    if not (run.ok and verified.ok and verified.complete):
        raise RuntimeError("the bundled program hello does not run")
    speed = common.rate(run.generated.size, run.timings.seconds)
    return f"runs, verified, {speed}, {run.covered:,} of {run.tokens.size:,} positions by a kernel"


def _c_compiler() -> str:
    from pyvm.compiler.c_to_wasm import compiler_command

    return shlex.join(compiler_command())


def _cxx_compiler() -> str:
    from pyvm import helpers

    command = helpers.cxx()
    if command is None:
        raise RuntimeError(
            "install g++ or clang++, or pip install ziglang (only for building libtvm)"
        )
    return shlex.join(command)


def _extra(names: tuple[str, ...]) -> Callable[[], str]:
    def look() -> str:
        from importlib import metadata

        found = []
        for name in names:
            try:
                found.append(f"{name} {metadata.version(name)}")
            except metadata.PackageNotFoundError:
                found.append(f"{name} not installed")
        return ", ".join(found)

    return look
