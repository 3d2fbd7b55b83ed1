"""Schedules: the shipped ones are right and optimal; the checker finds every fault."""

from dataclasses import replace

import pytest

from pyvm.graph.machine import build_machine
from pyvm.graph.specialize import ProgramTable
from pyvm.schedule.check import ScheduleError, check
from pyvm.schedule.schedule import Schedule, assign_slots, shipped
from pyvm.schedule.solve import NoSchedule, earliest, solve

TABLE = ProgramTable([("i32.const", 0x01010101), ("drop", 0x05070605), ("halt", 0)])
GRAPHS = {"standard": build_machine(), "specialized": build_machine(TABLE)}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_shipped_schedule_computes_its_graph(name):
    check(GRAPHS[name], shipped(name))


def test_the_standard_machine_keeps_its_layers_and_width():
    schedule = shipped("standard")
    assert schedule.layers <= 7 and schedule.width <= 38


@pytest.mark.parametrize("name", GRAPHS)
def test_no_schedule_has_fewer_layers_or_is_narrower(name):
    pytest.importorskip("highspy")
    schedule = shipped(name)
    assert max(earliest(GRAPHS[name]).values()) == schedule.layers
    assert solve(GRAPHS[name], schedule.layers).width == schedule.width
    with pytest.raises(NoSchedule, match=f"{schedule.layers - 1} layers"):
        solve(GRAPHS[name], schedule.layers - 1)


def test_more_layers_need_less_width():
    pytest.importorskip("highspy")
    graph = GRAPHS["standard"]
    wider = solve(graph, 6)
    check(graph, wider)
    assert wider.width < shipped("standard").width


def test_the_earliest_placement_is_a_schedule():
    graph = GRAPHS["standard"]
    check(graph, assign_slots(graph, 4, earliest(graph)))


def test_json_keeps_everything():
    schedule = shipped("standard")
    assert Schedule.from_json(schedule.to_json()) == schedule


def spoil(schedule: Schedule, **changes) -> Schedule:
    parts = {"layer": dict(schedule.layer), "slot": dict(schedule.slot)}
    for part, entries in changes.items():
        parts[part].update(entries)
    return replace(schedule, **parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": {"value": 3}}, "which is not in its slot"),
        ({"layer": {"cursor_sum": 9}}, "has no layer"),
        ({"slot": {"byte": 4711}}, "has no slot"),
        ({"slot": {"byte": 0}}, "overwrites"),
        ({"slot": {"recency": 5, "byte": 1}}, "recency must be in slot 1"),
        ({"layer": {"top": 4}}, "different layers|not in its slot"),
    ],
)
def test_the_checker_finds_a_fault(changes, message):
    with pytest.raises(ScheduleError, match=message):
        check(GRAPHS["standard"], spoil(shipped("standard"), **changes))


def test_every_single_wrong_layer_is_found():
    """In the fewest layers nothing that others wait for can move earlier."""
    schedule, graph = shipped("standard"), GRAPHS["standard"]
    for persist in graph.persists:
        moved = spoil(schedule, layer={persist.name: schedule.layer[persist.name] - 1})
        with pytest.raises(ScheduleError):
            check(graph, moved)
