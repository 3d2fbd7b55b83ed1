#!/usr/bin/env python3
"""Do exported models give libtvm's tokens in PyTorch, transformers and TransformerLens?

    python tools/check_exports.py [--machine base|standard] [--tokens 2000] [--specialized]

Enters: nothing; it needs torch, transformers, transformer-lens (before 4) and safetensors, which
are gigabytes and so in no test.  Leaves: a row for each program and framework: version, positions,
whether every generated token is libtvm's, seconds.  The exit status is 1 if one differs.

Each framework predicts after every position of libtvm's own trace, the cache in use in pieces where
it has one; transformers also generates the first 100 tokens by itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from typing import Any

import numpy as np
from measure import table

import pyvm
from pyvm.export import export_model
from pyvm.weights import ModelFile, machine_model, specialize

PIECE = 512
GENERATED = 100


def _pieces(tokens: np.ndarray) -> Iterator[Any]:
    import torch

    for first in range(0, tokens.size, PIECE):
        yield torch.tensor(tokens[None, first : first + PIECE].astype(np.int64))


def _torch(folder: str, tokens: np.ndarray, prompt: int) -> np.ndarray:
    sys.path.insert(0, folder)
    model, cache, found = import_module("model").load(), None, []
    sys.path.remove(folder)
    del sys.modules["model"]
    for piece in _pieces(tokens):
        logits, cache = model(piece, cache)
        found.append(logits[0].argmax(-1).numpy())
    return np.concatenate(found)


def _huggingface(folder: str, tokens: np.ndarray, prompt: int) -> np.ndarray:
    from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    cache, found = DynamicCache(), []
    for piece in _pieces(tokens):
        logits = model(piece, cache=cache).logits
        found.append(logits[0].argmax(-1).numpy())
    names = tokenizer.convert_ids_to_tokens(tokens[:prompt].tolist())
    given = tokenizer(" ".join(names), return_tensors="pt")
    most = min(prompt + GENERATED, tokens.size)
    made = model.generate(**given, max_length=most)[0].numpy()
    if not np.array_equal(made, tokens[:most]):
        return np.full(tokens.size, -1)
    return np.concatenate(found)


def _transformerlens(folder: str, tokens: np.ndarray, prompt: int) -> np.ndarray:
    import torch

    sys.path.insert(0, folder)
    model = import_module("hooked").load()
    sys.path.remove(folder)
    del sys.modules["hooked"]
    logits = model(torch.tensor(tokens[None].astype(np.int64)), return_type="logits")
    found: np.ndarray = logits[0].argmax(-1).numpy()
    return found


FRAMEWORKS: dict[str, tuple[str, Callable[[str, np.ndarray, int], np.ndarray]]] = {
    "torch": ("torch", _torch),
    "huggingface": ("transformers", _huggingface),
    "transformerlens": ("transformer-lens", _transformerlens),
}


def main() -> int:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", choices=("standard", "base"), default="base")
    parser.add_argument("--tokens", type=int, default=2000, help="positions, prompt included")
    parser.add_argument("--specialized", action="store_true", help="the program in the weights")
    given = parser.parse_args()
    rows = []
    for name in ("hello", "addition"):
        program = pyvm.compile(name, machine=given.machine)
        own = given.specialized
        file = specialize(program.code, given.machine) if own else machine_model(given.machine)
        tokens, prompt = _trace(file, program, given.tokens)
        for target, (package, predict) in FRAMEWORKS.items():
            begin = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, torch.no_grad():
                export_model(file, target, folder, tokens.size)
                found = predict(folder, tokens, prompt)
            wrong = np.flatnonzero(found[prompt - 1 : -1] != tokens[prompt:])
            rows.append((
                name, f"{package} {metadata.version(package)}", f"{prompt:,}", f"{tokens.size:,}",
                f"differs at {int(wrong[0]) + prompt:,}" if wrong.size else "all",
                f"{time.perf_counter() - begin:.1f}",
            ))  # fmt: skip
    said = f"{given.machine} machine{', specialised' if given.specialized else ''}"
    print(f"{said}\n")
    print(table(("program", "framework", "prompt", "positions", "the same", "s"), rows))
    return int(any(row[4] != "all" for row in rows))


def _trace(file: ModelFile, program: pyvm.Program, most: int) -> tuple[np.ndarray, int]:
    """libtvm's tokens, at most so many, and the prompt's length."""
    with pyvm.load(file.to_bytes()) as model:
        run = model.generate(program, limit=most)
    if run.prompt_length >= most:
        raise SystemExit(f"the prompt has {run.prompt_length:,} tokens, --tokens must be larger")
    return np.asarray(run.tokens[:most]), run.prompt_length


if __name__ == "__main__":
    sys.exit(main())
