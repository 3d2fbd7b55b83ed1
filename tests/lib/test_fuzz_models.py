"""A share of tools/fuzz_models.py; that it sees a difference, and writes what shows it again."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import fuzz_models  # noqa: E402
from model_truth import Truth, truth  # noqa: E402


def test_a_share_of_the_models():
    checker = fuzz_models.Checker()
    for seed in range(2_000_000, 2_001_000):
        file, tokens = fuzz_models.model_of(seed)
        checker.check(file, tokens, random.Random(seed))
    assert checker.counts["runs"] > 3000
    assert checker.counts["planned"] > 80
    assert checker.counts["known"] > 100


def a_known_model():
    for seed in range(200):
        file, tokens = fuzz_models.model_of(seed)
        known = truth(file, tokens)
        if known is not None and known.fits_float64:
            return file, tokens, known
    raise AssertionError("no model's predictions are known")


def test_a_wrong_prediction_is_a_difference(monkeypatch, tmp_path, capsys):
    file, tokens, known = a_known_model()
    wrong = [None if p is None else (p + 1) % len(file.vocabulary) for p in known.predictions]
    monkeypatch.setattr(fuzz_models, "truth", lambda *_: Truth(wrong, True))
    with pytest.raises(fuzz_models.Difference) as error:
        fuzz_models.Checker().check(file, tokens, None)
    fuzz_models.report(tmp_path, "model-1", file, tokens, error.value)
    command = capsys.readouterr().out.splitlines()[1].split()
    done = subprocess.run(
        [sys.executable, str(TOOLS / "fuzz_models.py"), *command[1:]],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout == "no difference\n"  # here the truth is right


def test_a_seed_gives_the_same_model():
    for seed in (1, 2, 3, fuzz_models.LARGE - 1):
        (first, tokens), (again, same) = fuzz_models.model_of(seed), fuzz_models.model_of(seed)
        assert first.to_bytes() == again.to_bytes() and np.array_equal(tokens, same)
