#!/usr/bin/env python3
"""How far is the network exact as a framework runs it: float64, softmax attention?

    python tools/check_softmax.py [PROGRAM[:INPUT] ...] [--tokens 100000] [--stack-size 4096]
                                  [--recency log|linear] [--specialized] [--hard]
                                  [--model FILE]

Enters: bundled programs or files (default: every bundled program).  Leaves: a row for each: how
many positions of its trace give the native executor's tokens, by how much running sums were
rounded, the least distance of a head's best score from the next (with 746 or more all other
weights are exactly 0), and the least lead of a predicted token up to there (at least 1 where
nothing was rounded: tokens have integer coordinates); and of the first token that differs, why: the
head, its keys, their scores.  With --hard the pass is the one that has no rounding
(pyvm/engine/dense.py).  The exit status is 1 if a token differs.

Budget: every head scores all pairs of positions twice: n = 100,000 takes 10 to 20 minutes on one
core and 1 GB, n = 10,000 ten seconds; with --hard n = 30,000 takes two minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import note, table

import pyvm
from pyvm.bundled import PROGRAMS
from pyvm.engine.dense import AVERAGE, DenseNetwork
from pyvm.engine.executor import execute
from pyvm.engine.softmax import RECENCIES, UNDERFLOW, softmax_pass
from pyvm.isa.prompt import spelled_in
from pyvm.weights import ModelFile, machine_model, specialize
from pyvm.weights.model_file import PASSTHROUGH

SUMS = ("stack_depth", "call_depth", "cursor_sum")
SHARED = 1e-6  # the weight that a softmax may give to all keys but one
FLOAT = np.longdouble


@dataclass(frozen=True)
class Outcome:
    """What one trace gave; `differs` is a position, None where all tokens are the same."""

    differs: int | None
    rounding: float = 0
    gap: float = np.inf
    lead: float = 1
    cause: tuple[str, ...] = ()


def check_hard(model: ModelFile, tokens: np.ndarray, prompt: int) -> Outcome:
    """Every token after the prompt against the pass by hard attention in the longest floats."""
    network = DenseNetwork(model)
    for position, token in enumerate(tokens[:-1]):
        found, right = network.step(int(token)), int(tokens[position + 1])
        if position + 1 >= prompt and found != right:
            names = model.vocabulary
            said = f"token {position + 1}: {names[right]!r} is right, {names[found]!r} is predicted"
            return Outcome(position + 1, cause=(said,))
    return Outcome(None)


def check(model: ModelFile, tokens: np.ndarray, prompt: int, recency: str) -> Outcome:
    """Every token after the prompt against the pass by softmax."""
    done = softmax_pass(model, tokens[:-1], recency)
    right = tokens[prompt:]
    wrong = np.flatnonzero(done.predictions[prompt - 1 :] != right)
    differs = int(wrong[0]) + prompt if wrong.size else None
    exact = tokens.size if differs is None else differs
    off = _off(model, done.streams, 0, exact - 1)
    cause: tuple[str, ...] = ()
    if differs is not None:
        expected, found = (
            model.vocabulary[i] for i in (tokens[differs], done.predictions[differs - 1])
        )
        cause = (f"token {differs}: {expected!r} is right, {found!r} is predicted",
                 *_cause(model, done.streams, differs - 1))  # fmt: skip
    return Outcome(
        differs,
        max((off[name] for name in SUMS if name in off), default=0.0),
        _gap(model, done.streams, exact - 1),
        _lead(model, done.streams[-1][prompt - 1 : exact - 1]),
        cause,
    )


def _off(
    model: ModelFile, streams: tuple[np.ndarray, ...], begin: int, end: int
) -> dict[str, float]:
    """How far dimensions are from integers at positions, at most; by name, as the file has them."""
    off = {}
    for name, slot, first, last in (model.metadata or {}).get("slots", ()):
        layer = (first + 1) // 2  # the first one that begins with it
        if 2 * layer < last and name != "recency" and not name.startswith("mean "):
            there = streams[layer][begin:end, slot]
            off[name] = float(abs(there - np.rint(there)).max(initial=0))
    return off


def _chooses(model: ModelFile, layer: int, head: int) -> bool:
    """Whether a head adds what it finds at one position, by its score."""
    average = model.tie_break is not None and model.tie_break[layer, head] == AVERAGE
    own = model.head_kind is not None and model.head_kind[layer, head] == PASSTHROUGH
    adds = model.layers[layer].out[:, 2 * head : 2 * head + 2].any()
    return bool(adds) and not average and not own


def _gap(model: ModelFile, streams: tuple[np.ndarray, ...], end: int) -> float:
    """The least distance of a head's best score from the next, at the positions before `end`."""
    least = np.inf
    for i, layer in enumerate(model.layers):
        queries, keys, _ = (streams[i][:end] @ rows.T for rows in np.split(layer.qkv, 3))
        for head in range(layer.out.shape[1] // 2):
            if not _chooses(model, i, head):
                continue
            query, key = queries[:, 2 * head :][:, :2], keys[:, 2 * head :][:, :2]
            for first in range(0, end, 64):
                last = min(first + 64, end)
                scores = query[first:last, :1] * key[:last, 0]
                scores += query[first:last, 1:] * key[:last, 1]
                scores[:, first:][np.triu_indices(last - first, 1)] = -np.inf
                rows, best = np.arange(last - first), scores.argmax(axis=1)
                top = scores[rows, best]
                scores[rows, best] = -np.inf
                least = min(least, float((top - scores.max(axis=1)).min()))
    return least


def _lead(model: ModelFile, stream: np.ndarray) -> float:
    """The least distance of a largest logit from the next."""
    least = np.inf
    for rows in np.array_split(stream, max(1, len(stream) // 1024)):
        if len(rows):
            best = np.partition(rows @ model.head.T, -2, axis=1)
            least = min(least, float((best[:, -1] - best[:, -2]).min()))
    return least


def _cause(model: ModelFile, streams: tuple[np.ndarray, ...], position: int) -> Iterator[str]:
    """The first heads at this position that do not read the key that they would over the real
    numbers: the newest of those with the largest score, in numpy's longest floats.
    """
    names = (model.metadata or {}).get("heads")
    found: set[object] = set()
    for i, layer in enumerate(model.layers):
        query, key, _ = layer.qkv.reshape(3, -1, 2, layer.out.shape[0])
        x = streams[i][: position + 1]
        for head in range(len(query)):
            if not _chooses(model, i, head):
                continue
            scores = (x @ key[head].T) @ (query[head] @ x[-1])
            weights = np.exp(np.maximum(scores - scores.max(), UNDERFLOW))
            weights /= weights.sum()
            precise = x.astype(FLOAT)
            keys = precise @ key[head].astype(FLOAT).T
            asked = query[head].astype(FLOAT) @ precise[-1]
            exact = keys @ asked
            right = position - int(np.argmax(exact[::-1]))
            other = int(np.argmax(np.where(np.arange(position + 1) == right, -1, weights)))
            name = names[i][head] if names else head
            if weights[other] <= SHARED or name in found:  # a fetch of 3 values has two heads
                continue
            found.add(name)
            scale = abs(asked[1]) or FLOAT(1)
            apart = float((exact[right] - exact[other]) / scale)
            size = float(np.spacing(float(abs(exact[right]))) / scale)
            yield (
                f"  layer {i + 1}, head {name!r} asks for key {float(asked[0] / scale):,.0f} at "
                f"position {position}: the key of position {right} is right "
                f"(weight {weights[right]:.3g}), that of {other} has weight {weights[other]:.3g}; "
                f"their scores differ by {apart:.2g}, float64's have steps of {size:.2g}"
            )
        if found:
            return
    off = _off(model, streams, position, position + 1)
    most = sorted(off, key=off.__getitem__, reverse=True)[:5]
    said = ", ".join(f"{name} by {off[name]:.1g}" for name in most if off[name])
    yield f"  every head reads its key; rounding decides: {said or 'nothing'} off from integers"


def trace(program: pyvm.Program, vocabulary: tuple[str, ...], limit: int) -> tuple[np.ndarray, int]:
    """The native executor's tokens, spelled in a model's vocabulary, and the prompt's length."""
    run = execute(program, limit=limit)
    prompt = run.tokens[: run.prompt_length]
    ids = {token: i for i, token in enumerate(vocabulary)}
    generated = np.array([ids[run.vocabulary[token]] for token in run.generated], prompt.dtype)
    if vocabulary != run.vocabulary:
        prompt = np.asarray(spelled_in(prompt, vocabulary), prompt.dtype)
    return np.concatenate((prompt, generated))[:limit], prompt.size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", metavar="PROGRAM[:INPUT]", default=list(PROGRAMS))
    parser.add_argument("--tokens", type=int, default=100_000, help="positions, prompt included")
    parser.add_argument("--stack-size", type=int, help="of a C program; default: 1 MiB")
    parser.add_argument("--recency", choices=RECENCIES, default="log")
    parser.add_argument("--specialized", action="store_true", help="the program in the weights")
    parser.add_argument("--hard", action="store_true", help="hard attention, in longest floats")
    parser.add_argument("--machine", choices=("standard", "base"), default="standard")
    parser.add_argument("--model", help="a model file; default: that machine")
    given = parser.parse_args()
    file = ModelFile.from_bytes(Path(given.model).read_bytes()) if given.model else None
    rows, causes = [], []
    for name in given.programs or PROGRAMS:
        source, colon, text = name.partition(":")
        program = pyvm.compile(
            source, text if colon else None, machine=given.machine, stack_size=given.stack_size
        )
        own = specialize(program.code, given.machine) if given.specialized else None
        model = own or file or machine_model(given.machine)
        tokens, prompt = trace(program, model.vocabulary, given.tokens)
        if tokens.size <= prompt:
            raise SystemExit(f"{name}: the prompt has {prompt:,} tokens, --tokens must be larger")
        begin = time.perf_counter()
        if given.hard:
            found = check_hard(model, tokens, prompt)
        else:
            found = check(model, tokens, prompt, given.recency)
        note(f"{name}: {time.perf_counter() - begin:.0f} s")
        rows.append((
            name, f"{prompt:,}", f"{tokens.size:,}",
            "all" if found.differs is None else f"{found.differs:,}",
            f"{found.rounding:.1g}", f"{found.gap:,.0f}", f"{found.lead:.4g}",
        ))  # fmt: skip
        causes += [f"{name}: {found.cause[0]}", *found.cause[1:]] if found.cause else []
    stack = 1 << 20 if given.stack_size is None else given.stack_size
    print(f"{'hard attention' if given.hard else given.recency + ' recency'}, stack {stack:,}\n")
    names = ("program", "prompt", "positions", "exact to", "sums off by", "least gap", "lead")
    print(table(names, rows))
    print("".join(f"\n{line}" for line in causes))
    return int(bool(causes))


if __name__ == "__main__":
    sys.exit(main())
