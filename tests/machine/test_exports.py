"""The worked examples leave pyvm like any other model: as ONNX they give the same tokens."""

from __future__ import annotations

import numpy as np
import pytest

from pyvm.engine.model import Model
from pyvm.export import export_model
from pyvm.machine.examples import brainfuck
from pyvm.machine.examples.brackets import brackets
from pyvm.machine.examples.parity import parity

EXAMPLES = {
    "parity": (parity, [*"1011001", "="]),
    "brackets": (brackets, [*"([]{})", "?"]),
    "brainfuck": (brainfuck.brainfuck, brainfuck.prompt(",[.-]", b"\3")),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_explained_and_exported(name, tmp_path):
    for package, extra in (("highspy", "schedule"), ("onnx", "export")):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'libtvm[{extra}]'")
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'libtvm[export]'")
    make, prompt = EXAMPLES[name]
    machine = make()
    file = machine.model_file()
    with Model(file.to_bytes()) as model:
        run = model.generate(machine.encode(prompt), limit=500)
        explained = model.explain(run.tokens)
    assert explained["neurons_used"] == sum(map(len, file.metadata["neurons"]))
    assert run.generated.size > 0
    path = tmp_path / "model.onnx"
    export_model(file, "onnx", path, len(run.tokens))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ids, *cache = session.get_inputs()
    given = {i.name: np.zeros((1, i.shape[1], 0, i.shape[3])) for i in cache}
    logits = session.run(None, {ids.name: run.tokens[None, :-1].astype(np.int64), **given})[0][0]
    assert np.array_equal(logits.argmax(-1)[run.prompt_length - 1 :], run.generated)
