"""Embedding and output points of tokens."""

import pytest

from pyvm.graph.token_points import EMBEDDED, embed, embedding_columns, output_point
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import ALIASES, VOCABULARY, output_token


def test_no_two_generated_tokens_share_a_point():
    points = [output_point(t) for t in VOCABULARY]
    generated = [p for p in points if p]
    assert len(set(generated)) == len(generated)
    # All but the program's tokens and the aliases: bytes, outputs, commits, jumps, halt.
    assert len(generated) == len(VOCABULARY) - len(ALIASES) - (len(INSTRUCTIONS) - 1) - 2


def test_an_alias_embeds_as_its_byte():
    assert embed("A") == embed("41")
    assert output_point("A") is None


@pytest.mark.parametrize("value", [0, 0x20, 0x41, 0x7B, 0x7F, 0xFF])
def test_outputs_pop_their_operand(value):
    row = embed(output_token(value))
    assert (row["stack_step"], row["cursor_step"], row["no_push"]) == (-1, 1, 1)
    assert output_point(output_token(value)) == (2, value)


def test_columns_cover_the_vocabulary():
    columns = embedding_columns(VOCABULARY)
    assert list(columns) == list(EMBEDDED)
    assert all(len(column) == len(VOCABULARY) for column in columns.values())
    assert set(columns["one"]) == {1}
