"""What a machine refuses, by name."""

from __future__ import annotations

import pytest

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
        (lambda: Machine([Token("a")], stop="end"), "stop token 'end'"),
        (lambda: Machine([Token("a"), Token("a")], stop="a"), "'a' is there twice"),
        (lambda: Machine([Token("begin")], stop="begin"), "'begin' is there twice"),
        (lambda: machine()["y"], "no token has a column 'y'"),
        (lambda: machine().graph, "call next"),
        (lambda: machine().encode(["b"]), "no token is written 'b'"),
        (lambda: machine().at("it", machine().position), "'it' fetches nothing"),
    ],
)
def test_refused(make, message: str):
    with pytest.raises(MachineError, match=message):
        make()


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
