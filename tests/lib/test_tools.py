"""Synthetic models: reproducible, as sparse as asked, and the same tokens by every projection."""

import sys
from pathlib import Path

import numpy as np
import pytest

from pyvm.engine.library import build_info
from pyvm.engine.model import Model
from pyvm.weights.model_file import ModelFile

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from make_synthetic_model import synthetic_model  # noqa: E402

SIZES = {"vocabulary": 40, "width": 20, "layers": 3, "heads": 6, "neurons": 24}


def test_same_arguments_same_bytes():
    assert synthetic_model(**SIZES, sparsity=0.5, seed=3) == synthetic_model(
        **SIZES, sparsity=0.5, seed=3
    )
    assert synthetic_model(**SIZES, sparsity=0.5, seed=3) != synthetic_model(
        **SIZES, sparsity=0.5, seed=4
    )


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 1.0])
def test_sparsity_is_as_asked(sparsity):
    model = ModelFile.from_bytes(synthetic_model(**SIZES, sparsity=sparsity, seed=1))
    weights = np.concatenate([layer.w_in[:, 3:].ravel() for layer in model.layers])
    assert abs((weights == 0).mean() - sparsity) < 0.05


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_all_projections_agree(sparsity):
    projections = ["dense", "sparse"] + (["blas"] if build_info()["blas"] else [])
    with Model(synthetic_model(**SIZES, sparsity=sparsity, seed=2)) as model:
        runs = [
            model.generate(np.arange(5, dtype=np.int32), limit=300, path="layers", projection=name)
            for name in projections
        ]
    for run in runs[1:]:
        assert np.array_equal(run.tokens, runs[0].tokens)


@pytest.mark.parametrize("wrong", [{"heads": 11}, {"width": 7}, {"sparsity": 1.5}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError):
        synthetic_model(**{**SIZES, "sparsity": 0.0, "seed": 0, **wrong})
