"""Exported models, by their own frameworks: the tokens of the native executor."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

import pyvm
from command import failure
from command import pyvm as command
from pyvm.commands import export as commands
from pyvm.engine.executor import execute
from pyvm.engine.softmax import softmax, softmax_pass
from pyvm.export import POSITIONS, TARGETS, ExportError, export_model
from pyvm.graph.machine import build_machine
from pyvm.graph.primitives import NEVER
from pyvm.isa.prompt import spelled_in
from pyvm.view.evaluate import evaluate
from pyvm.weights import ModelFile, machine_model, specialize

PIECE = 256


def _trace(name: str, machine: str, vocabulary, most: int) -> tuple[np.ndarray, int]:
    """Tokens of the executor in a model's vocabulary, and the prompt's length."""
    run = execute(pyvm.compile(name, machine=machine), limit=most)
    ids = {token: i for i, token in enumerate(vocabulary)}
    prompt = spelled_in(run.tokens[: run.prompt_length], vocabulary)
    return np.array([*prompt, *(ids[run.vocabulary[t]] for t in run.generated)]), len(prompt)


@pytest.fixture(scope="module")
def base() -> ModelFile:
    return machine_model("base")


@pytest.fixture(scope="module")
def addition() -> ModelFile:
    """A specialised machine."""
    return specialize(pyvm.compile("addition", machine="base").code, "base")


def _opened(data: bytes):
    """A graph in onnxruntime: from token ids and a cache to logits and a cache."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()[1:]
    empty = [np.zeros((1, i.shape[1], 0, i.shape[3])) for i in inputs]

    def step(ids, cache=None):
        given = dict(zip((i.name for i in inputs), cache or empty))
        logits, *present = session.run(None, {"input_ids": np.array([ids]), **given})
        return logits[0], present

    return step, session


def _onnx(model: ModelFile, path: Path, positions: int):
    pytest.importorskip("onnx")
    export_model(model, "onnx", path, positions)
    return _opened(path.read_bytes())


def _check_onnx(model: ModelFile, trace, path: Path) -> None:
    tokens, prompt = trace
    step, _ = _onnx(model, path, tokens.size)
    cache, predicted = None, []
    for first in range(0, tokens.size - 1, PIECE):
        logits, cache = step(tokens[first : min(first + PIECE, tokens.size - 1)], cache)
        predicted.append(logits.argmax(-1))
    assert np.array_equal(np.concatenate(predicted)[prompt - 1 :], tokens[prompt:])


def test_hello_to_its_end_in_onnxruntime(base, tmp_path):
    trace = _trace("hello", "base", base.vocabulary, 1 << 20)
    assert trace[0][-1] == base.stop
    _check_onnx(base, trace, tmp_path / "m.onnx")


def test_addition_in_its_own_weights_in_onnxruntime(addition, tmp_path):
    trace = _trace("addition", "base", addition.vocabulary, 900)
    _check_onnx(addition, trace, tmp_path / "m.onnx")


def test_hello_of_the_standard_machine_to_its_end_in_onnxruntime(model_file, tmp_path):
    trace = _trace("hello", "standard", model_file.vocabulary, 1 << 20)
    assert trace[0][-1] == model_file.stop
    _check_onnx(model_file, trace, tmp_path / "m.onnx")


def test_onnx_whole_and_token_by_token(addition, tmp_path):
    """Greedy decoding with the cache gives what one pass over the sequence gives."""
    tokens, prompt = _trace("addition", "base", addition.vocabulary, 120)
    step, session = _onnx(addition, tmp_path / "m.onnx", 4096)
    whole, _ = step(tokens)
    assert np.array_equal(whole.argmax(-1)[prompt - 1 : -1], tokens[prompt:])
    logits, cache = step(tokens[:prompt])
    found = list(tokens[:prompt])
    while len(found) < tokens.size:
        found.append(int(logits[-1].argmax()))
        logits, cache = step(found[-1:], cache)
    assert np.array_equal(found, tokens)
    assert session.get_outputs()[0].type == "tensor(double)"
    assert json.loads(session.get_modelmeta().custom_metadata_map["labels"])["heads"]


def _joined(tensors: dict[str, np.ndarray], layer: int, *names: str) -> np.ndarray:
    return np.concatenate([tensors[f"model.layers.{layer}.{name}_proj.weight"] for name in names])


def test_safetensors_hold_the_model(base, addition, tmp_path):
    """The model is built again from the tensors' names alone, and has the same tokens."""
    pytest.importorskip("safetensors")
    from safetensors import safe_open

    for model, name in ((base, "hello"), (addition, "addition")):
        path = tmp_path / f"{name}.safetensors"
        export_model(model, "safetensors", path, 2048)
        with safe_open(path, "numpy") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}
            texts = file.metadata()
        said = {key: json.loads(texts[key]) for key in ("config", "vocabulary", "labels")}
        assert all(tensor.dtype == np.float64 for tensor in tensors.values())
        assert said["labels"] == model.metadata and said["vocabulary"] == list(model.vocabulary)

        layers = [
            dataclasses.replace(
                layer,
                qkv=_joined(tensors, i, "self_attn.q", "self_attn.k", "self_attn.v"),
                out=_joined(tensors, i, "self_attn.o"),
                w_in=_joined(tensors, i, "mlp.gate", "mlp.up"),
                w_ffn=_joined(tensors, i, "mlp.down"),
            )
            for i, layer in enumerate(model.layers)
        ]
        again = dataclasses.replace(
            model,
            layers=tuple(layers),
            embedding=tensors["model.embed_tokens.weight"],
            head=tensors["lm_head.weight"],
        )
        assert again.to_bytes() == model.to_bytes()
        tokens, prompt = _trace(name, "base", model.vocabulary, 3300)
        found = softmax(again, tokens[:-1], "linear")
        assert np.array_equal(found[prompt - 1 :], tokens[prompt:])
        positions = tensors["model.embed_positions.weight"]
        assert positions.shape[0] == said["config"]["max_position_embeddings"] == 2048
        assert positions[2047, 0] == 2047 and positions[2047, 1] == 2047 / 2048


def test_what_is_refused(base, tmp_path):
    erasing = dataclasses.replace(base.layers[0], erase_after_ffn=(5,))
    foreign = dataclasses.replace(base, layers=(erasing, *base.layers[1:]))
    with pytest.raises(ExportError, match="layer 1 sets slots to zero by a list"):
        export_model(foreign, "safetensors", tmp_path / "a")
    with pytest.raises(ExportError, match="targets are"):
        export_model(base, "gguf", tmp_path / "a")
    with pytest.raises(ExportError, match="positions are from 1"):
        export_model(base, "safetensors", tmp_path / "a", 0)
    with pytest.raises(pyvm.PyvmError):
        export_model(b"no model", "safetensors", tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target, package", [("safetensors", "safetensors"), ("onnx", "onnx")])
def test_a_missing_package_is_named(target, package, base, tmp_path, monkeypatch):
    import sys

    for name in (package, f"{package}.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExportError, match=rf"needs {package}: pip install 'libtvm\[export\]'"):
        export_model(base, target, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_the_command_line(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "base.safetensors"
    done = command("export", "base", "--to", "safetensors", "--positions", "64", "-o", path)
    assert done.returncode == 0 and b"64 positions" in done.stderr, done.stderr
    assert path.stat().st_size > 100_000
    done = command("export", tmp_path / "none.bin", "--to", "safetensors", "-o", path)
    assert "none.bin: No such file" in failure(done)


def test_the_command_offers_every_target():
    assert commands._TARGETS == tuple(TARGETS) and commands._POSITIONS == POSITIONS
    page = (Path(commands.__file__).parents[1] / "export" / "README.md").read_text()
    assert re.search(r"--to (\S+)", page)[1].split("|") == list(TARGETS)


@pytest.mark.parametrize("target", ["torch", "huggingface", "transformerlens"])
def test_folders(target, base, tmp_path):
    """What stands in them can be read without the frameworks; tools/check_exports.py runs them."""
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    folder = tmp_path / "made"
    export_model(base, target, folder, 64)
    tensors = load_file(folder / "model.safetensors")
    matrices = [base.embedding, base.head, np.empty((64, base.embedding.shape[1]))]
    for layer in base.layers:
        matrices += [layer.qkv, layer.out, layer.w_in, layer.w_ffn]
    assert sum(t.size for t in tensors.values()) == sum(m.size for m in matrices)
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    for path in folder.glob("*.py"):
        compile(path.read_text(), str(path), "exec")
        assert len(path.read_text().splitlines()) <= (100 if target == "torch" else 200)
    assert json.loads((folder / "labels.json").read_text()) == base.metadata
    with pytest.raises(ExportError, match="is there: name a folder"):
        export_model(base, target, folder, 64)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["standard", "base"])
def test_logits_that_survive_float32(name):
    """transformers' generate() rounds logits to it: less their largest, they choose every token."""
    graph = build_machine(name)
    kind, value = np.array([point or (NEVER, 0) for point in graph.points]).astype(np.float64).T
    lost = 0
    for token in np.flatnonzero(kind >= 0):
        types = kind * (2 * kind[token] - kind)
        logits = graph.type_weight * types + value * (2 * value[token] - value)
        lost += int(np.argmax(logits.astype(np.float32)) != token)
        assert np.argmax((logits - logits.max()).astype(np.float32)) == token
    assert lost == {"standard": 2223, "base": 0}[name]
    code = (Path(commands.__file__).parents[1] / "export" / "files" / "modeling_tvm.py").read_text()
    assert "logits = logits - logits.amax(-1, keepdim=True)" in code


def _hooked(tensors: dict[str, np.ndarray], layers: int, tokens: np.ndarray) -> np.ndarray:
    """Logits as TransformerLens computes them from its parameters by name."""
    x = tensors["embed.W_E"][tokens] + tensors["pos_embed.W_pos"][: tokens.size]
    for number in range(layers):
        of = {name.split(".")[-1]: t for name, t in tensors.items() if f"blocks.{number}." in name}
        q, k, v = (np.einsum("pm,hmd->hpd", x, of[f"W_{name}"]) for name in "QKV")
        scores = np.where(np.tri(tokens.size, dtype=bool), q @ k.swapaxes(1, 2), -np.inf)
        pattern = np.exp(scores - scores.max(-1, keepdims=True))
        z = pattern / pattern.sum(-1, keepdims=True) @ v
        x = x + np.einsum("hpd,hdm->pm", z, of["W_O"])
        x = x + (np.maximum(x @ of["W_gate"], 0) * (x @ of["W_in"])) @ of["W_out"]
    return x @ tensors["unembed.W_U"]


def test_the_folder_for_transformerlens_computes_the_tokens(base, tmp_path):
    """By its parameters, and its hooks are labelled by what the residual stream carries."""
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    folder = tmp_path / "made"
    tokens, prompt = _trace("hello", "base", base.vocabulary, 500)
    export_model(base, "transformerlens", folder, tokens.size)
    logits = _hooked(load_file(folder / "model.safetensors"), len(base.layers), tokens)
    assert np.array_equal(logits.argmax(-1)[prompt - 1 : -1], tokens[prompt:])
    hooks = json.loads((folder / "hooks.json").read_text())
    exact = evaluate(build_machine("base"), tokens, np.arange(tokens.size))
    streams = softmax_pass(base, tokens, "linear").streams
    for number, labels in enumerate(base.metadata["heads"]):
        assert hooks[f"blocks.{number}.attn.hook_z"] == labels
        assert hooks[f"blocks.{number}.mlp.hook_post"] == base.metadata["neurons"][number]
        stream = hooks[f"blocks.{number}.hook_resid_pre"]
        for name in stream.keys() - {"recency"}:
            expected = exact.values[:, exact.names.index(name)]
            assert streams[number][:, stream[name]] == pytest.approx(expected), (number, name)
        # Half 0 is the embedding, halves 2 n + 1 and 2 n + 2 are layer n.
        spans = base.metadata["slots"]
        assert stream.keys() == {name for name, _, made, read in spans if made <= 2 * number < read}


def test_words_that_no_tokenizer_can_have(base, tmp_path):
    for word in ("two words", base.vocabulary[3]):
        strange = dataclasses.replace(base, vocabulary=(word, *base.vocabulary[1:]))
        with pytest.raises(ExportError, match="in the vocabulary"):
            export_model(strange, "huggingface", tmp_path / "a", 64)
