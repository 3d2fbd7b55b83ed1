"""`pyvm model build`, `info` and `compile`; `pyvm model explain` is in explain.py.

Enters: nothing, or a model file.  Leaves: a model file, a description of one, or
its kernel in the cache folder.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyvm.commands import common, explain, interrupts, status, voice
from pyvm.commands import report as reports
from pyvm.commands.report import Report
from pyvm.printable import printable

if TYPE_CHECKING:
    from pyvm.engine.arrays import Ids
    from pyvm.engine.model import Model
    from pyvm.weights import ModelFile

_LONGEST = 5_000_000  # tokens of a run that a kernel is made for
_MOST_LAYERS = 100  # the solver takes longer with each; no machine needs so many
_LETTERS = ("L", "P", "G", "A", ".")  # in the order of abi.HEAD_KINDS


def add(commands: common.Commands) -> None:
    model = commands.add_parser(
        "model",
        help="build a model file, describe or compile one",
        examples=(
            ("pyvm model info", "the standard machine"),
            ("pyvm model build --machine base -o base.bin", "a model file"),
            ("pyvm model build --help", "what an action can do"),
        ),
    )
    actions = model.add_subparsers(dest="action", required=True, metavar="ACTION")

    parser = actions.add_parser(
        "build",
        help="write a machine as a model file",
        epilog=status.EPILOG,
        examples=(
            ("pyvm model build -o standard.bin", "the standard machine"),
            ("pyvm model build --machine base --solve 5 -o base.bin", "a schedule of 5 layers"),
        ),
    )
    common.add_machine_option(parser, "to build")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument(
        "--solve",
        type=layers,
        metavar="LAYERS",
        help="solve the schedule anew for this many layers (needs highspy)",
    )
    voice.add(parser)
    parser.set_defaults(command=build)

    parser = actions.add_parser(
        "info",
        help="sizes, head kinds and labels of a model file",
        epilog=status.EPILOG,
        examples=(
            ("pyvm model info base", "the base machine"),
            ("pyvm model info base.bin --json", "a model file, for programs"),
        ),
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=common.MODEL_HELP)
    reports.add_option(
        parser, "machine", "vocabulary", "stop", "width", "layers", "heads", "neurons", "plan",
        "kernel", "kernel_blocks", "certificate", "head_kinds", "head_kinds_stored", "labels",
    )  # fmt: skip
    parser.set_defaults(command=info)
    explain.add(actions)

    parser = actions.add_parser(
        "compile",
        help="compile a model's plan to native code",
        epilog=status.EPILOG,
        examples=(
            ("pyvm model compile", "the standard machine, for the bundled programs"),
            ("pyvm model compile base.bin --program hello --machine base", "a model file"),
            ("pyvm model compile parity.bin --prompt prompt.txt", "a machine of your own"),
        ),
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=common.MODEL_HELP)
    common.add_machine_option(parser)
    parser.add_argument(
        "--program",
        action="append",
        metavar="PROGRAM",
        help="a program whose runs the kernel is to cover, as `pyvm run` takes it; again for more "
        "(default: the bundled programs)",
    )
    parser.add_argument(
        "--prompt",
        action="append",
        default=[],
        metavar="FILE",
        help="a text of the model's tokens that its runs begin with, where the model runs no "
        "programs; again for more",
    )
    voice.add(parser)
    parser.set_defaults(command=compile)


def layers(text: str) -> int:
    """Of a machine."""
    count = common.whole_number(text, _MOST_LAYERS)
    if count < 1:
        raise argparse.ArgumentTypeError("a machine has at least 1 layer")
    return count


def build(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.weights import machine_model

    if arguments.solve is not None:
        try:
            import highspy  # noqa: F401
        except ImportError:
            raise common.CommandError(
                "--solve needs HiGHS: pip install 'libtvm[schedule]'"
            ) from None
    if arguments.solve is None:
        model = machine_model(arguments.machine)
    else:
        model = _solved(arguments)
    data = model.to_bytes()
    common.write_file(arguments.output, data)
    voice.tell(
        arguments,
        f"{len(model.layers)} layers, D = {model.embedding.shape[1]}, {len(data):,} bytes",
    )
    return status.OK


def _solved(arguments: argparse.Namespace) -> ModelFile:
    """The machine by a schedule of its own: a line on a terminal shows how far the solver is."""
    from pyvm.commands.progress import Line
    from pyvm.schedule.solve import NoSchedule, Progress
    from pyvm.weights import machine_model

    line, begin = Line(arguments.quiet), time.monotonic()

    def show(progress: Progress) -> None:
        if line.due():
            best = "none yet" if progress.best is None else progress.best
            least = "" if progress.bound is None else f", at least {progress.bound}"
            passed = f"{time.monotonic() - begin:.0f} s"
            line.draw(f"solving: {passed}, {progress.objective}: best {best}{least}")

    def stop() -> None:
        line.erase()
        if not interrupts.terminated():
            common.say("interrupted: nothing was written")

    try:
        model: ModelFile = interrupts.interruptible(
            lambda: machine_model(arguments.machine, arguments.solve, show), stop
        )
        return model
    except NoSchedule as error:
        raise common.CommandError(str(error)) from None
    finally:
        line.erase()


def compile(arguments: argparse.Namespace, report: Report) -> int:
    """The kernel covers the blocks that runs of the programs need; other programs use them, too."""
    from pyvm.build.helper import BuildError
    from pyvm.build.kernel import compile_kernel
    from pyvm.bundled import PROGRAMS
    from pyvm.compiler.compile import compile_file
    from pyvm.engine.kept_kernels import keep_kernel
    from pyvm.engine.kernel import kernel_source
    from pyvm.engine.model import Model
    from pyvm.engine.standard import MACHINES, load, machine_bytes

    named = arguments.model or "standard"
    data = machine_bytes(named) if named in MACHINES else Path(named).read_bytes()
    begin = time.perf_counter()
    with Model(data) as model:
        runs = []
        for path in arguments.prompt:
            prompt = _prompt(model, path)
            voice.tell(arguments, f"running {printable(path)}")
            runs.append(model.generate(prompt, _LONGEST, path="plan"))
        for name in arguments.program or (() if runs else PROGRAMS):
            voice.tell(arguments, f"running {printable(name)}")
            program = compile_file(name, machine=arguments.machine)
            runs.append(model.generate(program, _LONGEST, path="plan"))
        voice.tell(arguments, "compiling: about a minute of processor time")
        try:
            kernel = compile_kernel(kernel_source(model, runs, parts=2 * (os.cpu_count() or 1)))
        except BuildError as error:
            raise common.CommandError(str(error)) from None
    path = keep_kernel(data, kernel)
    took = f"{time.perf_counter() - begin:.0f} s"
    voice.tell(arguments, f"{printable(str(path))}: {len(kernel):,} bytes, {took}")
    with load(data) as model:
        if model.kernel not in (None, path):
            voice.tell(
                arguments, f"runs go on taking {printable(str(model.kernel))}: it has more blocks"
            )
    return status.OK


def _prompt(model: Model, path: str) -> Ids:
    """The ids of a file of tokens."""
    from pyvm.isa.tokens import TokenError

    try:
        return model.encode(Path(path).read_text(encoding="utf-8").split())
    except UnicodeDecodeError:
        raise common.CommandError(f"{printable(path)} is no text of tokens") from None
    except TokenError as error:
        raise common.CommandError(f"{printable(path)}: {error}") from None


def info(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.engine.abi import HEAD_KINDS
    from pyvm.engine.kernel import kernel_blocks

    with common.open_model(arguments) as model:
        kinds, names = model.head_types, model.metadata.get("heads")
        kernel = None if model.kernel is None else str(model.kernel)
        blocks = None if model.kernel is None else kernel_blocks(model, model.kernel)
        report.update(
            machine=arguments.model or "standard",
            vocabulary=model.vocabulary_size,
            stop=model.vocabulary[model.stop],
            width=model.width,
            layers=model.layers,
            heads=model.heads,
            neurons=model.neurons,
            plan=model.why_no_plan or "yes",
            kernel=kernel,
            kernel_blocks=blocks,
            certificate=None if model.why_no_plan else model.explain()["certificate"],
            head_kinds=[[tuple(HEAD_KINDS)[kind] for kind in row] for row in kinds],
            head_kinds_stored=model.kinds_stored,
            labels=names,
        )
        if report.wanted:
            return status.OK
        print(
            f"vocabulary  V = {model.vocabulary_size}, stop token {model.vocabulary[model.stop]!r}"
        )
        print(f"width       D = {model.width}")
        print(f"layers      L = {model.layers}")
        print(f"heads       H = {model.heads} per layer, of width 2")
        print(f"neurons     F = {model.neurons} per layer")
        source = "stored in the file" if model.kinds_stored else "found from the weights"
        print(f"plan        {model.why_no_plan or 'yes'}")
        if not model.why_no_plan:
            for line in explain.certificate(model.explain()["certificate"]):
                print(f"  {line}")
        native = f"{printable(kernel)}, {blocks:,} blocks" if kernel else ""
        print(f"kernel      {native or 'none: pyvm model compile makes one'}")
        print(f"head kinds  {source}")
        for number, kind in enumerate(HEAD_KINDS):
            count = int((kinds == number).sum())
            print(f"  {_LETTERS[number]} {kind:12} {count:4}")
        for layer in range(model.layers):
            row = " ".join(_LETTERS[kind] for kind in kinds[layer])
            print(f"  layer {layer + 1:2}   {row}")
        if names:
            print("labels")
            for layer, heads in enumerate(names, 1):
                used = list(dict.fromkeys(printable(name) for name in heads if name))
                print(f"  layer {layer:2}   {', '.join(used) or 'no heads'}")
    return status.OK
