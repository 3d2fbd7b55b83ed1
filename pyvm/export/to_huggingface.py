"""A folder that AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True) opens.

Enters: `Arrays`.  Leaves: the files of the folder: configuration, weights, the model's code, a
tokenizer of words for AutoTokenizer, and labels.json (slots, heads, neurons).
"""

from __future__ import annotations

from pathlib import Path

from pyvm.export.arrays import Arrays, check_words
from pyvm.export.to_safetensors import pack
from pyvm.export.to_torch import FILES, as_json

CODE = "modeling_tvm"


def write(arrays: Arrays) -> dict[str, bytes]:
    check_words(arrays)
    stop = arrays.vocabulary[arrays.stop]
    config = {
        "model_type": "tvm",
        "architectures": ["TvmForCausalLM"],
        "auto_map": {
            "AutoConfig": f"{CODE}.TvmConfig",
            "AutoModelForCausalLM": f"{CODE}.TvmForCausalLM",
        },
        "dtype": "float64",
        "torch_dtype": "float64",  # its name before version 5
        "tie_word_embeddings": False,
        **arrays.sizes,
    }
    tokenizer = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": stop,
        "clean_up_tokenization_spaces": False,
        "model_max_length": len(arrays.position),
        "model_input_names": ["input_ids", "attention_mask"],
    }
    return {
        "config.json": as_json(config),
        "generation_config.json": as_json({"do_sample": False, "eos_token_id": arrays.stop}),
        f"{CODE}.py": Path(FILES / f"{CODE}.py").read_bytes(),
        "model.safetensors": pack(arrays, {}),
        "tokenizer.json": as_json(_tokenizer(arrays)),
        "tokenizer_config.json": as_json(tokenizer),
        "labels.json": as_json(arrays.labels),
    }


def _tokenizer(arrays: Arrays) -> dict[str, object]:
    """Words between white space; a word that is no token is an error, as there is none for it."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {token: i for i, token in enumerate(arrays.vocabulary)},
            "unk_token": "",
        },
    }
