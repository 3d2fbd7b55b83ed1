"""A point on a circle for every opcode: dispatch at one neuron per case.

Enters: opcode names.  Leaves: integer points with x*x + y*y = R.  For points P and Q of the circle,
P.Q - R + 1 is 1 when P = Q and at most -margin otherwise: a ready-made gate.  (P.Q is
R - |P - Q|^2 / 2; points whose distance would make the margin smaller are left out.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Circle:
    """radius_sq: R; margin: how far below zero a gate is for every other opcode, at least."""

    radius_sq: int
    margin: int

    def points(self) -> list[tuple[int, int]]:
        """All points that keep the margin to each other, around the circle."""
        limit = math.isqrt(self.radius_sq)
        found: list[tuple[int, int]] = []
        for x in range(-limit, limit + 1):
            y = math.isqrt(self.radius_sq - x * x)
            if x * x + y * y == self.radius_sq:
                found += {(x, y), (x, -y)}
        kept: list[tuple[int, int]] = []
        for x, y in sorted(found):
            if all(x * u + y * v - self.radius_sq + 1 <= -self.margin for u, v in kept):
                kept.append((x, y))
        return kept

    def place(self, opcodes: Sequence[str]) -> dict[str, tuple[int, int]]:
        """A point of its own for every opcode."""
        points = self.points()
        if len(opcodes) > len(points):
            raise ValueError(f"{len(opcodes)} opcodes, but the circle has {len(points)} points")
        return dict(zip(opcodes, points, strict=False))


# 5 * 13 * 17 * 29, the smallest number that is a sum of two squares in 64 ways.
SMALL = Circle(32045, 6)
# 5 * 13 * 17 * 29 * 37: 128 ways, of which 120 keep a margin beyond the longest instruction.
LARGE = Circle(1185665, 64)


def circle_for(opcodes: Sequence[str]) -> Circle:
    """The smallest circle that has a point for each."""
    return next(c for c in (SMALL, LARGE) if len(c.points()) >= len(opcodes))
