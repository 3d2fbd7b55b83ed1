"""A program-running transformer as a stock HookedTransformer (transformer-lens before 4).

Enters: config.json, model.safetensors and hooks.json in this folder.  Leaves: the model, and what
its hooks carry: slots of the stream by name, names of heads and of neurons.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

HERE = Path(__file__).parent


def load(folder=HERE):
    sizes = json.loads((Path(folder) / "config.json").read_text())
    config = HookedTransformerConfig(
        n_layers=sizes["num_hidden_layers"],
        d_model=sizes["hidden_size"],
        n_ctx=sizes["max_position_embeddings"],
        d_head=sizes["head_dim"],
        n_heads=sizes["num_attention_heads"],
        d_mlp=sizes["intermediate_size"],
        d_vocab=sizes["vocab_size"],
        act_fn="relu",
        gated_mlp=True,
        normalization_type=None,
        positional_embedding_type="standard",
        attention_dir="causal",
        use_attn_scale=False,
        dtype=torch.float64,
        device="cpu",
        init_weights=False,
    )
    model = HookedTransformer(config)
    weights = load_file(Path(folder) / "model.safetensors")
    names = {name for name, _ in model.named_parameters()}
    if not set(weights) <= names:
        raise ValueError(f"this version of transformer-lens lacks {set(weights) - names}")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights.get(name, torch.zeros_like(parameter)))
    return model.eval()


def hooks(folder=HERE):
    return json.loads((Path(folder) / "hooks.json").read_text())
