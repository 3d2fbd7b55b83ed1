"""What a machine refuses, by name."""

from __future__ import annotations

import numpy as np
import pytest

from pyvm.graph.primitives import Expr
from pyvm.machine import Machine, MachineError, Token


def machine() -> Machine:
    return Machine([Token("a", (0, 0), x=1), Token("end", (1, 0))], stop="end")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Token("a b"), "'a b'"),
        (lambda: Token(""), "''"),
        (lambda: Token("a", (0, 1024)), r"'a': its point \(0, 1024\)"),
        (lambda: Token("a", (-1, 0)), "'a': its point"),
        (lambda: Token("a", one=1), "'one' is built in"),
        (lambda: Token("a", begin=1), "'begin' is built in"),
        (lambda: Token("a", (0, 0.5)), r"'a': its point \(0, 0.5\)"),
        (lambda: Token("a", (0, 1, 2)), "'a': its point"),
        (lambda: Token("a", x=1.5), "'a': column 'x' is 1.5"),
        (lambda: Token("a", x="1"), "'a': column 'x' is '1'"),
        (lambda: Token("a", x=1 << 53), "column 'x' is 9007199254740992, and no integer below"),
        (lambda: Machine([Token("a")], stop="end"), "stop token 'end' is not among"),
        (lambda: Machine([Token("end")], stop="end"), "stop token 'end' needs a point"),
        (lambda: Machine([Token("a"), Token("a", (0, 0))], stop="a"), "'a' is there twice"),
        (lambda: Machine([Token("begin")], stop="begin"), "'begin' is there twice"),
        (lambda: Machine(["a"], stop="a"), "'a' is no Token"),
        (lambda: Machine([Token(t, (0, 0)) for t in "ab"], stop="a"), "'a' and 'b' have one point"),
        (lambda: machine()["y"], "no token has a column 'y'"),
        (lambda: machine().encode("a a"), "a prompt is a sequence of tokens"),
        (lambda: machine().encode(["begin", "a"]), "'begin' comes by itself"),
        (lambda: machine().graph, "call next"),
        (lambda: machine().encode(["b"]), "no token is written 'b'"),
        (lambda: machine().at("it", machine().position), "'it' fetches nothing"),
        (lambda: Token("a", **{"spelling": 1}), r"Token\('a'\): multiple values for .*'spelling'"),
        (lambda: Token("a", **{"self": 1}), r"Token\('a'\): multiple values for argument 'self'"),
        (lambda: Token("a", (0, 0), **{"point": 1}), "multiple values for argument 'point'"),
        (lambda: Token("a", point=7), "'a': its point 7 is not"),
        (lambda: Token(), "missing a required argument: 'spelling'; it takes spelling, point, col"),
        (lambda: Token("a", (0, 0), 1), "too many positional arguments"),
        (
            lambda: Token("a", (1 << 15, 0)),
            r"'a': its point \(32768, 0\) is not a type from 0 to 32,",
        ),
        (lambda: Token(b"a"), "token b'a': a spelling is text"),
        (lambda: Token("a\0b"), r"token 'a\\x00b': a spelling is text"),
        (lambda: Token("\ud800"), r"token '\\ud800': a spelling is text"),
        (lambda: Token("a", **{"": 1}), "token 'a': '' is no name of a column"),
        (lambda: Token("a", **{"\ud800": 1}), r"token 'a': '\\ud800' is no name of a column"),
        (lambda: Machine(None, stop="a"), "tokens are a list of Token, and not None"),
        (lambda: Machine(Token("a", (0, 1)), "a"), r"a list .*, and not Token\('a', \(0, 1\)\)"),
        (lambda: Machine([Token("a", (0, 0))]), "missing a required argument: 'stop'"),
        (lambda: Machine([Token("a", (0, 0))], stop=["a"]), r"the stop token \['a'\] is not among"),
        (lambda: machine()[["x"]], r"by its name, which \['x'\] is not"),
        (lambda: machine().encode(None), "a prompt is a sequence of tokens, and not None"),
        (lambda: machine().encode([["a"]]), r"no token is written \['a'\]"),
    ],
)
def test_refused(make, message: str):
    with pytest.raises(MachineError, match=message):
        make()


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda m: m["x"] + 1, TypeError, r"x \+ 1: a number is added as a multiple"),
        (lambda m: 1 + (m["x"] - m.one), TypeError, r"x \+ -1 one \+ 1: a number is added"),
        (lambda m: 0.5 * m["x"], TypeError, "x times 0.5: expressions are multiplied by integers"),
        (lambda m: m["x"] * m.one, TypeError, "x times one: expressions are"),
        (lambda m: m.step("s", "x"), MachineError, "'s' reads 'x', which is no dimension"),
        (lambda m: m.product("p", 1, m["x"]), MachineError, "'p' reads 1, which is no dimension"),
        (lambda m: m.at("a", m.one, y=1), MachineError, "'a' reads 1, which is no dimension"),
        (lambda m: m.latest("l", 1, y=m["x"]), MachineError, "'l' reads 1, which is no dimension"),
        (lambda m: m.next(m.at("a", m.one, y=m["x"]), m["x"]), MachineError, r"'next' reads \[y\]"),
        (lambda m: m.next(2**53 * m["x"], m.one), MachineError, "'next' reads 'x' times 90071"),
        (lambda m: m.step("", m["x"]), MachineError, "'' is no name"),
        (lambda m: m.step("\ud800", m["x"]), MachineError, r"'\\ud800' is no name"),
        (lambda m: m["x"] - "y", TypeError, "x - 'y': a number is subtracted as"),
        (lambda m: 1 - m["x"], TypeError, "1 - x: a number is a multiple of `one`"),
        (lambda m: m["x"] or m.one, TypeError, "x has no number while a machine is written"),
        (lambda m: m["x"] - m.one > m.one, TypeError, r"x \+ -1 one has no number while"),
        (lambda m: m["x"] // 2, TypeError, "x has no number while"),
        (lambda m: m.product("p", m["x"]), MachineError, r"product\('p'\): missing .* 'gate'"),
        (lambda m: m.at("a", m.one, at=m["x"]), MachineError, r"at\('a'\): multiple .* 'at'"),
        (
            lambda m: m.newest("n", m.one, m.one, m.one, key=m["x"]),
            MachineError,
            r"newest\('n'\): multiple values for argument 'key'; it takes name, query, key",
        ),
        (lambda m: m.latest("l", m["x"], name=m["x"]), MachineError, "values for argument 'name'"),
        (
            lambda m: m.next(m.one),
            MachineError,
            r"next\(one\): missing a",
        ),
        (lambda m: m.step(3, m["x"]), MachineError, "3 is no name"),
        (lambda m: (m.step("s", m["x"]), m["s"]), MachineError, "'s' is no column of the tokens"),
        (
            lambda m: m.latest("l", m["size"], y=m["x"]),
            MachineError,
            "'l' looks where 'size' is 1, and it is 7 for token 'end'",
        ),
        (
            lambda m: m.newest("n", m["x"], m["size"], m["size"], y=m["x"]),
            MachineError,
            "'n': size is not the square of its key, size",
        ),
        (
            lambda m: m.newest("n", m["x"], m["x"], m.square("q", m["size"]), y=m["x"]),
            MachineError,
            "'n': q is not the square of its key, x",
        ),
        (
            lambda m: m.newest("n", m["x"], m["x"], 2 * m.square("q", m["x"]), y=m["x"]),
            MachineError,
            "'n': 2 q is not the square of its key, x",
        ),
    ],
)
def test_refused_where_it_is_written(use, error, message: str):
    m = Machine([Token("a", (0, 0), x=1), Token("end", (1, 0), size=7)], stop="end")
    with pytest.raises(error, match=message):
        use(m)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: m.at("a", m.one, y=m["x"], x=m["x"]),
        lambda m: m.latest("l", m["x"], y=m["x"], x=m["x"]),
        lambda m: m.latest("l", m["x"] - m.one, y=m["x"], x=m["x"]),
        lambda m: m.running_sum("s", m["x"]),
    ],
)
def test_a_call_that_is_refused_leaves_the_machine_as_it_was(wrong):
    """So that a cell of a notebook can be mended and run again."""
    m = Machine([Token("a", (0, 0), x=1, **{"mean s": 1}), Token("end", (1, 0))], stop="end")
    m.next(m["x"], m.one)
    before = m.graph
    with pytest.raises(MachineError, match="is there already"):
        wrong(m)
    assert m.graph.persists == before.persists and m.graph.embedding == before.embedding
    m.latest("l", m["x"] - m.one, y=m["x"], s=m["x"])


def test_a_column_that_is_called_as_another_is_denied():
    """The positions of a lookup do not become those of a column of that name."""
    tokens = [Token("a", (0, 0), w=1, **{"not w": 1}), Token("b", (0, 1)), Token("end", (1, 0))]
    m = Machine(tokens, stop="end")
    with pytest.raises(MachineError, match="'not w' is there already"):
        m.latest("l", m["w"], y=m["w"])


def test_numbers_of_numpy_are_numbers():
    token = Token("a", (np.int64(2), np.uint8(3)), x=np.int32(-4))
    assert repr(token) == "Token('a', (2, 3), x=-4)"
    m = machine()
    assert str(sum([np.int64(3) * m["x"], m["x"]])) == "4 x"


def test_the_type_comes_first_however_far_the_value_is():
    """On every path; where the weights would choose another token, the evaluator says so."""
    pytest.importorskip("highspy", reason="needs highspy: pip install 'libtvm[schedule]'")

    def told(kind: int, value: int) -> Machine:
        m = Machine([Token("z", (0, 1023)), Token("a", (1, 0)), Token("end", (2, 0))], "end")
        m.next(kind * m.one, value * m.one)
        return m

    for value in (2_000, -2_000, 10**9):
        m = told(1, value)
        assert m.evaluate(["a"], limit=2) == ["a", "a"]
        with m.build() as model:
            for path in ("plan", "layers"):
                made = model.generate(m.encode(["a"]), limit=4, path=path).generated
                assert [model.vocabulary[token] for token in made[:2]] == ["a", "a"]
    only = Machine([Token("a", (1, 5)), Token("end", (2, 0))], "end")
    only.next(Expr(), Expr())  # as near to type 1 as to -1
    with pytest.raises(ArithmeticError, match="type 0 and value 0 .* 'begin' and not 'a'"):
        only.evaluate([], limit=1)
    for kind, value, chosen in ((-1, 0, "begin"), (1, 1 << 40, "z")):
        message = f"type {kind} and value {value} are too far .* would choose '{chosen}'"
        with pytest.raises(ArithmeticError, match=message):
            told(kind, value).evaluate(["a"], limit=1)


def test_types_are_told_apart_in_float64():
    """The largest type beside the largest values, where products of the output head are largest."""
    pytest.importorskip("highspy", reason="needs highspy: pip install 'libtvm[schedule]'")
    largest = (1 << 15) - 1
    values = [Token(f"t{i}", (largest, i), x=i) for i in (0, 1, 2, 1022, 1023)]
    m = Machine([*values, Token("end", (0, 0))], stop="end")
    m.next(largest * m.one, m["x"] + m.one)
    with m.build() as model:
        for path in ("plan", "layers"):
            run = model.generate(m.encode(["t1022"]), limit=3, path=path)
            assert run.exact and model.vocabulary[run.generated[0]] == "t1023"
            run = model.generate(m.encode(["t0"]), limit=4, path=path)
            assert [model.vocabulary[t] for t in run.generated[:2]] == ["t1", "t2"]


def test_squares_that_are_right():
    """A column of ones is its own square; what cannot be seen is left to the evaluator."""
    m = machine()
    (y,) = m.newest("n", m["x"], m["x"], m["x"], y=m["x"])
    step = m.step("s", m["x"])
    m.newest("of a step", step, step, step, z=m["x"])
    assert m.square("of a key", m["x"]).large  # nothing subtracts it, which could round
    (w,) = m.newest("of its own", y, y, m.square("q", y), w=m["x"])
    m.next(w - m.one, Expr())
    assert m.evaluate(["a"], limit=2) == ["a", "a"]
    m.next(y - m.one, Expr())
    (bad,) = m.newest("wrong", 2 * y, 2 * y, 2 * y, bad=m["x"])
    m.next(bad - m.one, Expr())
    with pytest.raises(ArithmeticError, match="'wrong': key_square is not the square"):
        m.evaluate(["a"], limit=2)


def test_too_few_layers():
    pytest.importorskip("highspy", reason="needs highspy: pip install 'libtvm[schedule]'")
    m = machine()
    (y,) = m.at("there", m.step("s", m["x"]), y=m["x"])
    m.next(y - m.one, Expr())
    for layers in (33, 2.5, "2"):
        with pytest.raises(MachineError, match=f"layers are a number from 2 to 32, not {layers!r}"):
            m.model_file(layers)
    for layers in (-1, 0, 1):
        with pytest.raises(MachineError, match=f"{layers} layers are too few: 'y', after"):
            m.model_file(layers)


def test_names_are_used_once():
    m = machine()
    m.step("s", m["x"])
    for again in ("s", "x", "one", "position"):
        with pytest.raises(MachineError, match=f"{again!r} is there already"):
            m.square(again, m["x"])


def test_what_is_read_must_be_there_before():
    """A dimension of another machine has no slot in this one."""
    m, other = machine(), machine()
    with pytest.raises(MachineError, match="'s' reads 'x', which is not of this machine"):
        m.step("s", other["x"])
    with pytest.raises(MachineError, match="'next' reads 'one'"):
        m.next(m["x"], other.one)


def test_a_condition_that_is_no_column():
    """The newest position where a computed number is 1; position 0 where there is none."""
    m = Machine([Token(f"t{i}", (0, i), value=i) for i in range(5)] + [Token("end", (1, 0))], "end")
    big = m.step("big", m["value"] - 2 * m.one)
    (found,) = m.latest("newest big", big, found=m["value"])
    m.next(m.at_zero("over", m.one, m["value"] - 4 * m.one), found._expr())
    assert m.evaluate(["t1"], limit=2) == ["t0", "t0"]
    assert m.evaluate(["t3", "t1"], limit=2) == ["t3", "t3"]
    assert m.evaluate(["t3", "t4"], limit=1) == ["end"]
