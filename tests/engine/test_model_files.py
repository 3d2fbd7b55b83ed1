"""Model files that lack trailers load and run; damaged and contradicting ones are refused."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from cases import BY_NAME
from pyvm.engine.errors import ModelError
from pyvm.engine.model import Model


def sections(data: bytes, model_file) -> dict[str, int]:
    """Where each section of the standard machine's file ends."""
    size, width, layers, heads, neurons, _ = struct.unpack("<6i", data[:24])
    ends = {"header": 24}
    at = 24 + sum(4 + len(token.encode()) for token in model_file.vocabulary)
    ends["vocabulary"] = at
    ends["embedding"] = at = at + 8 * size * width
    per_layer = 3 * width * width + width * width + 2 * neurons * width + width * neurons
    for layer in range(layers):
        ends[f"layer {layer}"] = at = at + 8 * per_layer
    ends["head"] = at = at + 8 * size * width
    assert at == len(model_file.to_bytes(trailers=0))
    for i, name in enumerate(("erase", "tie-break", "kinds", "metadata"), 1):
        ends[name] = len(model_file.to_bytes(trailers=i))
    assert ends["metadata"] == len(data)
    return ends


def test_a_file_cut_inside_or_after_any_section_is_refused(model_bytes, model_file):
    ends = sections(model_bytes, model_file)
    begin = 0
    for name, end in ends.items():
        for cut in {begin + 1, (begin + end) // 2, end - 1, end} - {0, len(model_bytes)}:
            with pytest.raises(ModelError):
                Model(model_bytes[:cut])
                pytest.fail(f"cut in {name} at {cut}")
        begin = end


@pytest.mark.parametrize("trailers", [2, 3, 4])
def test_files_that_end_after_a_trailer_run(model_file, trailers):
    """Without tie-breaks it is another machine; kinds can be found again, names are not needed."""
    case = BY_NAME["load store"]
    with Model(model_file.to_bytes(trailers)) as model:
        assert model.kinds_stored == (trailers >= 3)
        assert model.metadata == (model_file.metadata if trailers == 4 else {})
        run = model.generate(case.prompt, limit=10_000)
        assert run.output == case.output
        assert model.verify(run.tokens, first=run.prompt_length)


@pytest.mark.parametrize("trailers", [0, 1])
def test_files_without_tie_breaks_load(model_file, trailers):
    with Model(model_file.to_bytes(trailers)) as model:
        assert not model.kinds_stored
        assert model.generate(BY_NAME["halt"].prompt, limit=3).generated.size


def test_kinds_are_found_again(model, model_file):
    with Model(model_file.to_bytes(trailers=2)) as without:
        assert np.array_equal(without.head_types, model.head_types)


@pytest.mark.parametrize("kind, claimed", [(0, 1), (0, 2), (3, 2), (2, 1), (0, 7), (0, -1)])
def test_a_wrong_head_kind_is_refused(model, model_file, kind, claimed):
    """kind as libtvm sees it: 0 lookup, 2 gather, 3 average; the file then claims another."""
    layer, head = np.argwhere(model.head_types == kind)[0]
    kinds = model_file.head_kind.copy()
    kinds[layer, head] = claimed
    with pytest.raises(ModelError, match="head"):
        Model(replace(model_file, head_kind=kinds).to_bytes())


def test_hostile_sizes_are_refused_without_allocating(model_bytes):
    for place in range(5):
        for value in (-1, 2**31 - 1, 0):
            header = list(struct.unpack("<6i", model_bytes[:24]))
            header[place] = value
            with pytest.raises(ModelError):
                Model(struct.pack("<6i", *header) + model_bytes[24:])


def test_a_stop_token_outside_the_vocabulary_is_refused(model_bytes):
    for stop in (-1, 915, 2**31 - 1):
        with pytest.raises(ModelError):
            Model(model_bytes[:20] + struct.pack("<i", stop) + model_bytes[24:])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(model_file, value):
    embedding = model_file.embedding.copy()
    embedding[5, 4] = value
    with pytest.raises(ModelError):
        Model(replace(model_file, embedding=embedding).to_bytes())


def test_bytes_after_the_end_are_refused(model_bytes):
    with pytest.raises(ModelError):
        Model(model_bytes + b"\0")


def test_a_flipped_bit_in_a_file_with_a_checksum_is_refused(model_bytes):
    random = np.random.default_rng(1)
    for at in random.integers(24, len(model_bytes), 20):
        damaged = bytearray(model_bytes)
        damaged[at] ^= 1 << int(random.integers(8))
        with pytest.raises(ModelError):
            Model(bytes(damaged))
