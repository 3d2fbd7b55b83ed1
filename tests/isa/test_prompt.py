"""The grammar of prompts: read back what was written, and refusals that name the token."""

import numpy as np
import pytest

from cases import CASES, instructions
from pyvm.isa.prompt import NAMES, read_program, read_prompt, spelled_in
from pyvm.isa.tokens import TOKENS, VOCABULARY, TokenError, decode, parse
from pyvm.weights import specialize

GOOD = "{ input_base 00 01 00 00 halt 00 00 00 00 } a 20 00 commit(+0,sts=0,bt=0)"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_prompt_is_read_back(case):
    listing, given = read_prompt(case.prompt, VOCABULARY)
    rows = zip(listing.opcodes.tolist(), listing.immediates.tolist(), strict=True)
    assert [(NAMES[op], imm) for op, imm in rows] == instructions(case.text)
    assert given == ([] if case.input is None else [case.input + b"\0"])


def test_a_program_ends_behind_its_brace():
    assert read_program(parse(GOOD), VOCABULARY)[1] == 12


@pytest.mark.parametrize(
    "text, message",
    [
        ("{ halt a 00 00 00 }", "token 2: a byte expected, found 'a'"),  # no alias in a program
        ("{ halt 00 00 00 }", "token 5: a byte expected, found '}'"),
        ("{ halt 00 00 00' 00 }", 'token 4: a byte expected, found "00\'"'),
        (GOOD.replace("a 20", "a 20'"), 'token 13: a byte expected, found "20\'"'),
        (GOOD + " 00", "token 16: the end expected, found '00'"),
    ],
)
def test_what_cannot_stand_there(text, message):
    with pytest.raises(TokenError) as raised:
        read_prompt(parse(text), VOCABULARY)
    assert str(raised.value) == message


def test_other_vocabularies():
    tokens = parse(GOOD)
    turned = VOCABULARY[::-1]
    assert decode(spelled_in(tokens, turned), turned) == GOOD.split()
    special = specialize([("input_base", 256), ("halt", 0)]).vocabulary
    assert decode(spelled_in(tokens, special), special) == ["start", *GOOD.split()[12:]]
    poor = tuple(token for token in VOCABULARY if token != "20")
    with pytest.raises(TokenError, match="has no token '20', which the program needs"):
        spelled_in(tokens, poor)


def test_every_token_means_one_thing():
    assert len(TOKENS) == len(VOCABULARY) + 1  # start
    assert np.unique(parse(" ".join(VOCABULARY))).size == len(VOCABULARY)
