"""A point on a circle for every opcode: dispatch at one neuron per case.

Enters: opcode names.  Leaves: integer points with x*x + y*y = RADIUS_SQ.  For points P and Q of the
circle, P.Q - RADIUS_SQ + 1 is 1 when P = Q and at most -1 otherwise: a ready-made gate.  (P.Q is
RADIUS_SQ - |P - Q|^2 / 2, and no two integer points of this circle lie at distance sqrt(2).)
"""

from __future__ import annotations

from collections.abc import Iterable

# 5 * 13 * 17 * 29, the smallest number that is a sum of two squares in 64 ways.
RADIUS_SQ = 32045


def circle_points() -> list[tuple[int, int]]:
    """All 64 integer points, in lexicographic order."""
    limit = int(RADIUS_SQ**0.5)
    axis = range(-limit, limit + 1)
    return [(x, y) for x in axis for y in axis if x * x + y * y == RADIUS_SQ]


def opcode_points(opcodes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """A point of its own for every opcode."""
    return dict(zip(opcodes, circle_points(), strict=False))
