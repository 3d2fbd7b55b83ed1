"""The exact evaluator on fetches and products whose results are known by hand."""

from fractions import Fraction

import pytest

from pyvm.graph.evaluate import Evaluator
from pyvm.graph.primitives import AVERAGE, LATEST, Expr, Fetch, Graph, Input, Persist, Reglu

BUILTIN = (Input("position"), Input("recency"), Input("position_sq"))
NAMES = ("key", "value", "clear", "query", "square")
INPUTS = {name: Input(name) for name in NAMES}


def values_of(persist: Persist, rows: list[tuple[int, ...]]) -> list:
    """Feeds one token per row (key, value, clear, query); the values of a persist."""
    columns = dict(
        zip(NAMES, zip(*((*row, row[0] ** 2) for row in rows), strict=True), strict=True)
    )
    graph = Graph(
        tuple(map(str, range(len(rows)))),
        {INPUTS[name]: column for name, column in columns.items()},
        BUILTIN,
        (persist,),
        Expr(),
        Expr(),
        tuple((0, i) for i in range(len(rows))),
    )
    evaluator, found = Evaluator(graph), []
    for token in range(len(rows)):
        evaluator.step(token)
        found.append(evaluator._values[persist])
    return found


def fetched(rows: list[tuple[int, ...]], tie: str = LATEST) -> list:
    key, value, clear, query, square = (INPUTS[name]._expr() for name in NAMES)
    return values_of(
        Persist("kept", Fetch("f", (value,), query, key, square, clear, tie).outputs()[0]._expr()),
        rows,
    )


def test_nearest_key_then_newest():
    # key value clear query; the query 4 has no key of its own, 5 is nearest.
    rows = [(5, 10, 0, 4), (2, 20, 0, 4), (5, 30, 0, 4), (9, 40, 0, 2)]
    assert fetched(rows) == [10, 10, 30, 20]


def test_equal_distances_take_the_newest():
    assert fetched([(3, 1, 0, 3), (5, 2, 0, 4)]) == [1, 2]


def test_the_least_cleared_position_wins_over_any_distance():
    rows = [(1000, 1, 0, 0), (0, 2, 1, 0), (0, 3, 2, 0)]
    assert fetched(rows) == [1, 1, 1]


def test_keys_beyond_float64_squares_stay_apart():
    far = 2**40
    assert fetched([(far, 1, 0, 0), (far + 1, 2, 0, 0), (0, 3, 1, far)]) == [1, 1, 1]
    assert fetched([(far, 1, 0, 0), (far + 1, 2, 0, far), (0, 3, 1, far + 1)])[1:] == [1, 2]


def test_average_is_a_fraction():
    assert fetched([(0, 1, 0, 0), (0, 1, 0, 0), (0, 2, 0, 0)], AVERAGE) == [1, 1, Fraction(4, 3)]


def test_reglu():
    product = Persist("p", Reglu("r", INPUTS["value"]._expr(), INPUTS["key"]._expr())._expr())
    assert values_of(product, [(3, -7, 0, 0), (-3, 7, 0, 0)]) == [-21, 0]


def test_a_wrong_square_is_noticed():
    key, value, clear, query, _ = (INPUTS[name]._expr() for name in NAMES)
    wrong = Fetch("f", (value,), query, key, key, clear)
    with pytest.raises(ArithmeticError, match="'f'"):
        values_of(Persist("kept", wrong.outputs()[0]._expr()), [(3, 1, 0, 3)])
