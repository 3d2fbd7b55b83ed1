"""The examples do what they say."""

from __future__ import annotations

import numpy as np
import pytest

import pyvm
from pyvm import helpers
from pyvm.engine.recording import Recording
from pyvm.examples import (
    attention_distances,
    c_function,
    time_program,
    verify_distributed,
    verify_trace,
)
from trace_parts import Parts


@pytest.mark.skipif(helpers.zig() is None, reason="the zig wheel is not installed")
def test_c_function(model):
    gcd = c_function.c_function(c_function.SOURCE, "gcd", model)
    assert [gcd(1071, 462), gcd(17, 5), gcd(0, -7)] == [21, 1, -7]
    by = c_function.c_function("int by(int a, int b) { return a / b; }", "by", model)
    assert by(-7, 2) == -3
    with pytest.raises(ArithmeticError, match="division by zero"):
        by(1, 0)


def test_verify_trace(model):
    words = [model.vocabulary[token] for token in model.generate(pyvm.compile("hello")).tokens]
    assert "it wrote 'Hello" in verify_trace.verdict(words, model)
    assert "does not come to its end" in verify_trace.verdict(words[:-1], model)
    words[-9] = "00" if words[-9] != "00" else "01"
    found = verify_trace.verdict(words, model)
    assert found.startswith(f"position {len(words) - 9}: the trace has {words[-9]}, the model")


def _recorded(model, path):
    """collatz in a trace file of several segments."""
    program = pyvm.compile("collatz", input="27")
    with Recording(model, program.tokens(), path, spacing=2000) as recording:
        return sum(piece.size for piece in recording.pieces())


def test_verify_distributed(model, tmp_path):
    """By processes of this machine."""
    path = tmp_path / "a.trace"
    count = _recorded(model, path)
    with verify_distributed.workers(None) as pool:
        found = verify_distributed.verdict(path, model, pool)
        assert found == f"{path}: all {count:,} positions are right, to its end"
        parts = Parts(path)
        parts.tokens[1][5] ^= 1
        found = verify_distributed.verdict(parts.write(path), model, pool)
        assert found == f"{path}: position {parts.first[1] + 5} is wrong"
        parts = Parts(path)
        parts.tokens[1][5] ^= 1
        parts.changes[0], parts.changes[1] = parts.changes[1], parts.changes[0]
        found = verify_distributed.verdict(parts.write(path), model, pool)
        assert found.startswith(f"{path}: the border at position ")


def test_verify_distributed_on_a_cluster(model, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs libtvm[distributed]")
    path = tmp_path / "a.trace"
    count = _recorded(model, path)
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            local_directory=str(tmp_path),
            silence_logs=50,
        ) as cluster,
        verify_distributed.workers(cluster.scheduler_address) as pool,
    ):
        assert f"all {count:,} positions" in verify_distributed.verdict(path, model, pool)


def test_attention_distances(model):
    run = model.generate(pyvm.compile("hello"))
    found = attention_distances.distances(run)
    assert len(found) > 5
    assert all((back >= 0).all() and back.size == run.generated.size for back in found.values())
    assert any((back > 1_000).any() for back in found.values())  # to the prompt, for instructions
    assert all(np.issubdtype(back.dtype, np.integer) for back in found.values())


def test_time_program(capsys):
    time_program.main(limit=300)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(time_program.PATHS)
