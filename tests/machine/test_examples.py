"""The worked examples compute what a few lines of Python do, on every path."""

from __future__ import annotations

import random
import textwrap
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "highspy", reason="machines are laid out by highspy: pip install 'libtvm[schedule]'"
)

from pyvm.engine.model import Model
from pyvm.machine import Machine
from pyvm.machine.examples import brainfuck
from pyvm.machine.examples.brackets import PAIRS, brackets
from pyvm.machine.examples.parity import parity


@lru_cache
def built(make) -> tuple[Machine, Model]:
    machine = make()
    return machine, machine.build()


def generated(make, prompt: list[str], limit: int = 20_000) -> list[str]:
    """What all paths generate."""
    machine, model = built(make)
    assert model.why_no_plan == ""
    ids = machine.encode(prompt)
    runs = [model.generate(ids, limit=limit, path=path) for path in ("plan", "layers")]
    assert list(runs[0].tokens) == list(runs[1].tokens)
    assert model.verify(runs[0].tokens, first=len(ids)).ok
    return [model.vocabulary[token] for token in runs[0].generated]


def test_parity():
    rng = random.Random(1)
    for length in (0, 1, 2, 3, 10, 200):
        bits = [rng.randrange(2) for _ in range(length)]
        prompt = [*map(str, bits), "="]
        expected = [("even", "odd")[sum(bits[: i + 1]) % 2] for i in range(length)] + ["end"]
        assert generated(parity, prompt) == expected
        assert length > 10 or parity().evaluate(prompt) == expected


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]):
    parity().build()
    assert capfd.readouterr() == ("", "")


def matched(text: str) -> bool:
    pairs = ["".join(pair) for pair in PAIRS]
    while any(pair in text for pair in pairs):
        for pair in pairs:
            text = text.replace(pair, "")
    return text == ""


def test_brackets():
    rng = random.Random(2)
    answers = set()
    texts = ["", ")", "(", ")(", "([)]", "([]{})", "]" * 5 + "[" * 5]
    for _ in range(60):
        text = "".join(rng.choices("()[]{}", k=rng.randrange(9)))
        if rng.random() < 0.5:  # a longer one that is right, or wrong in one place
            for _ in range(rng.randrange(20)):
                at, pair = rng.randrange(len(text) + 1), rng.choice(PAIRS)
                text = text[:at] + "".join(pair) + text[at:]
        texts.append(text)
    for text in texts:
        answer = "yes" if matched(text) else "no"
        answers.add(answer)
        assert generated(brackets, [*text, "?"]) == [answer, "end"], text
        assert len(text) > 9 or brackets().evaluate([*text, "?"]) == [answer, "end"], text
    assert len(answers) == 2


def interpreted(code: str, data: bytes, steps: int) -> tuple[list[str], bytes]:
    """Brainfuck in Python: the tokens of its first steps, and what it writes."""
    partner, opened = {}, []
    for at, letter in enumerate(code):
        if letter == "[":
            opened.append(at)
        elif letter == "]":
            partner[at] = opened.pop()
            partner[partner[at]] = at
    tape: dict[int, int] = {}
    cell = at = taken = 0
    tokens, written = [], []
    while len(tokens) < steps:
        if at == len(code):
            tokens.append("halt")
            break
        letter, byte = code[at], tape.get(cell, 0)
        at += 1
        if letter in "><":
            cell += 1 if letter == ">" else -1
            tokens.append("right" if letter == ">" else "left")
        elif letter in "+-":
            tape[cell] = (byte + (1 if letter == "+" else -1)) % 256
            tokens.append(f"cell-{tape[cell]}")
        elif letter == ".":
            written.append(byte)
            tokens.append(f"out-{byte}")
        elif letter == ",":
            tape[cell] = data[taken] if taken < len(data) else 0
            taken += 1
            tokens.append(f"in-{tape[cell]}")
        elif (letter == "[") == (byte == 0):
            at = partner[at - 1] + 1
            tokens.append(f"goto-{at}")
        else:
            tokens.append("on")
    return tokens, bytes(written)


def random_code(rng: random.Random, depth: int = 0) -> str:
    parts = []
    for _ in range(rng.randrange(1, 7)):
        if depth < 3 and rng.random() < 0.25:
            parts.append(f"[{random_code(rng, depth + 1)}-]")
        else:
            parts.append(rng.choice("><++-.,") * rng.randrange(1, 3))
    return "".join(parts)


def test_brainfuck():
    multiply = ",>,<[>[>+>+<<-]>>[<<+>>-]<<<-]>>."  # the product of two bytes
    programs = [(multiply, bytes([9, 13])), ("", b""), ("-.<+++[>,.<-]", b"ab"), (",[.,]", b"echo")]
    rng = random.Random(3)
    programs += [(random_code(rng), rng.randbytes(rng.randrange(4))) for _ in range(40)]
    for code, data in programs:
        expected, written = interpreted(code, data, 2_000)
        prompt = brainfuck.prompt(code + " a comment", data)
        found = generated(brainfuck.brainfuck, prompt, limit=2_000)
        assert found == expected, (code, data)
        assert brainfuck.output(found) == written
    assert interpreted(multiply, bytes([9, 13]), 9_999)[1] == bytes([117])


def test_brainfuck_is_evaluated():
    prompt = brainfuck.prompt(",[.-]", b"\3")
    assert brainfuck.brainfuck().evaluate(prompt) == interpreted(",[.-]", b"\3", 99)[0]


@pytest.mark.parametrize("code", ["[", "]", "][", "[[]"])
def test_brainfuck_refuses(code: str):
    with pytest.raises(ValueError, match="do not match"):
        brainfuck.prompt(code)
    with pytest.raises(ValueError, match="1025 instructions"):
        brainfuck.prompt("+" * 1025)


def test_it_can_be_explained():
    machine, model = built(parity)
    found = model.explain(model.generate(machine.encode(["1", "="])).tokens)
    assert found["neurons_used"] == 1
    assert model.metadata["neurons"] == [[], ["both -> both"]]


def test_the_page_says_what_is_so():
    """README's code runs; the sizes on the pages are those of the models."""
    pages = Path(brainfuck.__file__).parent
    text = (pages.parent / "README.md").read_text(encoding="utf-8")
    (code,) = (block for block in text.split("\n\n") if "import Machine" in block)
    lines = text[text.index(code) :].split("## The language")[0]
    found: dict[str, Any] = {}
    exec(textwrap.dedent(lines), found)
    words = [found["model"].vocabulary[token] for token in found["run"].generated]
    assert words == ["odd", "odd", "even", "end"]
    sizes = {
        "parity": "two layers, a residual stream of ten numbers, five heads a layer and one neuron",
        "brackets": "six layers, a residual stream of twelve numbers",
        "brainfuck": "six layers with a residual stream of 28 numbers, 14 heads and 7 neurons",
    }
    for make in (parity, brackets, brainfuck.brainfuck):
        model = built(make)[1]
        page = (pages / f"{make.__name__}.md").read_text(encoding="utf-8")
        assert sizes[make.__name__] in " ".join(page.split())
        shape = {"parity": (2, 10, 5, 1), "brackets": (6, 12, 6), "brainfuck": (6, 28, 14, 7)}
        expected = shape[make.__name__]
        assert (model.layers, model.width, model.heads, model.neurons)[: len(expected)] == expected
