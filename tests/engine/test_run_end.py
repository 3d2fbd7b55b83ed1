"""pyvm.engine.run: where a run ended and why, found out when somebody asks."""

from __future__ import annotations

import gc
import pickle
import weakref

import pyvm
import pyvm.engine.prompt as prompts
from pyvm.engine.collector import Collector
from pyvm.engine.sequence import Sequence


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


def test_a_run_that_is_over_leaves_nothing_to_the_garbage_collector(model):
    """Which comes seldom where few objects are made: memory would grow with the trace."""
    program = pyvm.compile("hello")
    gc.disable()
    try:
        collector = Collector(program.tokens(), lambda tokens: None)
        with collector:
            pass
        left = weakref.ref(collector)
        del collector
        assert left() is None
        with Sequence(model, program.tokens()) as run:
            left = weakref.ref(run.generate(100).base)
        assert left() is None
    finally:
        gc.enable()
