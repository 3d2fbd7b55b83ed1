"""pyvm.engine.model: opening, options, callbacks, limits, arrays, closing."""

from __future__ import annotations

import gc
import os
import signal
import threading
import weakref

import numpy as np
import pytest

import pyvm
from cases import BY_NAME, prompt
from pyvm.engine.errors import ArgumentError, ClosedError, FileError, ModelError, PyvmError
from pyvm.engine.model import Model
from pyvm.isa.tokens import TOKEN_ID, VOCABULARY

LOOP = BY_NAME["loop"]
ENDLESS = prompt("loop:\nbr @loop")


def test_sizes_and_vocabulary(model, model_file):
    assert model.vocabulary == VOCABULARY
    assert (model.vocabulary_size, model.width) == model_file.embedding.shape
    assert model.layers == len(model_file.layers)
    assert model.heads == model.width // 2
    assert model.stop == TOKEN_ID["halt"]
    assert model.kinds_stored
    assert model.metadata["builder"] == "pyvm"


def test_head_types(model, model_file):
    assert model.head_types.shape == (model.layers, model.heads)
    assert model.head_types.dtype == np.int32
    stored = model_file.head_kind
    # Averages and unused heads are lookups in the file.
    assert np.array_equal(model.head_types == 2, stored == 2)
    assert (model.head_types == 3).any()
    with pytest.raises(ValueError):
        model.head_types[0, 0] = 1


def test_limit(model):
    run = model.generate(LOOP.prompt, limit=5)
    assert run.stopped == "limit"
    assert run.generated.size == 5
    assert run.trap is None and not run.ok


def test_callback_sees_every_token_once(model):
    seen = []
    run = model.generate(LOOP.prompt, on_tokens=seen.append)
    assert np.array_equal(np.concatenate(seen), run.generated)


def test_callback_can_stop(model):
    seen = []

    def stop_at_the_third(tokens):
        seen.append(len(tokens))
        return len(seen) == 3

    run = model.generate(ENDLESS, on_tokens=stop_at_the_third)
    assert run.stopped == "callback"
    assert run.generated.size == sum(seen)
    assert run.trap is None and not run.ok


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_what_a_callback_raises_comes_out(model, error):
    def fail(tokens):
        raise error

    with pytest.raises(type(error)) as caught:
        model.generate(LOOP.prompt, on_tokens=fail)
    assert caught.value is error
    assert model.generate(LOOP.prompt).ok  # nothing is left behind


def test_trap_is_no_success(model):
    run = model.generate(BY_NAME["trap"].prompt)
    assert run.stopped == "halt"
    assert run.trap is not None and "division by zero" in str(run.trap)
    assert not run.ok
    assert run.output == b"!"


def test_verify_finds_the_first_mismatch(model):
    run = model.generate(LOOP.prompt)
    tokens = run.tokens.copy()
    position = run.prompt_length + 20
    tokens[position] = TOKEN_ID["out(?)"]
    check = model.verify(tokens, first=run.prompt_length)
    assert not check
    assert check.first_mismatch == position
    assert check.expected == TOKEN_ID["out(?)"]
    assert check.predicted == run.tokens[position]


def test_verify_begins_behind_the_prompt(model):
    for case in (LOOP, next(case for case in BY_NAME.values() if case.input)):
        run = model.generate(case.prompt)
        check = model.verify(run.tokens)
        assert check.ok and check.checked == run.generated.size
        with pytest.raises(ArgumentError, match="nothing to verify"):
            model.verify(case.prompt)


def test_tokens_that_are_not_kept_were_seen(model):
    whole = model.generate(LOOP.prompt)
    seen = []
    run = model.generate(LOOP.prompt, on_tokens=seen.append, keep=False)
    assert np.array_equal(np.concatenate(seen), whole.generated)
    assert np.array_equal(run.tokens, LOOP.prompt)
    assert run.stopped == "halt" and run.cursor is None and run.trap is None


def test_explain(model):
    plan = model.explain()
    assert plan["certificate"]["tokens"] == 2**38
    low, high = plan["certificate"]["keys"]
    assert low < 0 < 2**32 < high  # all addresses, and locals at any call depth
    kinds = [node["kind"] for node in plan["nodes"] if node["live"]]
    assert {"index", "sum", "lookup", "found", "product", "step"} <= set(kinds)
    assert len(plan["stores"]) == 6 and len(plan["features"]) == 5
    assert "tapes" not in plan
    run = model.generate(LOOP.prompt)
    tapes = model.explain(run.tokens)["tapes"]
    assert len(tapes) > 20
    assert any("running" in node["is"] for node in plan["nodes"])
    assert all(tape["ops"][-1].startswith(("predict", "branch")) for tape in tapes)


def test_verify_window(model):
    run = model.generate(LOOP.prompt)
    first, last = run.prompt_length + 3, run.prompt_length + 8
    check = model.verify(run.tokens, first, last, predicted=True)
    assert check.ok and check.checked == 5
    assert np.array_equal(check.predictions, run.tokens[first:last])


@pytest.mark.parametrize("first, last", [(0, 5), (6, 5), (1, 10**6), (-1, 5), (1.5, 5)])
def test_verify_refuses_a_window_that_does_not_fit(model, first, last):
    with pytest.raises(ArgumentError):
        model.verify(LOOP.prompt, first, last)


@pytest.mark.parametrize(
    "tokens, words",
    [
        (LOOP.prompt.astype(float), "integers"),
        (LOOP.prompt.astype(bool), "integers"),
        (LOOP.prompt.astype(object), "integers"),
        (np.empty(0), "integers"),
        (np.array([2**31]), "32-bit"),
        (np.array([2**63], dtype=np.uint64), "32-bit"),
        (LOOP.prompt.reshape(1, -1), "one-dimensional"),
        ("{ halt", "parse"),
        ([1, 2.5], "integers"),
        ([2**40], "32-bit"),
        ([], "prompt"),
        ([10**6], "10000"),
        ([-1], "-1"),
    ],
)
def test_wrong_tokens_are_refused(model, tokens, words):
    with pytest.raises(ArgumentError, match=words):
        model.generate(tokens, limit=1)


@pytest.mark.parametrize(
    "options",
    [
        {"path": "fast"},
        {"projection": "cuda"},
        {"attention": "flash"},
        {"bypass": None},
        {"threads": -1},
        {"threads": 2**40},
    ],
)
def test_wrong_options_are_refused(model, options):
    with pytest.raises(ArgumentError):
        model.generate(LOOP.prompt, **options)


def test_closed(model_bytes):
    with Model(model_bytes) as model:
        assert model.generate(LOOP.prompt).ok
    model.close()
    for use in (lambda: model.generate(LOOP.prompt), lambda: model.head_types):
        with pytest.raises(ClosedError, match="already closed"):
            use()


def test_close_during_a_run_is_refused(model_bytes):
    with Model(model_bytes) as model:
        with pytest.raises(ArgumentError, match="during a run"):
            model.generate(LOOP.prompt, on_tokens=lambda tokens: model.close())


def test_a_forgotten_model_is_freed(model_bytes):
    model = Model(model_bytes)
    finalizer, reference = model._finalizer, weakref.ref(model)
    model.generate(LOOP.prompt)
    del model
    gc.collect()
    assert reference() is None
    assert not finalizer.alive


def test_threads_share_a_model(model):
    expected = model.generate(LOOP.prompt).tokens
    runs = []

    def work():
        runs.append(model.generate(LOOP.prompt).tokens)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 4
    assert all(np.array_equal(run, expected) for run in runs)


def test_load(model_path, tmp_path, monkeypatch):
    with pyvm.load(model_path) as model:
        assert model.vocabulary == VOCABULARY
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path))
    with pyvm.load() as model:
        assert model.vocabulary == VOCABULARY
    (kept,) = tmp_path.iterdir()
    data = kept.read_bytes()
    assert data == model_path.read_bytes()
    kept.write_bytes(data[:1000])  # a damaged cache is replaced
    with pyvm.load() as model:
        assert model.vocabulary == VOCABULARY
    assert kept.read_bytes() == data


def test_load_works_where_nothing_can_be_kept(tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("PYVM_CACHE", str(blocker / "below"))
    with pyvm.load() as model:
        assert model.vocabulary == VOCABULARY


def test_missing_file_and_directory(tmp_path):
    for path in (tmp_path / "missing.bin", tmp_path):
        with pytest.raises(FileError, match=path.name):
            Model(path)


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff" * 1000, b"\0" * 1000])
def test_not_a_model(data):
    with pytest.raises(ModelError):
        Model(data)


def test_every_error_is_a_pyvm_error():
    from pyvm.engine.errors import BY_STATUS

    assert len(set(BY_STATUS.values())) == len(BY_STATUS) == 8
    assert all(issubclass(error, PyvmError) for error in BY_STATUS.values())


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("on_tokens", [None, lambda tokens: None])
def test_interrupt(model, on_tokens, request):
    """Ctrl-C anywhere in an endless run ends it, and the caller sees KeyboardInterrupt."""
    # The tests may have been started by a background job, which ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        model.generate(ENDLESS, limit=200_000_000, on_tokens=on_tokens)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
