"""Public calls with what they do not take: one clear TypeError or ValueError, at once."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pyvm
from cases import BY_NAME
from pyvm.compiler.compile import from_wasm
from pyvm.engine.errors import PyvmError
from pyvm.engine.executor import execute

LOOP = BY_NAME["loop"]


def wide(ids: np.ndarray) -> np.ndarray:
    """The ids as every other element of a wider array."""
    return np.repeat(ids, 2)[::2]


@pytest.mark.parametrize(
    "change",
    [
        lambda ids: ids.astype(np.int64),
        lambda ids: ids.astype(np.uint64),
        lambda ids: ids.astype(np.int16),
        lambda ids: ids.astype(">i4"),
        lambda ids: wide(ids),
        lambda ids: wide(ids.astype(np.int64)),
        lambda ids: ids[::-1].copy()[::-1],
        lambda ids: list(ids),
        lambda ids: tuple(int(i) for i in ids),
    ],
)
def test_integers_of_every_kind_are_tokens(model, change):
    run = model.generate(LOOP.prompt)
    prompt = change(LOOP.prompt)
    before = copy.deepcopy(prompt)
    assert np.array_equal(model.generate(prompt).tokens, run.tokens)
    assert np.array_equal(execute(prompt).tokens, run.tokens)
    assert model.verify(change(run.tokens)).ok
    assert model.explain(change(run.tokens))["tapes"]
    assert np.array_equal(prompt, before)


def test_an_array_that_fits_is_not_copied():
    from pyvm.engine.arrays import token_array

    ids = LOOP.prompt
    assert token_array(ids) is ids


@pytest.mark.parametrize(
    "tokens",
    [LOOP.prompt * 1.0, [1.5], [True], "{ halt", b"{", None, 7, {1: 2}, {1, 2}, ["{"], [[1]]],
)
def test_what_are_no_tokens_is_a_type_error(model, tokens):
    for call in (model.generate, model.verify, execute):
        with pytest.raises(TypeError, match="^tokens must be ") as caught:
            call(tokens)
        assert "\n" not in str(caught.value)
    if tokens is not None:
        with pytest.raises(TypeError, match="^tokens must be "):
            model.explain(tokens)


# (call, words of the message); the calls take the model.
WRONG = (
    (lambda m: m.generate(LOOP.prompt, foo=1), "^generate.*'foo'"),
    (lambda m: m.verify(LOOP.prompt, foo=1), "^verify.*'foo'"),
    (lambda m: m.generate(LOOP.prompt, limit=1.5), "limit"),
    (lambda m: m.generate(LOOP.prompt, limit="5"), "limit"),
    (lambda m: m.generate(LOOP.prompt, limit=None), "limit"),
    (lambda m: m.generate(LOOP.prompt, on_tokens=7), "on_tokens"),
    (lambda m: m.generate(LOOP.prompt, keep="no"), "keep"),
    (lambda m: m.generate(LOOP.prompt, path=["plan"]), "path"),
    (lambda m: m.generate(LOOP.prompt, path=1), "path"),
    (lambda m: m.generate(LOOP.prompt, threads="2"), "threads"),
    (lambda m: m.generate(LOOP.prompt, threads=2.0), "threads"),
    (lambda m: m.verify(LOOP.prompt, first="1"), "first"),
    (lambda m: m.verify(LOOP.prompt, last="9"), "last"),
    (lambda m: m.verify(LOOP.prompt, 1, 2.5), "last"),
    (lambda m: m.verify(LOOP.prompt, 1, predicted="all"), "predicted"),
    (lambda m: m.encode("halt"), "words"),
    (lambda m: m.encode([1, 2]), "words"),
    (lambda m: execute(LOOP.prompt, limit="5"), "limit"),
    (lambda m: pyvm.Model(None), "NoneType"),
    (lambda m: pyvm.load(7), "int"),
    (lambda m: pyvm.load(bytearray(b"x")), "bytearray"),
    (lambda m: pyvm.compile(7), "source"),
    (lambda m: pyvm.compile(None), "source"),
    (lambda m: pyvm.compile("collatz", input=7), "^input must be text or bytes, not 7$"),
    (lambda m: pyvm.compile("collatz", input=["7"]), "input"),
    (lambda m: pyvm.compile("collatz").with_input(7), "input"),
    (lambda m: pyvm.compile("collatz", entry=7), "entry"),
    (lambda m: pyvm.compile("collatz", args=7), "args"),
    (lambda m: pyvm.compile("collatz", args=("7",)), "args"),
    (lambda m: pyvm.compile("collatz", args=(True,)), "args"),
    (lambda m: pyvm.compile("collatz", machine=7), "machine must be the name"),
    (lambda m: from_wasm("module"), "bytes"),
)


@pytest.mark.parametrize("call, words", WRONG)
def test_a_wrong_type_is_a_clear_type_error(model, call, words):
    with pytest.raises(TypeError, match=words) as caught:
        call(model)
    assert "\n" not in str(caught.value)
    raised_in = Path(caught.traceback[-1].frame.code.path)
    assert Path(pyvm.__file__).parent in raised_in.parents, (
        "raised on purpose, not by what it was passed on to"
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.generate(LOOP.prompt, limit=-1),
        lambda m: m.generate(LOOP.prompt, limit=2**63),
        lambda m: m.verify(LOOP.prompt, 1, -1),
        lambda m: pyvm.Model("model.bin\0more"),
        lambda m: pyvm.load(Path("a\0b")),
    ],
)
def test_a_wrong_value_is_a_value_error(model, call):
    with pytest.raises(ValueError) as caught:
        call(model)
    assert isinstance(caught.value, PyvmError) and not isinstance(caught.value, TypeError)


def test_numbers_of_numpy_are_numbers(model):
    assert model.generate(LOOP.prompt, limit=np.int64(5)).generated.size == 5
    run = model.generate(LOOP.prompt)
    first = np.int32(run.prompt_length)
    assert model.verify(run.tokens, first, np.uint8(first + 5)).checked == 5
    assert model.generate(LOOP.prompt, threads=np.int64(1)).ok


@pytest.mark.parametrize("use", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_model_says_why_it_is_not_pickled(model, use):
    with pytest.raises(TypeError, match=r"Model cannot be pickled.*pass the file's path or its"):
        use(model)


def test_runs_checks_and_programs_are_pickled(model):
    program = pyvm.compile("collatz", input="7")
    run = model.generate(program)
    check = model.verify(run.tokens)
    again = pickle.loads(pickle.dumps((program, run, check)))
    assert again[0] == program and again[1].output == run.output and again[2] == check


def test_a_program_is_shown_in_one_short_line():
    text = repr(pyvm.compile("sudoku", input="8" * 10_000))
    assert text.startswith("<Program sudoku: ") and "instructions, input b'8888" in text
    assert len(text) < 100 and "\n" not in text
    assert repr(pyvm.compile("hello")).endswith(" instructions>")


def test_the_model_is_documented():
    for item in (pyvm.Model, *(getattr(pyvm.Model, name) for name in ("generate", "verify"))):
        assert item.__doc__ and len(item.__doc__) > 100
    assert pyvm.Model.__init__.__doc__


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS and /proc")
@pytest.mark.parametrize("path", ["plan", "layers", "executor"])
def test_a_run_that_stops_for_memory_says_how_far_it_came(path):
    code = f"""
import resource
import pyvm
from pyvm.engine.executor import execute
from cases import prompt
model = pyvm.load()
program = prompt("loop:\\ni32.const 65\\noutput\\nbr @loop")
run = execute if {path!r} == "executor" else lambda p: model.generate(p, path={path!r}, threads=1)
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + (32 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    run(program)
except MemoryError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=100,
    )
    words = done.stdout.split()
    assert words[0] == "OutOfMemory", done.stdout + done.stderr
    assert words[-2:] == ["generated", "tokens"] and int(words[-3].replace(",", "")) > 10_000
