"""A program-running transformer for Hugging Face transformers: config and model.

    AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)

Enters: config.json and model.safetensors in this folder.  Leaves: logits, and the cache of keys and
values.  The weights are exact in float64 only, so they are loaded as float64 whatever is asked for;
padding and positions of one's own are refused, as the model would compute something else.  Logits
are those of the weights less the largest, which is what survives float32.
"""

import dataclasses

import torch
from torch import nn
from torch.nn.functional import relu, scaled_dot_product_attention
from transformers import DynamicCache, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

# The cache's name in outputs and arguments: `cache` in newer versions, before `past_key_values`.
CACHE = {field.name for field in dataclasses.fields(CausalLMOutputWithPast)} & {
    "cache",
    "past_key_values",
}


class TvmConfig(PretrainedConfig):
    model_type = "tvm"

    def __init__(
        self,
        vocab_size=915,
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=12,
        head_dim=2,
        intermediate_size=1,
        max_position_embeddings=1,
        **others,
    ):
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_hidden_layers, self.num_attention_heads = num_hidden_layers, num_attention_heads
        self.head_dim, self.intermediate_size = head_dim, intermediate_size
        self.max_position_embeddings = max_position_embeddings
        super().__init__(**{"tie_word_embeddings": False, **others})


class Attention(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.index, self.head_dim = index, config.head_dim
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(config.hidden_size, config.hidden_size, bias=False))

    def forward(self, x, cache):
        q, k, v = (
            rows.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
            for rows in (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        )
        if cache is not None:
            k, v = cache.update(k, v, self.index)
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device)
        mask = seen.tril(k.shape[2] - q.shape[2])
        found = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
        return self.o_proj(found.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, hidden = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down_proj(relu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.self_attn, self.mlp = Attention(config, index), Mlp(config)

    def forward(self, x, cache):
        x = x + self.self_attn(x, cache)
        return x + self.mlp(x)


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.embed_positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, i) for i in range(config.num_hidden_layers))


class TvmForCausalLM(PreTrainedModel, GenerationMixin):
    config_class = TvmConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_pretrained(cls, *arguments, **options):
        options.pop("torch_dtype", None)
        return super().from_pretrained(*arguments, **{**options, "dtype": torch.float64})

    def forward(
        self,
        input_ids,
        attention_mask=None,
        cache=None,
        past_key_values=None,
        position_ids=None,
        use_cache=None,
        logits_to_keep=0,
        return_dict=None,
        **others,
    ):
        unknown = [name for name, value in others.items() if value not in (None, False)]
        if unknown:
            raise ValueError(f"this model has no argument {', '.join(unknown)}")
        if cache is not None and past_key_values is not None:
            raise ValueError("give the cache once, as cache or as past_key_values")
        cache = past_key_values if cache is None else cache
        if cache is None and use_cache:
            cache = DynamicCache()
        first = 0 if cache is None else int(cache.get_seq_length())
        places = torch.arange(first, first + input_ids.shape[1], device=input_ids.device)
        if position_ids is not None and not bool((position_ids == places).all()):
            raise ValueError(
                f"these tokens stand at position {first} on: are the tokens before them missing, "
                "or their cache?"
            )
        if attention_mask is not None and attention_mask.ndim == 2:
            if not bool(attention_mask.all()):
                raise ValueError("this model has no padding: run prompts of one length, or alone")
            if attention_mask.shape[1] != first + input_ids.shape[1]:
                raise ValueError("attention_mask has another length than cache and tokens")
        if first + input_ids.shape[1] > self.config.max_position_embeddings:
            raise ValueError(f"this model has {self.config.max_position_embeddings} positions")
        x = self.model.embed_tokens(input_ids) + self.model.embed_positions(places)
        for layer in self.model.layers:
            x = layer(x, cache)
        logits = self.lm_head(x[:, -logits_to_keep:] if logits_to_keep else x)
        # The largest becomes 0: generate() rounds to float32, which cannot tell those of one type.
        logits = logits - logits.amax(-1, keepdim=True)
        kept = {name: cache for name in CACHE}
        return CausalLMOutputWithPast(logits=logits, **kept)
