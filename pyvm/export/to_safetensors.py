"""One safetensors file: every matrix by its usual name, and in the metadata what they mean.

Enters: `Arrays`.  Leaves: the bytes of the file.  Its metadata are texts of JSON: `config` (sizes),
`vocabulary` (the spelling of each token), `labels` (slots, heads, neurons, as in the model file:
pyvm/weights/metadata.py).
"""

from __future__ import annotations

import json

import numpy as np

from pyvm.export.arrays import Arrays, ExportError, named


def write(arrays: Arrays) -> bytes:
    metadata = {
        "config": json.dumps(arrays.sizes),
        "vocabulary": json.dumps(arrays.vocabulary),
        "labels": json.dumps(arrays.labels),
    }
    return pack(arrays, metadata)


def pack(arrays: Arrays, metadata: dict[str, str]) -> bytes:
    """The matrices by their usual names as a safetensors file."""
    return pack_tensors(named(arrays), metadata)


def pack_tensors(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """`format` says that the file is meant for torch, which its loaders ask for."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise ExportError("this export needs safetensors: pip install 'libtvm[export]'") from None
    whole = {name: np.ascontiguousarray(tensor, np.float64) for name, tensor in tensors.items()}
    data: bytes = save(whole, {"format": "pt", **metadata})
    return data
