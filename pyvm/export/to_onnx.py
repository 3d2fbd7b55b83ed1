"""One ONNX graph, opset 18, float64: whole sequences and single tokens with a cache.

Enters: `Arrays`.  Leaves: the bytes of the file.

    inputs   input_ids (batch, n) int64;  past_key_values.{layer}.key, .value (batch, H, m, 2)
    outputs  logits (batch, n, V);  present.{layer}.key, .value (batch, H, m + n, 2)

The n tokens stand behind the m whose keys and values are given: m = 0 is a whole sequence, n = 1 a
step of generation, and a long prompt goes in pieces.  Vocabulary, sizes and labels are in the
file's metadata, as in a safetensors file.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from pyvm.export.arrays import HEAD_WIDTH, Arrays, ExportError

OPSET = 18
IR_VERSION = 9  # of the time of opset 18: older runtimes read it
_CACHE = ("key", "value")


def write(arrays: Arrays) -> bytes:
    try:
        import onnx
        from onnx import helper
    except ImportError:
        raise ExportError("this export needs onnx: pip install 'libtvm[export]'") from None
    graph = _Graph(arrays)
    model = helper.make_model(
        graph.build(),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="pyvm",
        ir_version=IR_VERSION,
    )
    helper.set_model_props(
        model,
        {
            "config": json.dumps(arrays.sizes),
            "vocabulary": json.dumps(arrays.vocabulary),
            "labels": json.dumps(arrays.labels),
        },
    )
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


class _Graph:
    """Collects nodes and constants; every method that adds a node returns its output's name."""

    def __init__(self, arrays: Arrays) -> None:
        from onnx import helper

        self.helper = helper
        self.arrays = arrays
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def build(self) -> Any:
        from onnx import numpy_helper

        arrays = self.arrays
        positions, hidden_keys = self.positions()
        tokens = self.node("Gather", self.constant("embed", arrays.embed), "input_ids")
        places = self.node("Gather", self.constant("position", arrays.position), positions)
        x = self.node("Add", tokens, places)
        for number, layer in enumerate(arrays.layers):
            x = self.layer(number, layer, x, hidden_keys)
        self.linear("unembed", arrays.unembed, x, "logits")
        initializers = [numpy_helper.from_array(a, name) for name, a in self.constants.items()]
        inputs, outputs = self.signature()
        return self.helper.make_graph(self.nodes, "transformer", inputs, outputs, initializers)

    def signature(self) -> tuple[list[Any], list[Any]]:
        from onnx import TensorProto

        def tensor(name: str, kind: int, *shape: str | int) -> Any:
            return self.helper.make_tensor_value_info(name, kind, shape)

        double, sizes = TensorProto.DOUBLE, self.arrays.sizes
        heads, vocabulary = sizes["num_attention_heads"], sizes["vocab_size"]
        inputs = [tensor("input_ids", TensorProto.INT64, "batch", "n")]
        outputs = [tensor("logits", double, "batch", "n", vocabulary)]
        for number in range(len(self.arrays.layers)):
            for part in _CACHE:
                past, present = f"past_key_values.{number}.{part}", f"present.{number}.{part}"
                inputs.append(tensor(past, double, "batch", heads, "m", HEAD_WIDTH))
                outputs.append(tensor(present, double, "batch", heads, "m + n", HEAD_WIDTH))
        return inputs, outputs

    def positions(self) -> tuple[str, str]:
        """The positions of the new tokens, and (n, m + n): minus infinity at keys behind them."""
        zero, one = (self.constant(f"int_{i}", np.array(i, np.int64)) for i in (0, 1))
        two = self.constant("int_2", np.array(2, np.int64))
        shapes = (self.node("Shape", name) for name in ("past_key_values.0.key", "input_ids"))
        past, new = (self.node("Gather", shape, i) for shape, i in zip(shapes, (two, one)))
        length = self.node("Add", past, new)
        positions = self.node("Range", past, length, one)
        keys = self.node("Range", zero, length, one)
        rows = self.node("Unsqueeze", positions, self.constant("axis_1", np.array([1])))
        seen = self.node("LessOrEqual", keys, rows)
        free = self.constant("free", np.array(0.0))
        never = self.constant("never", np.array(-np.inf))
        return positions, self.node("Where", seen, free, never)

    def linear(self, name: str, matrix: np.ndarray, x: str, output: str = "") -> str:
        return self.node("MatMul", x, self.constant(name, matrix.T), name=output)

    def layer(self, number: int, weights: dict[str, np.ndarray], x: str, hidden_keys: str) -> str:
        def linear(name: str, x: str) -> str:
            return self.linear(f"layers.{number}.{name}", weights[name], x)

        by_head = self.constant("by_head", np.array([0, 0, -1, HEAD_WIDTH]))
        as_rows = self.constant("as_rows", np.array([0, 0, len(weights["o"])]))
        query, key, value = (
            self.node(
                "Transpose", self.node("Reshape", linear(name, x), by_head), perm=(0, 2, 1, 3)
            )
            for name in "qkv"
        )
        key, value = (
            self.node(
                "Concat",
                f"past_key_values.{number}.{part}",
                new,
                name=f"present.{number}.{part}",
                axis=2,
            )
            for part, new in zip(_CACHE, (key, value))
        )
        scores = self.node("MatMul", query, self.node("Transpose", key, perm=(0, 1, 3, 2)))
        attention = self.node("Softmax", self.node("Add", scores, hidden_keys), axis=-1)
        found = self.node("Transpose", self.node("MatMul", attention, value), perm=(0, 2, 1, 3))
        x = self.node("Add", x, linear("o", self.node("Reshape", found, as_rows)))
        hidden = self.node("Mul", self.node("Relu", linear("gate", x)), linear("up", x))
        return self.node("Add", x, linear("down", hidden))
