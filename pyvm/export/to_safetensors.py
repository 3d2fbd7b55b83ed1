"""One safetensors file: every matrix by its usual name, and in the metadata what they mean.

Enters: `Arrays`.  Leaves: the bytes of the file.  Its metadata are texts of JSON: `config` (sizes),
`vocabulary` (the spelling of each token), `labels` (slots, heads, neurons, as in the model file:
pyvm/weights/metadata.py).
"""

from __future__ import annotations

import json

from pyvm.export.arrays import Arrays, ExportError, named


def write(arrays: Arrays) -> bytes:
    metadata = {
        "config": json.dumps(arrays.sizes),
        "vocabulary": json.dumps(arrays.vocabulary),
        "labels": json.dumps(arrays.labels),
    }
    return pack(arrays, metadata)


def pack(arrays: Arrays, metadata: dict[str, str]) -> bytes:
    """The matrices as a safetensors file; `format` says that rows are outputs, as in torch."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise ExportError("this export needs safetensors: pip install 'libtvm[export]'") from None
    data: bytes = save(named(arrays), {"format": "pt", **metadata})
    return data
