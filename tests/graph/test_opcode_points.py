"""Opcode points are gates: 1 for the same opcode, far below zero for every other."""

import pytest

from pyvm.graph.opcode_points import LARGE, SMALL, circle_for
from pyvm.graph.token_points import language
from pyvm.isa.instructions import INSTRUCTIONS


@pytest.mark.parametrize("machine, circle", [("base", SMALL), ("standard", LARGE)])
def test_every_opcode_has_its_own_point_on_the_circle(machine, circle):
    tokens = language(machine)
    assert tokens.circle is circle
    names = [row.name for row in INSTRUCTIONS.values() if row.base or machine == "standard"]
    points = [tokens.opcode[name] for name in names]
    assert len(set(points)) == len(names) == len(tokens.opcode)
    assert all(x * x + y * y == circle.radius_sq for x, y in points)


@pytest.mark.parametrize("circle, count", [(SMALL, 64), (LARGE, 120)])
def test_gates_separate_all_points(circle, count):
    points = circle.points()
    assert len(points) == count
    for px, py in points:
        for qx, qy in points:
            gate = px * qx + py * qy - circle.radius_sq + 1
            assert gate == 1 if (px, py) == (qx, qy) else gate <= -circle.margin


def test_a_gate_is_further_below_zero_than_any_instruction_is_long():
    for machine in ("base", "standard"):
        tokens = language(machine)
        longest = max(row.scratch + row.value_bytes + row.jumps for row in tokens.rows)
        assert tokens.circle.margin > longest


def test_the_smallest_circle_that_has_room():
    names = [str(i) for i in range(121)]
    assert circle_for(names[:64]) is SMALL and circle_for(names[:65]) is LARGE
    with pytest.raises(StopIteration):
        circle_for(names)
    with pytest.raises(ValueError, match="65 opcodes, but the circle has 64 points"):
        SMALL.place(names[:65])
