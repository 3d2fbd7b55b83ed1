"""pyvm.engine.run: where a run ended and why, found out when somebody asks."""

from __future__ import annotations

import pickle

import pyvm
import pyvm.engine.prompt as prompts


def test_nobody_counts_the_rows_of_a_run_before_its_end_is_asked_for(model, monkeypatch):
    """It reads every token: they add up."""
    counted = []
    real = prompts.Follower
    monkeypatch.setattr(prompts, "Follower", lambda *a: counted.append(1) or real(*a))
    done = model.generate(pyvm.compile("collatz", input="7"))
    assert done.stopped == "halt" and not counted
    assert done.cursor is not None and done.trap is None and done.ok
    assert len(counted) == 1  # once for both


def test_a_run_can_be_pickled_before_and_after_its_end_is_asked_for(model):
    done = model.generate(pyvm.compile("collatz", input="7"))
    before = pickle.loads(pickle.dumps(done))
    assert before.cursor == done.cursor
    assert pickle.loads(pickle.dumps(done)).cursor == done.cursor
