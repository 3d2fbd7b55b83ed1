"""A program-running transformer in TransformerLens, as the library's own model.

Before version 4 that is a HookedTransformer, from then on a TransformerBridge of its native model.

Enters: config.json, model.safetensors and hooks.json in this folder.  Leaves: the model, and what
its hooks carry: slots of the stream by name, names of heads and of neurons.
"""

import json
from pathlib import Path

import torch
import transformer_lens
from safetensors.torch import load_file

HERE = Path(__file__).parent


def load(folder=HERE):
    sizes = json.loads((Path(folder) / "config.json").read_text())
    weights = load_file(Path(folder) / "model.safetensors")
    options = dict(
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
        dtype=torch.float64,
        device="cpu",
        init_weights=False,
    )
    make = _hooked if "HookedTransformer" in vars(transformer_lens) else _bridge
    return make(options, weights).eval()


def hooks(folder=HERE):
    return json.loads((Path(folder) / "hooks.json").read_text())


def _hooked(options, weights):
    config = transformer_lens.HookedTransformerConfig(use_attn_scale=False, **options)
    return _filled(transformer_lens.HookedTransformer(config), weights)


def _bridge(options, weights):
    """Scores are divided by 2, as dividing by 1 is refused: queries are twice as large."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge.sources import boot_native

    config = TransformerBridgeConfig(
        use_attn_scale=True, attn_scale=2.0, architecture="TransformerLensNative", **options
    )
    native = {
        "tok_embed.weight": weights["embed.W_E"],
        "pos.weight": weights["pos_embed.W_pos"],
        "head.weight": weights["unembed.W_U"].T,
    }
    for number in range(config.n_layers):
        old, new = f"blocks.{number}", f"layers.{number}"
        for name in "qkv":
            by_head = weights[f"{old}.attn.W_{name.upper()}"].transpose(1, 2)
            native[f"{new}.attn.{name}.weight"] = by_head.flatten(0, 1) * (2 if name == "q" else 1)
        native[f"{new}.attn.o.weight"] = weights[f"{old}.attn.W_O"].flatten(0, 1).T
        for name in ("gate", "in", "out"):
            native[f"{new}.mlp.{name}.weight"] = weights[f"{old}.mlp.W_{name}"].T
    return _filled(boot_native(config, dtype=torch.float64), native)


def _filled(model, weights):
    """Parameters that have no weights, which are biases, are zero."""
    wanted = dict(weights)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            plain = name.replace("_original_component.", "").removeprefix("original_model.")
            given = wanted.pop(plain, None)
            parameter.copy_(torch.zeros_like(parameter) if given is None else given)
    if wanted:
        raise ValueError(f"this version of transformer-lens lacks {sorted(wanted)}")
    return model
