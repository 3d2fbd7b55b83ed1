"""The worked examples as native code: `pyvm model compile` makes a kernel that their runs take."""

from __future__ import annotations

import shutil

import pytest

from command import failure
from command import pyvm as command
from pyvm.graph.primitives import Expr
from pyvm.machine import Machine, Token
from pyvm.machine.examples import brainfuck
from pyvm.machine.examples.brackets import brackets
from pyvm.machine.examples.parity import parity

pytest.importorskip("highspy", reason="needs highspy: pip install 'libtvm[schedule]'")
pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler"
)
MULTIPLY = ",>,<[>[>+>+<<-]>>[<<+>>-]<<<-]>>."
EXAMPLES = {
    "parity": (parity, [*"1001110" * 20, "="], [*"0110" * 30, "="]),
    "brackets": (brackets, [*"([{}])(" * 20, "?"], [*"[{}()]" * 20, "?"]),
    "brainfuck": (
        brainfuck.brainfuck,
        brainfuck.prompt(MULTIPLY, bytes([7, 5])),
        brainfuck.prompt(MULTIPLY, bytes([3, 11])),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_kernel_of_an_example(name, tmp_path, monkeypatch):
    """It has the tokens of the plan, the layers and the evaluator, on the prompt that it was made
    for and on another."""
    make, *prompts = EXAMPLES[name]
    machine = make()
    path, text = tmp_path / "model.bin", tmp_path / "prompt.txt"
    path.write_bytes(machine.model_file().to_bytes())
    text.write_text(" ".join(["begin", *prompts[0]]))
    monkeypatch.setenv("PYVM_CACHE", str(tmp_path / "cache"))
    done = command("model", "compile", path, "--prompt", text)
    assert done.returncode == 0, done.stderr
    assert b"running" in done.stderr and b"prompt.txt" in done.stderr
    with machine.build() as model:
        assert model.kernel is not None
        for prompt in prompts:
            ids = machine.encode(prompt)
            paths = ("kernel", "plan", "layers")
            runs = [model.generate(ids, limit=4_000, path=path) for path in paths]
            assert [list(run.tokens) for run in runs] == [list(runs[1].tokens)] * 3
            # The first block of positions is the interpreter's.
            assert runs[0].covered > runs[0].tokens.size - 90 > 0 == runs[1].covered
            made = [model.vocabulary[token] for token in runs[0].generated]
            assert made[:60] == machine.evaluate(prompt, limit=60)


def test_prompts_that_are_none(tmp_path):
    path, text = tmp_path / "model.bin", tmp_path / "prompt.txt"
    path.write_bytes(parity().model_file().to_bytes())
    text.write_text("begin 1 2 =")
    said = failure(command("model", "compile", path, "--prompt", text))
    assert f"{text}: token 2: '2' is not in the vocabulary" in said
    text.write_bytes(b"\xff")
    assert "is no text of tokens" in failure(command("model", "compile", path, "--prompt", text))
    assert "No such file" in failure(command("model", "compile", path, "--prompt", f"{text}2"))


def test_records_among_which_a_position_is_found_by_its_number():
    """The key is the position, and only some are looked at: no head that gathers."""
    m = Machine(
        [Token(f"t{i}", (0, i), value=i, odd=i % 2) for i in range(6)] + [Token("end", (1, 0))],
        stop="end",
    )
    square = m.square("position squared", m.position)
    (found,) = m.newest("odd", 1 * m["value"], m.position, square, m["odd"], found=m["value"])
    m.next(Expr(), found._expr())
    prompt = ["t1", "t2", "t3", "t3", "t4"]
    expected = m.evaluate(prompt, limit=3)
    assert expected == ["t3"] * 3
    with m.build() as model:
        for path in ("plan", "layers"):
            made = model.generate(m.encode(prompt), limit=3, path=path).generated
            assert [model.vocabulary[token] for token in made] == expected
