"""The layer path on the bundled programs: every projection, every bypass, sequential and batched.

Every combination of options is tried on short programs in test_levels.py; the full traces are
left to tools/check_variants.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import pyvm
from pyvm.bundled import PROGRAMS
from pyvm.engine.abi import BYPASSES, PROJECTIONS
from pyvm.engine.errors import UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.library import build_info
from pyvm.engine.model import Model

GENERATED = 1500  # tokens: the prompt is up to ten times as long, and read in chunks
VARIANTS = [
    *((projection, "none") for projection in PROJECTIONS if projection != "auto"),
    *((projection, "all") for projection in PROJECTIONS),
    *(("sparse", bypass) for bypass in ("passthrough", "gather")),
]


def test_the_variants_name_every_option():
    assert {projection for projection, _ in VARIANTS} == set(PROJECTIONS)
    assert {bypass for _, bypass in VARIANTS} == set(BYPASSES)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_variant_gives_the_tokens_of_the_executor(name, model):
    native = execute(pyvm.compile(name), limit=GENERATED)
    tokens, prompt = native.tokens, native.prompt_length
    for projection, bypass in VARIANTS:
        options = {"path": "layers", "projection": projection, "bypass": bypass}
        try:
            run = model.generate(tokens[:prompt], limit=GENERATED, threads=1, **options)
        except UnsupportedError:
            assert projection == "blas" and not build_info()["blas"]
            continue
        assert np.array_equal(run.tokens, tokens), options
        check = model.verify(tokens, first=prompt, threads=2, **options)
        assert check.ok and check.checked == native.generated.size, options
        assert run.exact and check.exact, options


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 129, 1000])
def test_sizes_and_threads_change_nothing(model, size, threads):
    """Chunks and tiles may be ragged, and there may be fewer chunks than threads."""
    tokens = execute(pyvm.compile("hello")).tokens[:size]
    first = max(1, size // 2)
    check = model.verify(tokens, first, predicted=True, path="layers", threads=threads)
    plan = model.verify(tokens, first, predicted=True, path="plan")
    assert np.array_equal(check.predictions, plan.predictions)
    assert check.checked == size - first


def test_phases_are_timed(model):
    """Generation times a sample of its positions: the phases add up to no more than the whole."""
    program = pyvm.compile("hello")
    run = model.generate(program, path="layers", projection="dense", threads=1)
    check = model.verify(run.tokens, path="layers", projection="dense", threads=1)
    for timings in (run.timings, check.timings):
        phases = timings.projection + timings.attention + timings.output
        assert timings.projection > 0 and timings.attention > 0 and timings.output > 0
        assert phases <= timings.seconds
    assert model.verify(run.tokens, path="plan").timings.projection == 0


def test_a_run_that_cannot_promise_its_tokens_says_so():
    """Random weights make sums that are rounded: BLAS adds them in an order of its own."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
    from make_synthetic_model import synthetic_model

    with Model(synthetic_model(40, 20, 2, 5, 16, sparsity=0.5, seed=1)) as random:
        for projection in (
            ("dense", "sparse", "blas") if build_info()["blas"] else ("dense", "sparse")
        ):
            options = {"path": "layers", "projection": projection}
            run = random.generate([1, 2, 3], limit=50, **options)
            check = random.verify(run.tokens, **options)
            assert run.exact == check.exact == (projection != "blas"), projection
