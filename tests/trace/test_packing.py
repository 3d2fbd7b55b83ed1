"""Tokens and borders in few bytes: all come back, and damage is said."""

from __future__ import annotations

import random

import numpy as np
import pytest

import pyvm
from pyvm.trace.pace import Pace
from pyvm.trace.packing import TraceFileError, deflated, inflated, packed, unpacked


def like_a_trace(source, count):
    """Bytes in runs of any length behind other tokens."""
    tokens = []
    while len(tokens) < count:
        tokens += [source.choice((256, 257, 700, 65535))] * source.choice((0, 1, 1, 2))
        tokens += (
            source.choice((0, 0, 1, 255)) for _ in range(source.choice((0, 1, 4, 8, 20, 23)))
        )
    return np.array(tokens[:count], dtype=np.uint16)


@pytest.mark.parametrize("fast", [False, True])
def test_all_tokens_come_back(fast):
    source = random.Random(4)
    blocks = [65535, 65536, 65537, 65541, 131072]
    for count in [*range(12), *(source.randrange(3000) for _ in range(100)), *blocks]:
        tokens = like_a_trace(source, count)
        found = unpacked(packed(tokens, fast), count, "a")
        assert found.dtype == np.int32 and np.array_equal(found, tokens)
        anything = np.frombuffer(source.randbytes(2 * count), dtype=np.uint16).astype(np.int64)
        data = packed(anything, fast)
        assert len(data) < 2.2 * count + 60 and np.array_equal(unpacked(data, count, "a"), anything)


def test_how_many_bits_a_token_takes(model):
    for name, most, most_fast in (
        ("hello", 2.0, 3.5),
        ("addition", 2.0, 3.5),
        ("collatz", 1.4, 3.2),
    ):
        tokens = model.generate(pyvm.compile(name)).generated
        assert 8 * len(packed(tokens)) < most * tokens.size
        assert 8 * len(packed(tokens, fast=True)) < most_fast * tokens.size


def test_what_does_not_fit_is_refused():
    for token in (1 << 16, -1):
        with pytest.raises(TraceFileError, match="room for 65,536 different tokens"):
            packed(np.array([1, token]))


@pytest.mark.parametrize("fast", [False, True])
def test_damage_is_said(fast):
    """No bytes do harm: they are other tokens, or refused."""
    source = random.Random(9)
    tokens = like_a_trace(source, 2000)
    data = packed(tokens, fast)
    refused = 0
    for _ in range(300):
        wrong = bytearray(data)
        wrong[source.randrange(len(wrong))] ^= 1 << source.randrange(8)
        try:
            assert unpacked(bytes(wrong), tokens.size, "a").size == tokens.size
        except TraceFileError as error:
            refused += str(error).startswith("a: ")
    assert refused > 50
    for wrong, count in ((data, 1960), (data, 2009), (data[:-1], 2000), (data + b"x", 2000)):
        with pytest.raises(TraceFileError, match="a: what was compressed"):
            unpacked(wrong, count, "a")
    for wrong in (b"", b"\2" + data[1:]):
        with pytest.raises(TraceFileError, match="a: tokens in a form that is not known"):
            unpacked(wrong, 2000, "a")


@pytest.mark.parametrize("form", [b"\0", b"\1"])
@pytest.mark.parametrize(
    "bits, alike, more",
    [
        (bytes(249), b"", b""),  # less than a bit for each token
        (bytes(250), b"", bytes(1983)),  # 4 numbers are known, and 1,984 bytes that are of none
        (bytes(250), b"\xf0", bytes(1989)),
        (bytes(250), b"\xf0x", bytes(1988)),
        (bytes(250), b"\xe0xy", bytes(1988)),  # a number of two bytes
        (bytes(249) + b"\1", b"\3\4" + b"\xf0", bytes(1986)),  # another token, and only one byte
    ],
)
def test_columns_that_do_not_fit_each_other(form, bits, alike, more):
    manifold = bits + more
    data = form + deflated(alike) + (deflated(manifold) if form == b"\0" else manifold)
    with pytest.raises(TraceFileError, match="another length than it says"):
        unpacked(data, 2000, "a")


def test_columns_that_fit_each_other():
    """What the test above has wrong, right."""
    data = b"\1" + deflated(b"\xf0") + bytes(250) + bytes(1988)
    assert not unpacked(data, 2000, "a").any()
    with pytest.raises(TraceFileError, match="another length than it says"):
        unpacked(b"\1" + deflated(b"\3\4\xf0") + bytes(249) + b"\1" + bytes(1988), 1999, "a")


def test_what_was_compressed_has_a_bound():
    bomb = deflated(bytes(1 << 20))
    assert len(inflated(bomb, 1 << 20, "a")) == 1 << 20
    with pytest.raises(TraceFileError, match="another length than it says"):
        inflated(bomb, (1 << 20) - 1, "a")


def test_less_is_compressed_only_where_that_saves_time():
    pace = Pace(alone=1.0, all=9.0, well=1.0, fast=0.5)
    assert [pace.next_is_fast() for _ in range(18)] == [True] * 15 + [False] + [True] * 2
    pace.fast = 0.9
    assert not pace.next_is_fast()
    with pace.packing(fast=True):
        pass
    assert pace.fast < 0.5 and pace.next_is_fast()
    with pace.packing(fast=False):
        pass
    assert pace.well < 0.5
    assert not Pace(alone=1.0, all=1.5, well=1.0).next_is_fast()


def test_who_falls_behind_is_told():
    """By the clock and the processors alike: what others take is no reason."""
    pace = Pace()
    assert not pace.behind
    pace.note(alone=1.0, clock=2.0, processors=4.0)
    assert not pace.behind
    pace.note(alone=1.0, clock=9.0, processors=2.0)
    assert not pace.behind
    for _ in range(8):
        pace.note(alone=1.0, clock=3.0, processors=3.5)
    assert pace.behind
    for _ in range(8):
        pace.note(alone=1.0, clock=1.5, processors=1.5)
    assert not pace.behind
