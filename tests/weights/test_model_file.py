"""The model file: the same bytes every time, readable after any trailer, refused when damaged."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from pyvm.engine.errors import ModelError
from pyvm.engine.model import Model
from pyvm.isa.tokens import VOCABULARY
from pyvm.weights import ModelFile, ModelFileError, machine_model, specialize
from pyvm.weights.model_file import MARK_SLOT

MODEL = machine_model()
DATA = MODEL.to_bytes()


def test_the_same_bytes_every_time():
    assert machine_model().to_bytes() == DATA


def test_reading_gives_back_what_was_written():
    again = ModelFile.from_bytes(DATA)
    assert again.to_bytes() == DATA
    assert again.vocabulary == VOCABULARY
    assert again.metadata["heads"] == MODEL.metadata["heads"]


@pytest.mark.parametrize("trailers", range(5))
def test_a_file_may_end_after_any_trailer(trailers):
    again = ModelFile.from_bytes(MODEL.to_bytes(trailers))
    assert np.array_equal(again.head, MODEL.head)
    assert (again.tie_break is not None) == (trailers >= 2)
    assert (again.head_kind is not None) == (trailers >= 3)
    assert (again.metadata is not None) == (trailers >= 4)


SPECIAL = specialize([("i32.const", 65), ("output", 0), ("halt", 0)])


@pytest.mark.parametrize("model", [MODEL, SPECIAL], ids=["standard", "specialised"])
def test_a_complete_file_that_is_cut_between_trailers_is_refused(model):
    data = model.to_bytes()
    Model(data).close()
    for trailers in range(4):
        end = len(model.to_bytes(trailers))
        with pytest.raises(ModelFileError, match="was cut"):
            ModelFile.from_bytes(data[:end])
        with pytest.raises(ModelError, match="was cut"):
            Model(data[:end])


def test_the_mark_is_where_the_library_looks_for_it():
    """One weight of -0.0 in a file without trailers: both readers see it at that place alone."""
    assert MODEL.embedding[0, MARK_SLOT] == 0 and SPECIAL.embedding[0, MARK_SLOT] == 0
    for slot in range(MARK_SLOT + 2):
        embedding = MODEL.embedding.copy()
        embedding[0, slot] = -0.0
        plain = replace(MODEL, embedding=np.zeros_like(embedding)).to_bytes(0)
        start = 24 + sum(4 + len(token.encode()) for token in MODEL.vocabulary)
        marked = plain[:start] + embedding.tobytes() + plain[start + embedding.nbytes :]
        for read, error in ((ModelFile.from_bytes, ModelFileError), (Model, ModelError)):
            if slot == MARK_SLOT:
                with pytest.raises(error, match="was cut"):
                    read(marked)
            else:
                read(marked)


def test_files_of_other_builders_have_no_mark():
    """Those without trailers open, also when they are written again; a weight is never replaced."""
    embedding = MODEL.embedding.copy()
    embedding[0, MARK_SLOT] = 7
    other = replace(MODEL, embedding=embedding)
    assert ModelFile.from_bytes(other.to_bytes()).embedding[0, MARK_SLOT] == 7
    for trailers in range(4):
        again = ModelFile.from_bytes(ModelFile.from_bytes(DATA).to_bytes(trailers))
        assert again.metadata is None


def test_every_truncation_is_refused_except_between_trailers():
    complete = {len(MODEL.to_bytes(trailers)) for trailers in range(5)}
    ends = {*range(0, len(DATA), 9973), *range(len(MODEL.to_bytes(0)) + 1, len(DATA), 101)}
    for end in ends - complete:
        with pytest.raises(ModelFileError, match="offset"):
            ModelFile.from_bytes(DATA[:end])


def test_a_damaged_weight_fails_the_checksum():
    damaged = bytearray(DATA)
    damaged[len(DATA) // 2] ^= 1
    with pytest.raises(ModelFileError, match="damaged"):
        ModelFile.from_bytes(bytes(damaged))


def test_hostile_sizes_are_refused():
    with pytest.raises(ModelFileError):
        ModelFile.from_bytes(struct.pack("<6i", 2**31 - 1, 2, 1, 1, 1, 0))
    with pytest.raises(ModelFileError):
        ModelFile.from_bytes(struct.pack("<6i", 1, 30, 4, 9, 1, 0))


def test_every_slot_head_and_neuron_in_use_has_a_name():
    labels = zip(MODEL.layers, MODEL.metadata["heads"], MODEL.metadata["neurons"], strict=True)
    for layer, heads, neurons in labels:
        read = np.abs(layer.out).sum(axis=0).reshape(-1, 2).sum(axis=1) > 0
        assert [bool(name) for name in heads] == list(read)
        assert len(neurons) == int((np.abs(layer.w_ffn).sum(axis=0) > 0).sum())
    slots = {slot for _, slot, _, _ in MODEL.metadata["slots"]}
    assert slots <= set(range(MODEL.embedding.shape[1]))


def test_a_specialised_model_has_no_program_tokens():
    model = specialize([("i32.const", 65), ("output", 0), ("halt", 0)])
    assert model.vocabulary[0] == "start"
    assert {"{", "}", "call"}.isdisjoint(model.vocabulary)
