"""Opcode points are gates: 1 for the same opcode, below zero for every other."""

from pyvm.graph.opcode_points import RADIUS_SQ, circle_points
from pyvm.graph.token_points import OPCODE_POINTS
from pyvm.isa.instructions import INSTRUCTIONS


def test_every_opcode_has_its_own_point_on_the_circle():
    points = [OPCODE_POINTS[name] for name in INSTRUCTIONS]
    assert len(set(points)) == len(INSTRUCTIONS)
    assert all(x * x + y * y == RADIUS_SQ for x, y in points)


def test_gates_separate_all_points():
    points = circle_points()
    assert len(points) == 64
    for px, py in points:
        for qx, qy in points:
            gate = px * qx + py * qy - RADIUS_SQ + 1
            assert gate == 1 if (px, py) == (qx, qy) else gate <= -1
