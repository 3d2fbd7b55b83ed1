"""Random small models, and models with a few weights changed.

Enters: a source of random numbers; models.  Leaves: `ModelFile`s.

Two kinds of own models: machines, whose heads and neurons are the patterns that the library knows
(gathers, parabola keys, clears, averages, passthrough, steps, equalities, products), each now and
then a little wrong; and tangles, whose weights are drawn blindly.  Both read and write any slot,
those of position, recency and squared position too.  Slots are emptied by erase lists, or by heads
and neurons that add -x.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from pyvm.engine.dense import OLD_SCALE, SCALE
from pyvm.weights.model_file import LayerWeights, ModelFile

EXTREMES = (
    5e-324, 1e-310, 1e-200, 1e-30, 0.1, 1 / 3, 1.5, 1e6, 2.0**26, 94906266.0, 2.0**31, 2.0**32,
    2.0**52, 2.0**53 - 1, 2.0**53, 2.0**62, 2.0**63, SCALE, OLD_SCALE, 1e25, 1e30, 1e150, 1e200,
    1e308,
)  # fmt: skip


def whole_weight(r: random.Random) -> float:
    return float(r.choice((-3, -2, -1, -1, 1, 1, 1, 2, 3, 4)))


def any_weight(r: random.Random) -> float:
    kind = r.randrange(10)
    if kind < 5:
        return whole_weight(r)
    if kind < 7:
        return r.choice((0.5, 0.25, -0.75, 1.5, 0.3, -0.1))
    if kind < 8:
        return r.gauss(0, 1)
    return r.choice((1, -1)) * r.choice(EXTREMES)


class Draft:
    """Arrays to be filled."""

    def __init__(self, r: random.Random, vocabulary: int, width: int, layers: int, neurons: int):
        self.r, self.width, self.neurons = r, width, neurons
        self.embedding = np.zeros((vocabulary, width))
        self.head = np.zeros((vocabulary, width))
        self.qkv = np.zeros((layers, 3, width // 2, 2, width))
        self.out = np.zeros((layers, width, width // 2, 2))
        self.w_in = np.zeros((layers, 2, neurons, width))
        self.w_ffn = np.zeros((layers, width, neurons))
        self.latest = np.ones((layers, width // 2), np.int32)
        self.erased: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ())] * layers

    def model(self) -> ModelFile:
        layers = tuple(
            LayerWeights(
                self.qkv[i].reshape(3 * self.width, self.width),
                self.out[i].reshape(self.width, self.width),
                self.w_in[i].reshape(2 * self.neurons, self.width),
                self.w_ffn[i],
                *self.erased[i],
            )
            for i in range(len(self.qkv))
        )
        words = tuple(f"t{i}" for i in range(len(self.embedding)))
        tie_break = None if self.latest.all() and self.r.random() < 0.5 else self.latest
        stop = len(words) - 1
        return ModelFile(words, stop, self.embedding, layers, self.head, tie_break)

    def erase_some(self, chance: float) -> None:
        slots = [*range(self.width), 1, 2]

        def some() -> tuple[int, ...]:
            return (self.r.choice(slots),) if self.r.random() < chance else ()

        self.erased = [(some(), some()) for _ in self.erased]


def tangle(r: random.Random) -> ModelFile:
    """Weights drawn blindly, of one sort or of all sorts."""
    d = Draft(r, r.randint(1, 7), 2 * r.randint(2, 6), r.randint(1, 3), r.randint(0, 6))
    weight = r.choice((whole_weight, whole_weight, any_weight))
    density = r.choice((0.1, 0.25, 0.5))
    for array in (d.embedding, d.qkv, d.out, d.w_in, d.w_ffn, d.head):
        flat = array.reshape(-1)
        for i in range(flat.size):
            if r.random() < density:
                flat[i] = weight(r)
    if r.random() < 0.7:
        d.qkv[:, 0] *= r.choice((SCALE, OLD_SCALE, 1.0, 0.5)) if weight is whole_weight else 1.0
    if r.random() < 0.6:
        d.latest[:] = np.array([r.random() < 0.7 for _ in range(d.latest.size)]).reshape(
            d.latest.shape
        )
    d.erase_some(0.3)
    return d.model()


class Machine:
    """A model of patterns that the library knows, over small integers.

    A part is `odd` now and then: it reads or writes any slot, its coefficients are unusual."""

    def __init__(self, r: random.Random):
        self.r, self.chance = r, r.choice((0, 0, 0, 0.03, 0.03, 0.2))
        self.tangled, self.large = r.random() < 0.15, r.random() < 0.15
        neurons = r.randint(0, 9)
        self.d = d = Draft(r, r.randint(2, 8), 2 * r.randint(4, 9), r.randint(1, 3), neurons)
        self.size, self.width = d.embedding.shape
        self.last = r.randint(5, self.width - 3)  # token slots are 4 .. last; then come results
        self.keys: list[tuple[int, int]] = []  # slots of a number and of its square
        self._embed()
        by_weights = r.random() < 0.5
        for layer in range(len(d.qkv)):
            self.averages = 0  # of this layer
            for head in range(self.width // 2):
                if r.random() < 0.6:
                    self._head(layer, head)
            for neuron in range(neurons):
                self._neuron(layer, neuron)
            if by_weights:
                self._clear(layer)
        self._output()
        if r.random() < 0.3:
            d.erase_some(0.3)
        for layer, (attention, ffn) in enumerate(d.erased):
            if not (by_weights or self.odd()):
                d.erased[layer] = attention, (*ffn, self.width - 1)  # the slot of means

    def odd(self) -> bool:
        return self.r.random() < self.chance

    def _embed(self) -> None:
        d, r = self.d, self.r
        d.embedding[:, 3] = 1
        for slot in range(4, self.last + 1):
            if slot > 4 and r.random() < 0.4:
                d.embedding[:, slot] = d.embedding[:, slot - 1] ** 2
                self.keys.append((slot - 1, slot))
            else:
                low, high = r.choice(((0, 1), (0, 3), (-2, 3), (-3, 0)))
                d.embedding[:, slot] = [r.randint(low, high) for _ in range(self.size)]
        if self.odd():
            d.embedding[r.randrange(self.size), r.randrange(4)] = whole_weight(r)
        if self.large:
            d.embedding[:, r.randint(4, self.last)] *= r.choice(
                (2.0**20, 3e7, 2.0**31, 2.0**40, 1e15)
            )

    def _some(self, row: np.ndarray, terms: int = 2) -> None:
        """Adds a small combination of slots."""
        for _ in range(self.r.randint(1, terms)):
            odd = self.odd()
            slot = self.r.randrange(3 if odd else self.width - 1)
            row[slot if odd or slot not in (1, 2) else 3] += whole_weight(self.r)

    def _target(self) -> int:
        return self.r.randrange(0 if self.odd() else self.last, self.width - 1)

    def _head(self, layer: int, head: int) -> None:
        d, r = self.d, self.r
        (q0, q1), (k0, k1) = d.qkv[layer, 0, head], d.qkv[layer, 1, head]
        q1[3] = r.choice((2, 3)) if self.odd() else 1  # between two keys
        kind = r.randrange(8)
        if kind < 3:  # a gather
            curve = r.choice((2, 3, 0.5, 0.1, 0.7)) if self.odd() else 1
            k0[0], k1[2] = 2 * curve, -curve
            q0[0], q0[3] = r.choice((1, 1, 0)), r.choice((-1, 0, -2, 3))
            if r.random() < 0.5:
                self._some(q0)
        elif kind < 5:  # a lookup
            key, square = r.choice(self.keys) if self.keys and not self.odd() else (4, 5)
            k0[key], k1[square] = 2, -1
            if r.random() < 0.3:
                k1[r.randint(4, self.last)] -= 1e30
            self._some(q0)
        elif kind < 6:  # passthrough
            q0[0], k0[0], k1[3] = 1, r.choice((1, 2)), r.choice((0, 1))
        elif not self.tangled:
            if self.averages == 0 or self.odd():
                self._average(layer, head)
            return
        else:
            for row in (q0, q1, k0, k1):
                self._some(row)
            d.latest[layer, head] = r.random() < 0.8
        if kind < 6 and r.random() < 0.4:
            k1[1] = r.choice((0.9, 1e-9, -0.3, 1)) if self.odd() else r.choice((0.3, 0.6))
        d.qkv[layer, 0, head] *= 0.5 if self.odd() else r.choice((SCALE, OLD_SCALE, 1, 2))
        if self.odd():
            self._some(d.qkv[layer, r.randrange(2), head, r.randrange(2)])
        for part in (0, 1)[: r.randint(1, 2)]:
            self._some(d.qkv[layer, 2, head, part])
            d.out[layer, self._target(), head, part] = r.choice((1, 1, 1, -1, 2))

    def _average(self, layer: int, head: int) -> None:
        """A mean in the last slot, and mostly a neuron that makes it a running sum."""
        d, r, last = self.d, self.r, self.width - 1
        self.averages += 1
        d.latest[layer, head] = 0
        (q0, q1), (_, k1) = d.qkv[layer, 0, head], d.qkv[layer, 1, head]
        k1[r.randint(3, self.last)] = r.choice((0, 1, 1, -1))
        if r.random() < 0.3:
            self._some(q0)
        q1 *= r.choice((SCALE, OLD_SCALE, 1, 3))
        self._some(d.qkv[layer, 2, head, 0])
        d.out[layer, last, head, 0] = 1
        if d.neurons:
            d.w_in[layer, 0, 0, (0, 3)] = 1 if not self.odd() else 2
            d.w_in[layer, 1, 0, last] = 1
            d.w_ffn[layer, self._target(), 0] = 1

    def _clear(self, layer: int) -> None:
        """The slot of means by a neuron, and some other, or what was copied to it, by either half.

        Slots of inputs are taken as often as others."""
        d, r, last = self.d, self.r, self.width - 1
        slots = [last] if d.out[layer, last].any() else []
        if r.random() < 0.3:
            slots.append(r.randrange(self.width) if r.random() < 0.6 else r.randrange(3))
        for slot in slots:
            heads = np.flatnonzero(~d.out[layer].any(axis=(0, 2)))
            neurons = range(min(d.neurons, 1), d.neurons)  # the first makes sums of means
            source = r.randrange(3) if self.odd() else slot
            if heads.size and slot != last and r.random() < 0.5:
                head = int(heads[0])
                d.qkv[layer, :, head] = 0
                d.qkv[layer, 0, head, 0, 0], d.qkv[layer, 1, head, 0, 0] = SCALE, 1
                d.latest[layer, head] = 1
                d.qkv[layer, 2, head, 0, source], d.out[layer, slot, head, 0] = 1, -1
                others = d.out[layer, slot].reshape(-1), np.arange(self.width) != 2 * head
            elif neurons:
                neuron = r.choice(neurons)
                d.w_in[layer, :, neuron] = 0
                d.w_in[layer, 0, neuron, 3], d.w_in[layer, 1, neuron, source] = 1, 1
                d.w_ffn[layer, :, neuron] = 0
                d.w_ffn[layer, slot, neuron] = -1
                others = d.w_ffn[layer, slot], np.arange(d.neurons) != neuron
            else:
                continue
            if not self.odd():  # nothing else is added
                others[0][others[1]] = 0

    def _neuron(self, layer: int, neuron: int) -> None:
        d, r = self.d, self.r
        gate, value = d.w_in[layer, :, neuron]
        if gate.any():
            return
        if neuron and r.random() < 0.4:  # as the one before, further on: steps and equalities
            gate[:], value[:] = d.w_in[layer, :, neuron - 1]
            gate[3] -= 1
            d.w_ffn[layer, :, neuron] = -d.w_ffn[layer, :, neuron - 1]
            return
        self._some(gate)
        if r.random() < 0.5:
            self._some(value)
        else:
            value[3] = 1
        d.w_ffn[layer, self._target(), neuron] = r.choice((1, 1, -1, 2))

    def _output(self) -> None:
        if self.r.random() < 0.6:
            chosen = np.zeros(self.width)
            self._some(chosen)
            chosen[self.r.randint(self.last, self.width - 1)] += 1
            self.d.head[:] = np.outer(2.0 * np.arange(self.size), chosen)
            self.d.head[:, 3] -= np.arange(self.size) ** 2
        else:
            for row in self.d.head:
                self._some(row, 4)


def machine(r: random.Random) -> ModelFile:
    return Machine(r).d.model()


def changed(model: ModelFile, r: random.Random) -> ModelFile:
    """A few weights, tie-breaks or trailers of the model are others."""
    for _ in range(r.randint(1, 4)):
        kind = r.randrange(8)
        if kind == 0 and model.tie_break is not None:
            tie_break = model.tie_break.copy()
            tie_break.flat[r.randrange(tie_break.size)] ^= 1
            model = replace(model, tie_break=tie_break)
        elif kind == 1:
            model = replace(model, head_kind=None, metadata=None)
        elif kind == 2:
            i = r.randrange(len(model.layers))
            slots = tuple(sorted(r.sample(range(model.embedding.shape[1]), r.randint(0, 2))))
            model = _with_layer(model, i, replace(model.layers[i], erase_after_ffn=slots))
        elif kind == 3:
            name = r.choice(("embedding", "head"))
            if name == "head":
                model = replace(model, head=_disturbed(model.head, r))
            else:
                model = replace(model, embedding=_disturbed(model.embedding, r))
        else:
            i = r.randrange(len(model.layers))
            name = r.choice(("qkv", "qkv", "qkv", "out", "w_in", "w_ffn"))
            weights = model.layers[i]
            changed = {part: getattr(weights, part) for part in ("qkv", "out", "w_in", "w_ffn")}
            changed[name] = _disturbed(changed[name], r)
            model = _with_layer(model, i, replace(weights, **changed))
    return replace(model, metadata=None)


def _with_layer(model: ModelFile, i: int, weights: LayerWeights) -> ModelFile:
    layers = list(model.layers)
    layers[i] = weights
    return replace(model, layers=tuple(layers))


def _disturbed(array: np.ndarray, r: random.Random) -> np.ndarray:
    """One weight is another, or two have changed places, or two rows have."""
    with np.errstate(over="ignore"):
        return _disturb(array.copy(), r)


def _disturb(array: np.ndarray, r: random.Random) -> np.ndarray:
    if not array.size:
        return array
    used = np.flatnonzero(array)
    at = int(r.choice(used)) if used.size and r.random() < 0.8 else r.randrange(array.size)
    kind = r.randrange(7)
    if kind == 0:
        array.flat[at] = 0
    elif kind == 1:
        other = r.randrange(array.size)
        array.flat[at], array.flat[other] = array.flat[other], array.flat[at]
    elif kind == 2:
        i, j = r.randrange(len(array)), r.randrange(len(array))
        array[[i, j]] = array[[j, i]]
    elif kind == 3:
        array.flat[at] += whole_weight(r)
    elif kind == 4:
        array.flat[at] *= r.choice((-1, 2, 0.5, SCALE, 1 / SCALE, OLD_SCALE))
    else:
        array.flat[at] = any_weight(r)
    return array
