"""What a fetch is: a gather names a position and finds that one."""

from pyvm.graph.primitives import Expr, Fetch
from pyvm.machine import Machine, Token
from pyvm.schedule.units import fetches, is_gather


def test_a_gather_looks_at_every_position_by_the_built_in_square():
    m = Machine([Token("a", (0, 0), x=1), Token("end", (1, 0))], stop="end")
    m.at("there", m.one, there=m["x"])
    m.newest("squared", m.one, m.position, m.square("q", m.position), found=m["x"])
    m.next(m["x"], m["x"])
    kinds = {f.name: is_gather(f, m.graph) for p in m.graph.persists for f in fetches(p)}
    assert kinds == {"there": True, "squared": False}
    position, _, square = m.graph.builtin
    own = (1 * position, 1 * square)
    for clear, expected in ((Expr(), True), (1 * m["x"], False)):
        fetch = Fetch("some", (1 * m["x"],), 1 * m.one, *own, clear)
        assert is_gather(fetch, m.graph) is expected
