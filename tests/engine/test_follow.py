"""pyvm.engine.follow: one pass over a trace, in chunks of any size."""

from __future__ import annotations

from array import array

import pytest

from cases import BY_NAME
from pyvm.engine.errors import ArgumentError
from pyvm.engine.executor import execute
from pyvm.engine.follow import Follower
from pyvm.isa.tokens import VOCABULARY, encode

HALT = VOCABULARY.index("halt")


@pytest.mark.parametrize("name", ["calls", "loop", "input"])
@pytest.mark.parametrize("size", [1, 3, 64])
def test_chunks_of_any_size_say_the_same(name, size):
    run = execute(BY_NAME[name].prompt)
    parts, follower = b"", Follower(VOCABULARY, HALT)
    for first in range(0, len(run.ids), size):  # offsets may lie in the chunk before
        parts += b"".join(data for _, data in follower.feed(run.ids[first : first + size]))
    assert parts == run.output
    assert (follower.prompt_end, follower.cursor) == (run.prompt_length, run.cursor)
    assert follower.stop == len(run.ids) - 1  # and not the `halt` in the program


def test_a_program_and_its_prompt_end_once():
    words = "{ halt 00 00 00 00 } commit(+0,sts=0,bt=0) 2a halt } halt".split()
    follower = Follower(VOCABULARY, HALT).read(encode(words))
    assert (follower.begin, follower.prompt_end, follower.stop) == (7, 8, 9)


def test_calls_that_return_were_open():
    words = "call_commit call_commit return_commit return_commit call_commit".split()
    assert Follower(VOCABULARY).read(encode(words)).deepest == 2


@pytest.mark.parametrize("wrong", [-1, len(VOCABULARY), 1 << 30])
def test_what_is_no_token_is_refused_by_its_position(wrong):
    follower = Follower(VOCABULARY).read(encode(["out(A)"]))
    tokens = encode(["out(A)", "2a"])
    tokens[1] = wrong
    with pytest.raises(ArgumentError, match=f"position 1: token id {wrong} is outside"):
        follower.read(tokens)
    assert follower.cursor == 1  # nothing of that call counts


def test_tokens_of_another_machine_mean_nothing():
    vocabulary = ("{", "a word", "}", "out(A)", "halt")
    follower = Follower(vocabulary, 4)
    ids = array("i", map(vocabulary.index, ["a word", "out(A)", "halt"]))
    assert list(follower.feed(ids)) == [(False, b"A")]
    assert (follower.begin, follower.stop) == (0, 2)
