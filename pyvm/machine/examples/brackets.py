"""A bracket matcher with a stack: whether every bracket is closed by one of its kind, in order.

Enters: brackets and `?`.  Leaves: `yes` or `no`, then `end`.
"""

from __future__ import annotations

from pyvm.machine import Machine, Token

PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))
ANSWER, END = 0, 1  # types of tokens


def brackets() -> Machine:
    tokens = [Token("?"), Token("end", (END, 0))]
    for number, (opening, closing) in enumerate(PAIRS):
        tokens += [Token(opening, opens=1, kind=number), Token(closing, closes=1, kind=number)]
    tokens += [Token(word, (ANSWER, v), answered=1) for v, word in enumerate(("yes", "no"))]
    m = Machine(tokens, stop="end")
    # The stack: an opening bracket lies at its depth, where its partner looks for the newest one.
    depth = m.running_sum("depth", m["opens"] - m["closes"])
    (kind,) = m.newest(
        "partner",
        query=depth + m["closes"],
        key=depth,
        square=m.square("depth squared", depth),
        where=m["opens"],
        partner_kind=m["kind"],
    )
    more, less = (
        m.product("more", m.one, kind - m["kind"]),
        m.product("less", m.one, m["kind"] - kind),
    )
    no_bracket = len(PAIRS) * (m.one - m["closes"])
    wrong = m.step("wrong partner", more + less - no_bracket)
    below = m.step("nothing open", -depth)
    errors = m.running_sum("errors", wrong + below)
    # Each position below depth 0 is an error: depth is at least -errors.
    m.next(kind=END * m["answered"], value=m.step("no", 2 * errors + depth)._expr())
    return m
