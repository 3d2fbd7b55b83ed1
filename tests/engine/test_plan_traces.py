"""Sequences that no program makes: what the plan predicts after every token is what the network as
written predicts (dense projections, attention by scan, no bypass), as far as both are exact."""

from __future__ import annotations

import numpy as np
import pytest

from cases import CASES
from plan_checks import AS_WRITTEN, agreeing, predictions
from pyvm.engine.executor import execute
from pyvm.engine.model import Model

RUNS = {case.name: execute(case.prompt) for case in CASES}
LONG = sorted(RUNS, key=lambda name: len(RUNS[name].tokens))[-8:]
LENGTH = 700


def spliced(tokens: np.ndarray, at: int, piece: list[int], over: bool) -> np.ndarray:
    return np.concatenate((tokens[:at], piece, tokens[at + (len(piece) if over else 0) :]))


class Damage:
    """Ways to spoil a trace; each takes tokens and where its prompt ends."""

    def __init__(self, model: Model, seed: int):
        self.random = np.random.default_rng(seed)
        self.id = {word: i for i, word in enumerate(model.vocabulary)}
        self.commits = [i for word, i in self.id.items() if word.startswith("commit(")]

    def _place(self, low: int, high: int) -> int:
        return int(self.random.integers(low, max(low + 1, high)))

    def _bytes(self, count: int, marks: int = 512) -> list[int]:
        return [int(b) for b in self.random.integers(0, marks, size=count)]

    def any_tokens(self, tokens, prompt):
        tokens = tokens.copy()
        tokens[self.random.integers(1, len(tokens), size=6)] = self.random.integers(0, 915, size=6)
        return tokens

    def tokens_of_the_prompt(self, tokens, prompt):
        tokens = tokens.copy()
        tokens[self.random.integers(0, prompt, size=4)] = self.random.integers(0, 915, size=4)
        return tokens

    def first_token(self, tokens, prompt):
        tokens = tokens.copy()
        tokens[0] = self.random.integers(0, 915)
        return tokens

    def unknown_opcodes(self, tokens, prompt):
        tokens = tokens.copy()
        for i in self.random.integers(0, max(1, (prompt - 2) // 5), size=3):
            tokens[5 * i + 1] = self.random.choice([*self.commits, *self._bytes(8)])
        return tokens

    def runs_of_bytes(self, tokens, prompt):
        for count in (3, 9, 40, 300):
            at = self._place(prompt, len(tokens))
            tokens = spliced(tokens, at, self._bytes(count), over=False)[:LENGTH]
        return tokens

    def missing_bytes(self, tokens, prompt):
        for _ in range(6):
            at = self._place(prompt, len(tokens) - 3)
            tokens = np.delete(tokens, slice(at, at + self._place(1, 3)))
        return tokens

    def unbalanced_stacks(self, tokens, prompt):
        """Far below an empty stack, and up again."""
        kind = [self.id[f"commit({n},sts={s},bt=0)"] for n, s in (("-2", 0), ("-1", 1), ("+1", 1))]
        for _ in range(3):
            piece = [kind[self._place(0, 3)]] * self._place(1, 60)
            tokens = spliced(tokens, self._place(prompt, len(tokens)), piece, over=False)
        return tokens[:LENGTH]

    def jumps_out_of_the_program(self, tokens, prompt):
        for end in ("commit(+0,sts=0,bt=1)", "call_commit", "return_commit"):
            piece = [self.id["branch_taken"], *self._bytes(4, 256), self.id[end]]
            if self._place(0, 2):
                piece[3:5] = [0, 0]  # near
            tokens = spliced(tokens, self._place(prompt, len(tokens)), piece, over=False)
        return tokens[:LENGTH]

    def one_word_for_ever(self, tokens, prompt):
        words = ("}", "{", "halt", "branch_taken", "call_commit", "return_commit", "out(41)", "ff'")
        word = words[self._place(0, len(words))]
        at = self._place(1, len(tokens))
        return np.concatenate((tokens[:at], [self.id.get(word, 65)] * 200))[-LENGTH:]

    def another_trace(self, tokens, prompt):
        other = RUNS[LONG[self._place(0, len(LONG))]].tokens
        at = self._place(1, len(tokens))
        return np.concatenate((tokens[:at], other))[:LENGTH]

    def no_program_at_all(self, tokens, prompt):
        return self.random.integers(0, 915, size=120)


KINDS = [name for name in vars(Damage) if not name.startswith("_")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_prediction_of_a_damaged_trace(model, kind):
    compared = 0
    for seed, name in enumerate(LONG):
        run = RUNS[name]
        damage = Damage(model, 100 * KINDS.index(kind) + seed)
        prompt = min(run.prompt_length, LENGTH - 9)
        tokens = getattr(damage, kind)(run.tokens[:LENGTH].copy(), prompt)
        compared += agreeing(model, tokens.astype(np.int32))
    assert compared > (50 if kind in ("first_token", "no_program_at_all") else 1000)


@pytest.mark.parametrize("name", LONG[-3:])
def test_a_window_in_a_damaged_trace(model, name):
    """What comes before the window is read by other tapes than what is checked."""
    damage = Damage(model, len(name))
    tokens = damage.runs_of_bytes(RUNS[name].tokens[:LENGTH].copy(), 1).astype(np.int32)
    whole = predictions(model, tokens, path="plan")
    assert len(whole) == len(tokens) - 1
    for first in damage.random.integers(1, len(tokens), size=12):
        check = model.verify(tokens, first=int(first), predicted=True, path="plan")
        assert np.array_equal(check.predictions, whole[first - 1 :])


@pytest.mark.parametrize("name", LONG[-3:])
def test_generation_from_the_midst_of_a_damaged_trace(model, name):
    damage = Damage(model, 7)
    tokens = damage.unbalanced_stacks(RUNS[name].tokens[:LENGTH].copy(), 40).astype(np.int32)
    for end in (50, 200, len(tokens)):
        by_plan = model.generate(tokens[:end], limit=150, path="plan").tokens
        assert np.array_equal(by_plan, model.generate(tokens[:end], limit=150, **AS_WRITTEN).tokens)
