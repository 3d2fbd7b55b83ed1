"""A folder for TransformerLens: hooked.py, which makes a HookedTransformer, weights, and labels.

Enters: `Arrays`.  Leaves: the files of the folder.  hooks.json has by the name of a hook what it
carries: `hook_resid_pre` {name: slot}, `attn.hook_z` a name for each head, `mlp.hook_post` one for
each neuron.
"""

from __future__ import annotations

import numpy as np

from pyvm.export.arrays import HEAD_WIDTH, Arrays
from pyvm.export.to_safetensors import pack_tensors
from pyvm.export.to_torch import FILES, as_json


def write(arrays: Arrays) -> dict[str, bytes]:
    return {
        "hooked.py": (FILES / "hooked.py").read_bytes(),
        "config.json": as_json({**arrays.sizes, "vocabulary": arrays.vocabulary}),
        "model.safetensors": pack_tensors(_tensors(arrays), {}),
        "hooks.json": as_json(_hooks(arrays)),
        "labels.json": as_json(arrays.labels),
    }


def _tensors(arrays: Arrays) -> dict[str, np.ndarray]:
    """The matrices as this framework has them: (inputs, outputs), by head."""
    width = arrays.embed.shape[1]
    found = {
        "embed.W_E": arrays.embed,
        "pos_embed.W_pos": arrays.position,
        "unembed.W_U": arrays.unembed.T,
    }
    for number, layer in enumerate(arrays.layers):
        block = f"blocks.{number}"
        for name in "qkv":
            by_head = layer[name].reshape(-1, HEAD_WIDTH, width).transpose(0, 2, 1)
            found[f"{block}.attn.W_{name.upper()}"] = by_head
        found[f"{block}.attn.W_O"] = layer["o"].T.reshape(-1, HEAD_WIDTH, width)
        found[f"{block}.mlp.W_gate"] = layer["gate"].T
        found[f"{block}.mlp.W_in"] = layer["up"].T
        found[f"{block}.mlp.W_out"] = layer["down"].T
    return found


def _hooks(arrays: Arrays) -> dict[str, object]:
    labels = arrays.labels
    found: dict[str, object] = {}
    for number in range(len(arrays.layers)):
        block = f"blocks.{number}"
        found[f"{block}.hook_resid_pre"] = {
            name: slot
            for name, slot, first, last in labels.get("slots") or ()
            if (first + 1) // 2 <= number and 2 * number < last
        }
        for key, hook in (("heads", "attn.hook_z"), ("neurons", "mlp.hook_post")):
            if labels.get(key):
                found[f"{block}.{hook}"] = labels[key][number]
    return found
