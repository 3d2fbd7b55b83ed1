"""pyvm verify, and Check.complete: a trace that was cut, or goes on, is no whole run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from command import pyvm
from pyvm.compiler.compile import compile_file
from pyvm.engine.model import Model


@pytest.fixture(scope="module")
def run(model):
    return model.generate(compile_file("hello"))


@pytest.mark.parametrize("options", [{"path": "plan"}, {"path": "layers"}])
def test_only_a_whole_run_is_complete(model, run, options):
    tokens, halt = run.tokens, run.tokens[-1]
    assert "halt" in [model.vocabulary[t] for t in run.tokens[: run.prompt_length]]  # an opcode
    check = model.verify(tokens, **options)
    assert check.ok and check.complete
    for cut in (run.prompt_length + 1, tokens.size // 2, tokens.size - 1):
        check = model.verify(tokens[:cut], **options)
        assert check.ok and not check.complete, cut
    for more in (1, 2):
        check = model.verify(np.append(tokens, [halt] * more), **options)
        assert not check.complete, more
    assert model.verify(tokens, first=run.prompt_length + 3, **options).complete
    assert model.verify(tokens, first=1, **options).complete  # the prompt's halts do not count


def test_a_model_of_no_program_stops_too(model_file):
    """Without the token language the run begins where the caller says."""
    names = tuple(f"t{i}" for i in range(len(model_file.vocabulary)))
    with Model(replace(model_file, vocabulary=names).to_bytes()) as plain:
        tokens = [plain.stop, 5, 6, plain.stop]
        assert plain.verify(tokens, first=1).complete
        assert not plain.verify(tokens[:3], first=1).complete


def test_the_command_says_which(tmp_path):
    whole, cut, longer = (tmp_path / f"{name}.txt" for name in ("whole", "cut", "longer"))
    assert pyvm("trace", "hello", "--tokens", "-o", whole).returncode == 0
    words = whole.read_text().split()
    cut.write_text(" ".join(words[:-1]))
    longer.write_text(" ".join([*words, "halt"]))

    def verdict(*arguments):
        done = pyvm("verify", *arguments)
        return done.returncode, done.stderr.decode().split(": ", 1)[1]

    code, said = verdict(whole)
    assert code == 0 and said.startswith("ok, complete, ")
    code, said = verdict(cut)
    assert code == 1 and said.startswith("ok, incomplete: no halt at the end, ")
    code, said = verdict(cut, "--partial")
    assert code == 0 and said.startswith("ok, incomplete: no halt at the end, ")
    for options in ((), ("--partial",)):  # nothing of a run comes after its halt
        code, said = verdict(longer, *options)
        assert code == 1 and f"tokens after the halt at position {len(words) - 1}" in said
    assert verdict(cut, whole)[0] == 1
