"""A program-running transformer, the whole of it, in PyTorch: float64, stock attention.

    from model import load, generate
    model = load()
    ids = generate(model, model.encode("start { ..."), 1000)

Enters: config.json and model.safetensors in this folder.  Leaves: logits of the next token.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import relu, scaled_dot_product_attention


class Attention(nn.Module):
    """Heads of width 2, causal; scores are not divided by anything."""

    def __init__(self, width):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(width, width, bias=False))

    def forward(self, x, past=None):
        rows = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        q, k, v = (row.unflatten(-1, (-1, 2)).transpose(1, 2) for row in rows)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device)
        mask = seen.tril(k.shape[2] - q.shape[2])
        found = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
        return self.o_proj(found.transpose(1, 2).flatten(2)), (k, v)


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down_proj(relu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.self_attn, self.mlp = Attention(width), Mlp(width, hidden)

    def forward(self, x, past=None):
        added, cache = self.self_attn(x, past)
        x = x + added
        return x + self.mlp(x), cache


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, hidden = config["hidden_size"], config["intermediate_size"]
        self.vocabulary, self.stop = config["vocabulary"], config["eos_token_id"]
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config["vocab_size"], width)
        self.model.embed_positions = nn.Embedding(config["max_position_embeddings"], width)
        layers = range(config["num_hidden_layers"])
        self.model.layers = nn.ModuleList(Layer(width, hidden) for _ in layers)
        self.lm_head = nn.Linear(width, config["vocab_size"], bias=False)

    def forward(self, ids, past=None):
        """ids (batch, n), and the cache of the tokens before them: logits (batch, n, V), cache."""
        first = past[0][0].shape[2] if past else 0
        places = torch.arange(first, first + ids.shape[1], device=ids.device)
        x, cache = self.model.embed_tokens(ids) + self.model.embed_positions(places), []
        for layer, of_layer in zip(self.model.layers, past or [None] * len(self.model.layers)):
            x, kept = layer(x, of_layer)
            cache.append(kept)
        return self.lm_head(x), cache

    def encode(self, text):
        number = {token: i for i, token in enumerate(self.vocabulary)}
        return [number[word] for word in text.split()]


def load(folder=Path(__file__).parent):
    model = Transformer(json.loads((Path(folder) / "config.json").read_text())).double()
    model.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    return model.eval()


@torch.no_grad()
def generate(model, ids, limit):
    ids, new, cache = list(ids), list(ids), None
    while len(ids) < limit and ids[-1] != model.stop:
        logits, cache = model(torch.tensor([new]), cache)
        new = [int(logits[0, -1].argmax())]
        ids += new
    return ids
