"""Kernels: the plan's tapes as native code (lib/kernel).

Enters: a model, and traces that a kernel is to be made for; or the path of a compiled kernel.
Leaves: C++ source files; or a model whose runs take the kernel.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyvm.engine import abi
from pyvm.engine.arrays import pointer, token_array, widened
from pyvm.engine.errors import ModelError
from pyvm.engine.library import check, library
from pyvm.engine.model import Model
from pyvm.engine.node_names import node_names, register
from pyvm.engine.run import Run

if TYPE_CHECKING:
    import numpy as np

_READ_FIRST = "kernel.hpp"


def kernel_source(
    model: Model, traces: Sequence[Run | tuple[np.ndarray, int]], parts: int = 4
) -> dict[str, str]:
    """Source files by name: all of one kernel, its .cpp files to be compiled with lib/ among the
    folders of headers. `traces` are runs, or tokens with the length of their prompt."""
    given = [
        (trace.tokens, trace.prompt_length) if isinstance(trace, Run) else trace for trace in traces
    ]
    arrays = [widened(token_array(tokens)) for tokens, _ in given]
    items = (abi.KernelTrace * len(arrays))()
    for item, array, (_, prompt) in zip(items, arrays, given):
        item.tokens, item.count, item.prompt = pointer(array), len(array), prompt
    files: dict[str, str] = {}

    def take(_: object, name: bytes, text: bytes) -> None:
        files[name.decode()] = text.decode()

    with model._use() as handle:
        check(
            library().tvm_model_kernel_source(
                handle, items, len(arrays), parts, abi.SourceCallback(take), None
            )
        )
    files[_READ_FIRST] = _legend(model) + files[_READ_FIRST]
    return files


def _legend(model: Model) -> str:
    """What the registers hold, as comments: n29 and n29_1 in a block are node 29."""
    plan = model.explain()
    try:
        names = node_names(plan["nodes"], model.metadata)
    except ModelError:  # labels that are none
        names = node_names(plan["nodes"], {})
    lines = ["// The values in blocks. p is the position."]
    for node in plan["nodes"]:
        number = node["id"]
        if node["live"] and number > 1:
            name = names[number].partition(" (n")[0]
            named = "" if name == register(number) else f"{name}, "
            lines.append(f"// {register(number)}: {named}{node['is']}")
    return "\n".join(lines) + "\n"


def kernel_blocks(model: Model, path: str | os.PathLike[str]) -> int:
    """Of how many blocks a kernel of the model is made, without taking it. As load_kernel() does,
    it runs native code, and raises for what is none of this model."""
    blocks = ctypes.c_uint32()
    with model._use() as handle:
        check(library().tvm_model_kernel_blocks(handle, os.fsencode(path), ctypes.byref(blocks)))
    return blocks.value


def load_kernel(model: Model, path: str | os.PathLike[str]) -> None:
    """Loads a kernel, which runs of the model take from now on. It is native code: `path` must be
    one that is trusted."""
    with model._use() as handle:
        check(library().tvm_model_load_kernel(handle, os.fsencode(path)))
    model.kernel = Path(path)
