"""Runs at positions that only hours of running come to: the state is moved there.

The machine looks at distances and at the prompt, so that a run goes on there as it would here.
"""

from __future__ import annotations

import numpy as np
import pytest

import pyvm
from moved_borders import moved
from pyvm.engine.errors import LimitError
from pyvm.engine.sequence import Sequence

MOST = 1 << 38
BEFORE, BEHIND = 150_000, 20_000


@pytest.fixture(scope="module")
def here(model):
    """A prompt, what follows it, and the borders in the middle and at the end."""
    prompt = pyvm.compile("sudoku").tokens()
    with Sequence(model, prompt) as run:
        tokens = [prompt, run.generate(BEFORE)]
        middle = run.save()
        tokens.append(run.generate(BEHIND))
        return prompt, np.concatenate(tokens), middle, run.save()


@pytest.mark.parametrize("path", ["plan", "auto"])
@pytest.mark.parametrize("at", [1 << 31, 1 << 32, (1 << 37) + 12345])
def test_a_run_goes_on_beyond(model, here, at, path):
    """Across 2^31, 2^32, and far behind: tokens, verdict and border are those of the run here."""
    prompt, tokens, middle, last = here
    by = at - prompt.size - BEFORE - BEHIND // 2
    border = moved(model, middle, tokens, prompt.size, by)
    following = tokens[-BEHIND:]
    with Sequence(model, prompt, path=path) as run:
        run.restore(border)
        assert run.save() == border
        assert run.position == by + prompt.size + BEFORE - 1
        assert np.array_equal(run.generate(BEHIND), following)
        assert run.save() == moved(model, last, tokens, prompt.size, by)
        assert (run.covered > 0.9 * BEHIND) == (path == "auto" and model.kernel is not None)
    with Sequence(model, prompt, path=path) as run:
        run.restore(border)
        assert run.verify(following).ok
    wrong = following.copy()
    wrong[BEHIND // 2] ^= 1
    with Sequence(model, prompt, path=path) as run:
        run.restore(border)
        assert run.verify(wrong).first_mismatch == at


def test_changes_beyond(model, here):
    prompt, tokens, middle, last = here
    by = (1 << 36) + 7
    with Sequence(model, prompt) as run, Sequence(model, prompt) as other:
        border = moved(model, middle, tokens, prompt.size, by)
        run.restore(border)
        other.restore(border)
        since = run.position
        piece = run.generate(BEHIND)
        other.restore(run.save(since), piece)
        assert other.save() == run.save() == moved(model, last, tokens, prompt.size, by)


@pytest.mark.parametrize("path", ["plan", "auto"])
def test_positions_end(model, here, path):
    prompt, tokens, middle, _ = here
    by = MOST - 1000 - prompt.size - BEFORE
    with Sequence(model, prompt, path=path) as run:
        run.restore(moved(model, middle, tokens, prompt.size, by))
        assert np.array_equal(run.generate(1000), tokens[-BEHIND:][:1000])
        with pytest.raises(
            LimitError, match=f"position {MOST}: .* certified to be exact .2.38 tok"
        ):
            run.generate(1)
