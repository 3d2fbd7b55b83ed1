"""A folder for PyTorch: model.py, the whole transformer on a page, and its weights.

Enters: `Arrays`.  Leaves: the files of the folder; `python -c "from model import load"` inside it
needs torch and safetensors, and nothing of pyvm.
"""

from __future__ import annotations

import json
from pathlib import Path

from pyvm.export.arrays import Arrays
from pyvm.export.to_safetensors import pack

FILES = Path(__file__).with_name("files")


def write(arrays: Arrays) -> dict[str, bytes]:
    return {
        "model.py": (FILES / "model.py").read_bytes(),
        "config.json": as_json({**arrays.sizes, "vocabulary": arrays.vocabulary}),
        "model.safetensors": pack(arrays, {}),
        "labels.json": as_json(arrays.labels),
    }


def as_json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()
