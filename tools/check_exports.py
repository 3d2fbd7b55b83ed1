#!/usr/bin/env python3
"""Do exported models give libtvm's tokens in PyTorch, transformers and TransformerLens?

    python tools/check_exports.py [PROGRAM ...] [--machine base|standard] [--tokens N]
                                  [--stack-size 1024] [--specialized] [--to TARGET ...]
                                  [--seconds S] [--input TEXT]

Enters: names of bundled programs (default: hello, addition); it needs torch, transformers,
transformer-lens, onnxruntime and safetensors, which are gigabytes and so in no test.  Leaves: a row
for each program and framework: version, positions, whether every generated token is libtvm's,
seconds.  The exit status is 1 if one differs.

Each framework predicts after every position of libtvm's own trace, to its end unless --tokens says
less, in pieces with the cache where it has one; transformers also generates tokens by itself, hello
to its end, of others the first 100.  The cost grows with the square of the positions: after
--seconds the comparison ends with the piece that it is at, and the row says how far it came.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from measure import note, table

import pyvm
from pyvm.export import export_model
from pyvm.weights import ModelFile, machine_model, specialize

PIECE = 256
GENERATED = 100  # of programs but hello
SHORT = 4000  # traces that are generated to their end


def _pieces(tokens: np.ndarray, size: int = PIECE) -> Iterator[Any]:
    import torch

    for first in range(0, tokens.size, size):
        yield torch.tensor(tokens[None, first : first + size].astype(np.int64))


# Each yields the tokens predicted after the positions of a piece.
def _torch(folder: str, tokens: np.ndarray, prompt: int) -> Iterator[np.ndarray]:
    sys.path.insert(0, folder)
    model, cache = import_module("model").load(), None
    sys.path.remove(folder)
    del sys.modules["model"]
    for piece in _pieces(tokens):
        logits, cache = model(piece, cache)
        yield logits[0].argmax(-1).numpy()


def _huggingface(folder: str, tokens: np.ndarray, prompt: int) -> Iterator[np.ndarray]:
    from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    names = tokenizer.convert_ids_to_tokens(tokens[:prompt].tolist())
    given = tokenizer(" ".join(names), return_tensors="pt")
    most = tokens.size if tokens.size <= SHORT else min(prompt + GENERATED, tokens.size)
    made = model.generate(**given, max_length=most)[0].numpy()
    if not np.array_equal(made, tokens[:most]):
        yield np.full(tokens.size, -1)
        return
    cache = DynamicCache()
    # By the name that newer versions have for it, and by the older one.
    for piece, name in zip(_pieces(tokens), cycle(("cache", "past_key_values"))):
        logits = model(piece, **{name: cache}).logits
        yield logits[0].float().argmax(-1).numpy()  # rounded as by generate()


def _transformerlens(folder: str, tokens: np.ndarray, prompt: int) -> Iterator[np.ndarray]:
    import transformer_lens

    sys.path.insert(0, folder)
    model = import_module("hooked").load()
    sys.path.remove(folder)
    del sys.modules["hooked"]
    if "HookedTransformer" not in vars(transformer_lens):  # version 4 has no cache for it
        logits = model(next(_pieces(tokens, tokens.size)), return_type="logits")
        yield logits[0].argmax(-1).numpy()
        return
    cache = transformer_lens.TransformerLensKeyValueCache.init_cache(model.cfg, "cpu", 1)
    for piece in _pieces(tokens):
        seen = piece * 0 + 1  # no padding: it has no tokenizer that would say so
        logits = model(piece, return_type="logits", past_kv_cache=cache, attention_mask=seen)
        yield logits[0].argmax(-1).numpy()


def _onnx(folder: str, tokens: np.ndarray, prompt: int) -> Iterator[np.ndarray]:
    import onnxruntime

    path = f"{folder}/model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()[1:]
    cache = [np.zeros((1, i.shape[1], 0, i.shape[3])) for i in inputs]
    for piece in _pieces(tokens):
        given = dict(zip((i.name for i in inputs), cache))
        logits, *cache = session.run(None, {"input_ids": piece.numpy(), **given})
        yield logits[0].argmax(-1)


FRAMEWORKS: dict[str, tuple[str, Callable[[str, np.ndarray, int], Iterator[np.ndarray]]]] = {
    "torch": ("torch", _torch),
    "huggingface": ("transformers", _huggingface),
    "transformerlens": ("transformer-lens", _transformerlens),
    "onnx": ("onnxruntime", _onnx),
}


def main() -> int:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", choices=("standard", "base"), default="base")
    parser.add_argument("programs", nargs="*", default=["hello", "addition"], metavar="PROGRAM")
    parser.add_argument("--tokens", type=int, default=1 << 20, help="positions, prompt included")
    parser.add_argument("--stack-size", type=int, default=1024, help="of C: larger, less exact")
    parser.add_argument("--to", nargs="+", choices=tuple(FRAMEWORKS), default=list(FRAMEWORKS))
    parser.add_argument("--input", help="what the programs read in place of their own")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of a framework")
    parser.add_argument("--specialized", action="store_true", help="the program in the weights")
    given = parser.parse_args()
    rows = []
    for name in given.programs:
        program = pyvm.compile(
            name, given.input, machine=given.machine, stack_size=given.stack_size
        )
        own = given.specialized
        file = specialize(program.code, given.machine) if own else machine_model(given.machine)
        tokens, prompt = _trace(file, program, given.tokens)
        for target in given.to:
            package, predict = FRAMEWORKS[target]
            begin = time.perf_counter()
            with tempfile.TemporaryDirectory() as outer, torch.no_grad():
                folder = f"{outer}/model"
                if target == "onnx":
                    Path(folder).mkdir()
                path = f"{folder}/model.onnx" if target == "onnx" else folder
                export_model(file, target, path, tokens.size)
                parts = []
                for part in predict(folder, tokens, prompt):
                    parts.append(part)
                    if time.perf_counter() - begin > given.seconds:
                        break
            took = time.perf_counter() - begin
            note(f"{name} {target} {took:.0f} s")
            found = np.concatenate(parts)
            # The last prediction is of a token that is not there.
            right = tokens[prompt : found.size + 1]
            wrong = np.flatnonzero(found[prompt - 1 : prompt - 1 + right.size] != right)
            whole = found.size >= tokens.size
            rows.append((
                name, f"{package} {metadata.version(package)}", f"{prompt:,}",
                f"{tokens.size:,}" if whole else f"{found.size:,} of {tokens.size:,}",
                f"differs at {int(wrong[0]) + prompt:,}" if wrong.size
                else "all" if right.size else "none compared",
                f"{took:.1f}",
            ))  # fmt: skip
    own = ", specialised" if given.specialized else ""
    said = f"{given.machine} machine{own}, stack {given.stack_size:,}"
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
