"""Kernel, interpreter and the network as written give the same tokens and the same errors."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import pyvm
from cases import BY_NAME
from plan_checks import AS_WRITTEN, damaged, predictions
from pyvm.build import coverage
from pyvm.engine.errors import ArgumentError, FileError, ModelError, UnsupportedError
from pyvm.engine.executor import execute
from pyvm.engine.kernel import kernel_source, load_kernel
from pyvm.engine.model import Model
from pyvm.engine.sequence import Sequence

LIB = Path(__file__).resolve().parents[2] / "lib"
COMPILER = next(filter(None, map(shutil.which, ("g++", "clang++", "clang++-14"))), None)
FLAGS = "-std=c++20 -O1 -foptimize-sibling-calls -fPIC -fwrapv".split()
FLAGS += "-fvisibility=hidden -fno-exceptions -shared".split()
NAMES = ("hello", "products", "collatz")
FIRST_ENTERED = 16  # a kernel begins there or later (kernel/runtime.hpp)

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")


@pytest.fixture(scope="module")
def traces():
    """Products of 32 bits have many steps at once, and predictions that no table has."""
    rows = frozenset({"i32.const", "i32.mul", "i32.eqz", "drop"})
    products = next(p for p in coverage.programs(rows) if p.name.endswith(" i32.mul"))
    found = {}
    for name in NAMES:
        run = execute(products if name == "products" else pyvm.compile(name), limit=20_000)
        found[name] = (run.tokens, run.prompt_length)
    return found


@pytest.fixture(scope="module")
def kernel(model_bytes, traces, tmp_path_factory) -> Path:
    """Of the standard machine, made for what hello and products alone need."""
    folder = tmp_path_factory.mktemp("kernel")
    with Model(model_bytes) as model:
        for name, text in kernel_source(
            model, [traces["hello"], traces["products"]], parts=1
        ).items():
            (folder / name).write_text(text)
    sources = sorted(map(str, folder.glob("*.cpp")))
    made = folder / "kernel.so"
    subprocess.run(
        [str(COMPILER), *FLAGS, f"-I{LIB}", *sources, "-o", str(made)], check=True, timeout=300
    )
    return made


@pytest.fixture(scope="module")
def compiled(model_bytes, kernel):
    with Model(model_bytes) as model:
        load_kernel(model, kernel)
        yield model


def outcome(run):
    """What a call gives, or its error."""
    try:
        return run()
    except pyvm.PyvmError as error:
        return type(error), str(error)


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_generating(compiled, traces, name):
    tokens, prompt = traces[name]
    run = compiled.generate(tokens[:prompt], limit=len(tokens) - prompt, path="kernel")
    assert np.array_equal(run.tokens, tokens)
    # The prompt as well, which is read; all but a few positions at either end.
    assert run.covered >= (len(tokens) // 10 if name == "collatz" else len(tokens) - 100)
    assert compiled.generate(tokens[:prompt], limit=100, path="plan").covered == 0
    assert compiled.generate(tokens[:prompt], limit=100).covered > 0


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_it_stops_where_it_is_told(compiled, traces, name):
    """Though the kernel may write some tokens more, up to the last, which would end the run."""
    tokens, prompt = traces[name]
    tokens = tokens[: prompt + 3_000]
    last = len(tokens) - prompt
    for limit in (*range(1, 200, 3), *range(last - 90, last, 3), last - 1):
        run = compiled.generate(tokens[:prompt], limit=limit, path="kernel")
        assert np.array_equal(run.tokens, tokens[: prompt + limit]) and run.stopped == "limit"
        assert run.covered <= prompt + limit - 1 - FIRST_ENTERED


@needs_compiler
def test_a_long_run_goes_on_where_the_kernel_stands(compiled):
    """Its tokens are handed over 65,536 at a time; the kernel stands at any place in a position."""
    program = pyvm.compile("sudoku")
    assert compiled.generate(program, path="kernel").tokens.tobytes() == (
        compiled.generate(program, path="plan").tokens.tobytes()
    )


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_kept_runs_go_on_where_the_kernel_stands(compiled, traces, name):
    """In pieces that they write, are given, or pass by a border, as the plan does."""
    tokens, prompt = traces[name]
    random = np.random.default_rng(7)
    with (
        Sequence(compiled, tokens[:prompt], path="kernel") as kernel,
        Sequence(compiled, tokens[:prompt], path="plan") as plan,
    ):
        for _ in range(100):
            begin = plan.position
            piece = plan.generate(int(random.integers(1, 60)))
            match random.integers(4):
                case 0:
                    assert kernel.verify(piece).ok
                case 1:
                    kernel.restore(plan.save(begin), piece)
                case _:
                    assert np.array_equal(kernel.generate(len(piece)), piece)
            if plan.stopped == "halt":
                break
            assert kernel.save(begin) == plan.save(begin)
        assert kernel.covered > begin // (20 if name == "collatz" else 3)


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_verifying(compiled, traces, name):
    tokens, prompt = traces[name]
    for first in (1, prompt, prompt + 700, len(tokens) - 3):
        found = compiled.verify(tokens, first=first, path="kernel")
        expected = compiled.verify(tokens, first=first, path="plan")
        assert (found.ok, found.checked) == (expected.ok, expected.checked)
        assert found.first_mismatch == expected.first_mismatch
        assert found.predicted == expected.predicted
    assert found.covered > 0


@needs_compiler
@pytest.mark.parametrize("seed", range(60))
def test_damaged_traces(compiled, traces, seed):
    random = np.random.default_rng(seed)
    tokens, prompt = traces[NAMES[seed % 3]]
    tokens = tokens[: prompt + 3_000].copy()
    size = compiled.vocabulary_size
    for _ in range(int(random.integers(1, 6))):
        at = int(random.integers(1 if seed % 3 else prompt, len(tokens)))
        match random.integers(4):
            case 0:
                tokens[at] = random.integers(size)
            case 1:
                tokens = np.delete(tokens, slice(at, at + int(random.integers(1, 4))))
            case 2:
                tokens = np.insert(tokens, at, tokens[at - 1 : at + int(random.integers(1, 9))])
            case 3:
                tokens[at : at + 9] = random.integers(0, 512, size=len(tokens[at : at + 9]))

    def check(path, first, predicted):
        return outcome(lambda: verified(path, first, predicted))

    def verified(path, first, predicted):
        found = compiled.verify(tokens, first=first, predicted=predicted, path=path, threads=1)
        return (
            found.ok,
            found.checked,
            found.first_mismatch,
            found.predicted,
            (None if found.predictions is None else found.predictions.tolist()),
        )

    for first in (1, min(prompt, len(tokens) - 1), len(tokens) - 20):
        for predicted in (False, True):
            assert check("kernel", first, predicted) == check("plan", first, predicted)
    if seed < 4:  # the network as written is slow
        short = tokens[:600]
        written = predictions(compiled, short, **AS_WRITTEN)
        found = predictions(compiled, short, path="kernel")
        both = min(len(written), len(found))
        assert both > 100 and np.array_equal(written[:both], found[:both])
    start = tokens[: int(random.integers(prompt, len(tokens)))]
    expected = outcome(lambda: compiled.generate(start, limit=2_000, path="plan").tokens.tolist())
    found = outcome(lambda: compiled.generate(start, limit=2_000, path="kernel").tokens.tolist())
    assert found == expected


def test_columns_of_products_are_predicted_from_tables(model, traces):
    """Their carries are few; the sum that they are taken from is not."""
    tapes = model.explain(traces["products"][0])["tapes"]
    columns = [tape["ops"] for tape in tapes if "steps at once" in "".join(tape["ops"])]
    assert len(columns) == 4
    assert all(any(op.startswith("predict entry") for op in ops) for ops in columns)


@needs_compiler
def test_a_program_that_it_was_not_made_for(compiled):
    tokens = execute(BY_NAME["output"].prompt).tokens
    assert (
        compiled.verify(tokens, first=1, path="kernel").first_mismatch
        == compiled.verify(tokens, first=1, path="plan").first_mismatch
    )


@needs_compiler
def test_reading_a_prompt(compiled, traces):
    """What comes before the part that is verified; the prompts' classes of tokens follow each other
    in other ways in another program."""
    for name in NAMES:
        tokens, prompt = traces[name]
        found = compiled.verify(tokens[: prompt + 2], first=prompt, path="kernel")
        assert found.ok and found.checked == 2
        assert found.covered >= prompt - 100


@needs_compiler
def test_several_threads(compiled, traces):
    tokens, prompt = traces["collatz"]
    assert compiled.verify(tokens, first=prompt, path="kernel", threads=2).ok


@needs_compiler
def test_what_cannot_be_loaded(compiled, kernel, model_bytes, tmp_path):
    with pytest.raises(ArgumentError, match="has a kernel already"):
        load_kernel(compiled, kernel)
    with pyvm.load("base") as base, pytest.raises(UnsupportedError, match="for another model"):
        load_kernel(base, kernel)
    with Model(model_bytes) as model:
        with pytest.raises(UnsupportedError, match="no kernel of this model is loaded"):
            model.generate([0], limit=1, path="kernel")
        with pytest.raises(FileError, match="cannot be loaded"):
            load_kernel(model, tmp_path / "nothing.so")
        other = tmp_path / "other.so"
        source = tmp_path / "other.cpp"
        source.write_text("int nothing;")
        subprocess.run([str(COMPILER), *FLAGS, str(source), "-o", str(other)], check=True)
        with pytest.raises(UnsupportedError, match="this is no kernel"):
            load_kernel(model, other)


@needs_compiler
def test_damaged_models(kernel, model_file, traces):
    """A kernel is of one plan: other weights have another, or they decide nothing. What reads a
    token of the prompt, then one that is generated, goes the same way either way."""
    prompt = traces["hello"][0][: traces["hello"][1]]
    refused = taken = 0
    for seed in range(40):
        try:
            model = Model(damaged(model_file, seed).to_bytes())
        except ModelError:
            continue  # its head kinds are not what its weights say
        with model:
            try:
                load_kernel(model, kernel)
            except UnsupportedError:
                refused += 1
                continue
            taken += 1
            by = [outcome(partial(run, model, prompt, path)) for path in ("kernel", "plan")]
            assert by[0] == by[1], seed
    assert refused > 10 and taken > 0


def run(model: Model, prompt: np.ndarray, path: str) -> list[int]:
    return model.generate(prompt, limit=2_500, path=path).tokens.tolist()


def test_a_kernel_says_what_its_values_are(model, traces):
    files = kernel_source(model, [traces["hello"]], parts=1)
    said = dict(re.findall(r"^// n(\d+): (.*)$", files["kernel.hpp"], re.MULTILINE))
    assert said["29"] == "stack_depth, running sum of n8"
    blocks = "".join(text for name, text in files.items() if name.startswith("blocks"))
    values = set(re.findall(r"\bn(\d+)(?:_\d+)?\b", blocks))
    assert len(values) > 50 and values <= said.keys()


def test_traces_that_no_kernel_can_be_made_for(model, traces):
    tokens, prompt = traces["hello"]
    with pytest.raises(ArgumentError, match="begin with the same token"):
        kernel_source(model, [(tokens, prompt), (tokens[1:], prompt)])
    with pytest.raises(ArgumentError, match="prompt is not 1 to its count"):
        kernel_source(model, [(tokens, 0)])
    with pytest.raises(ArgumentError, match="parts"):
        kernel_source(model, [(tokens, prompt)], parts=0)
