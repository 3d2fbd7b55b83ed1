"""`pyvm export`: a model for another framework.

Enters: a model file or the name of a machine, a target.  Leaves: a file or a folder.
"""

from __future__ import annotations

import argparse

from pyvm.commands import common, status, voice
from pyvm.commands.report import Report

# pyvm.export.TARGETS and POSITIONS; importing them takes numpy, which --help does without.
_TARGETS = ("safetensors", "torch", "huggingface", "transformerlens", "onnx")
_POSITIONS = 32_768


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "export",
        help="write a model for another framework",
        description="Writes a model as a file or a folder that another framework opens without "
        "pyvm, in float64.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm export base --to safetensors -o base.safetensors", "weights and labels"),
            ("pyvm export base --to onnx -o base.onnx", "a network that onnxruntime runs"),
        ),
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=common.MODEL_HELP)
    parser.add_argument("--to", required=True, choices=_TARGETS, help="the format")
    parser.add_argument("-o", "--output", required=True, metavar="PATH")
    parser.add_argument(
        "--positions",
        type=common.whole_number,
        default=_POSITIONS,
        metavar="N",
        help=f"the longest trace, prompt included (default: {_POSITIONS})",
    )
    voice.add(parser)
    parser.set_defaults(command=export)


def export(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.export import ExportError, export_model

    try:
        done = export_model(arguments.model, arguments.to, arguments.output, arguments.positions)
    except ExportError as error:
        raise common.CommandError(str(error)) from None
    size, width = done.embed.shape
    voice.note_memory()
    sizes = f"V = {size}, D = {width}, {len(done.layers)} layers"
    voice.tell(arguments, f"{sizes}, {len(done.position):,} positions")
    return status.OK
