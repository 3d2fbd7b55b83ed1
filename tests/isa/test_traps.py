"""What a halt's immediate means, also one that no compiler of ours wrote."""

import pytest

from pyvm.isa.program import parse
from pyvm.isa.traps import Trap, halt_immediate, trap_kind


@pytest.mark.parametrize("kind", Trap)
def test_every_kind_is_read_back(kind):
    assert trap_kind(halt_immediate(kind, 7)) is kind


def test_other_kinds_are_unknown():
    assert trap_kind(0x0500) is None
    assert trap_kind(200) is Trap.UNKNOWN
    site = parse("{ halt c8 00 00 00 }").trap_at(0)
    assert str(site) == "stopped: a halt whose immediate names no kind of trap"
    assert str(parse("{ halt 09 00 00 00 }").trap_at(0)) == (
        "stopped: an instruction that is not supported"
    )


def test_a_cursor_outside_the_program_is_no_trap():
    program = parse("{ halt 01 00 00 00 }")
    assert program.trap_at(-1) is None and program.trap_at(1) is None


def test_kinds_that_the_specification_tells_apart_have_texts_of_their_own():
    assert len({kind.description for kind in Trap}) == len(Trap)
