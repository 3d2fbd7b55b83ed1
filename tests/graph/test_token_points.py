"""Embedding and output points of tokens, of both machines."""

import pytest

from pyvm.graph.token_points import EMBEDDED, MORE_EMBEDDED, language
from pyvm.isa.instructions import INSTRUCTIONS
from pyvm.isa.tokens import ALIASES, SCRATCH_NUMBERS, error_token, output_token, scratch_token
from pyvm.isa.traps import Trap

BASE, STANDARD = language("base"), language("standard")
both = pytest.mark.parametrize("machine", [BASE, STANDARD], ids=["base", "standard"])


@both
def test_no_two_generated_tokens_share_a_point(machine):
    points = [machine.output_point(t) for t in machine.vocabulary]
    generated = [p for p in points if p]
    assert len(set(generated)) == len(generated)
    # All but the program's tokens and the aliases: bytes, outputs, commits, jumps, halt.
    program = {"{", "}", *(row.name for row in machine.rows)} - {"halt"}
    assert len(generated) == len(machine.vocabulary) - len(ALIASES) - len(program)
    assert max(value for _, value in generated) == (255 if machine is BASE else 2040)


def test_marks_lead_from_a_type_to_the_next():
    """A byte's mark is 1 more; a trap's kind is added to the type of traps."""
    for value in (0, 0x41, 0xFF):
        assert STANDARD.output_point(f"{value:02x}") == (0, value)
        assert STANDARD.output_point(f"{value:02x}'") == (1, value)
    first = STANDARD.output_point("trap(unreachable)")
    assert first is not None
    for kind in Trap:
        expected = (first[0] + kind - Trap.UNREACHABLE, 0)
        assert STANDARD.output_point(f"trap({kind.name.lower()})") == expected


@both
def test_an_alias_embeds_as_its_byte(machine):
    assert machine.embed("A") == machine.embed("41")
    assert machine.output_point("A") is None


@both
@pytest.mark.parametrize("value", [0, 0x20, 0x41, 0x7B, 0x7F, 0xFF])
def test_outputs_pop_their_operand(machine, value):
    row = machine.embed(output_token(value))
    assert (row["stack_step"], row["cursor_step"], row["no_push"]) == (-1, 1, 1)
    assert machine.output_point(output_token(value)) == (2, value)


def test_errors_pop_their_operand():
    for value in (0, 0x41, 0xFF):
        row = STANDARD.embed(error_token(value))
        assert (row["stack_step"], row["cursor_step"], row["no_push"]) == (-1, 1, 1)
        point = STANDARD.output_point(error_token(value))
        assert point is not None and point[1] == value


def test_scratch_tokens_are_part_of_a_value_and_no_bytes():
    for value in (0, 1, 255, 256, SCRATCH_NUMBERS - 1):
        row = STANDARD.embed(scratch_token(value))
        assert row["scratch"] == value and row["is_byte"] and "byte" not in row


@pytest.mark.parametrize("value", range(256))
def test_what_is_read_off_a_byte(value):
    row = STANDARD.embed(f"{value:02x}")
    bits = [row[f"bit_{i}"] for i in range(7)] + [row["top_bit"]]
    assert sum(bit << i for i, bit in enumerate(bits)) == row["byte"] == value
    digits = f"{value:08b}"
    assert row["leading"] == len(digits.lstrip("0"))
    assert row["trailing"] == len(digits.rstrip("0"))


def test_wide_and_skipping_commits():
    row = STANDARD.embed("commit(+1,sts=2,bt=0,skip=1)")
    assert (row["wide"], row["no_push"], row["cursor_step"], row["stack_step"]) == (4, 0, 2, 1)
    assert STANDARD.embed("commit(+1,sts=1,bt=0)")["wide"] == 0
    assert (STANDARD.embed("resize")["no_size"], STANDARD.embed("resize")["no_push"]) == (0, 1)


@both
def test_columns_cover_the_vocabulary(machine):
    columns = machine.embedding_columns(machine.vocabulary)
    names = EMBEDDED if machine is BASE else (*EMBEDDED, *MORE_EMBEDDED)
    assert tuple(columns) == names
    assert all(len(column) == len(machine.vocabulary) for column in columns.values())
    assert set(columns["one"]) == {1}


def test_the_base_machine_has_the_base_rows():
    assert [row.name for row in BASE.rows] == [r.name for r in INSTRUCTIONS.values() if r.base]
    assert STANDARD.vocabulary[: len(BASE.vocabulary)] == BASE.vocabulary
