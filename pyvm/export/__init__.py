"""A model file in the formats of other frameworks.

    from pyvm.export import export_model
    export_model("base", "onnx", "base.onnx")

Enters: a model, and the name of a target.  Leaves: a file or a folder that the framework opens
without pyvm.  README.md beside this file says what is in them and how far each is exact.
"""

from __future__ import annotations

from pyvm.export.arrays import ExportError
from pyvm.export.export import POSITIONS, TARGETS, export_model

__all__ = ["POSITIONS", "TARGETS", "ExportError", "export_model"]
