"""What a machine refuses, by name."""

from __future__ import annotations

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


def test_squares_that_are_right():
    """A column of ones is its own square; what cannot be seen is left to the evaluator."""
    m = machine()
    (y,) = m.newest("n", m["x"], m["x"], m["x"], y=m["x"])
    step = m.step("s", m["x"])
    m.newest("of a step", step, step, step, z=m["x"])
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
    for layers in (0, 1):
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
