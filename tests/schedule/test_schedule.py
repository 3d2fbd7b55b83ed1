"""Schedules: the shipped ones are right and optimal; the checker finds every fault."""

from dataclasses import replace

import pytest

from pyvm.engine.dense import predict
from pyvm.graph.evaluate import predict as evaluate
from pyvm.graph.machine import build_machine
from pyvm.graph.primitives import Expr, Graph, Reglu
from pyvm.graph.specialize import ProgramTable
from pyvm.graph.state import Builder
from pyvm.graph.token_points import EMBEDDED, language
from pyvm.schedule.check import ScheduleError, check
from pyvm.schedule.schedule import Schedule, assign_slots, shipped
from pyvm.schedule.solve import NoSchedule, earliest, solve
from pyvm.weights.graph_to_weights import build_weights

BASE = language("base")
VOCABULARY = BASE.vocabulary
TABLE = ProgramTable([("i32.const", 0x01010101), ("drop", 0x05070605), ("halt", 0)])
GRAPHS = {
    "base": build_machine("base"),
    "standard": build_machine("standard"),
    "special_base": build_machine("base", TABLE),
    "special_standard": build_machine("standard", TABLE),
}
QUICK = ("base", "special_base")  # solved in a second; the others take minutes


@pytest.mark.parametrize("name", GRAPHS)
def test_the_shipped_schedule_computes_its_graph(name):
    check(GRAPHS[name], shipped(name))


@pytest.mark.parametrize(
    ("name", "layers", "width"),
    [("base", 4, 24), ("special_base", 5, 24), ("standard", 7, 56), ("special_standard", 8, 58)],
)
def test_the_shipped_schedule_has_layers_width_and_proof(name, layers, width):
    schedule = shipped(name)
    assert (schedule.layers, schedule.width) == (layers, width)
    assert f"gap 0: with {layers} layers" in schedule.proof
    assert f"narrower than {width}," in schedule.proof


@pytest.mark.parametrize("name", QUICK)
def test_no_schedule_has_fewer_layers_or_is_narrower(name):
    pytest.importorskip("highspy")
    schedule = shipped(name)
    assert max(earliest(GRAPHS[name]).values()) == schedule.layers
    assert solve(GRAPHS[name], schedule.layers).width == schedule.width
    with pytest.raises(NoSchedule, match=f"{schedule.layers - 1} layers"):
        solve(GRAPHS[name], schedule.layers - 1)


@pytest.mark.parametrize("layers", [5, 6])
def test_more_layers_need_less_width(layers):
    pytest.importorskip("highspy")
    graph = GRAPHS["base"]
    narrower = solve(graph, layers)
    check(graph, narrower)
    assert narrower.width == 22


@pytest.mark.parametrize("name", QUICK)
def test_the_shipped_schedule_is_what_the_solver_finds(name):
    pytest.importorskip("highspy")
    schedule = shipped(name)
    solved = solve(GRAPHS[name], schedule.layers)
    assert (solved.width, len(solved.cleared)) == (schedule.width, len(schedule.cleared))
    assert solved.proof.partition(",")[2] == schedule.proof.partition(",")[2]


def test_the_earliest_placement_is_a_schedule():
    graph = GRAPHS["base"]
    check(graph, assign_slots(graph, 4, earliest(graph)))


def test_json_keeps_everything():
    schedule = shipped("base")
    assert Schedule.from_json(schedule.to_json()) == schedule


def spoil(schedule: Schedule, **changes) -> Schedule:
    parts = {name: dict(getattr(schedule, name)) for name in ("layer", "slot", "cleared")}
    for part, entries in changes.items():
        parts[part].update(entries)
    return replace(schedule, **parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": {"wrapped": 3}}, "which is not in its slot"),
        ({"layer": {"cursor_sum": 9}}, "has no layer"),
        ({"slot": {"byte": 4711}}, "has no slot"),
        ({"slot": {"byte": 0}}, "overwrites"),
        ({"slot": {"recency": 5, "byte": 1}}, "recency must be in slot 1"),
        ({"layer": {"top": 4}}, "different layers|not in its slot"),
        ({"cleared": {"byte": 1}}, "reads byte, which is not in its slot"),
        ({"cleared": {"byte": 8}}, "overwrites byte"),
        ({"cleared": {"byte": 9}}, "half 9, which does not exist"),
        ({"cleared": {"wrapped": 3}}, "its clearing reads wrapped, which is not in its slot"),
        ({"cleared": {"bytes": 3}}, "no dimension of the graph"),
        ({"cleared": {"recency": 8}}, "recency is cleared"),
        ({"cleared": {"position_sq": 8}}, "position_sq is cleared"),
        ({"cleared": {"one": 2}}, "which is not in its slot"),
        ({"cleared": {"one": 8}}, "the output head reads one, which is not in its slot"),
        ({"cleared": {"wrapped": 0}}, "half 0, which does not exist"),
    ],
)
def test_the_checker_finds_a_fault(changes, message):
    with pytest.raises(ScheduleError, match=message):
        check(GRAPHS["base"], spoil(shipped("base"), **changes))


def test_an_odd_width_is_a_fault():
    with pytest.raises(ScheduleError, match="the width 25 is odd"):
        check(GRAPHS["base"], replace(shipped("base"), width=25))


def test_every_single_wrong_layer_is_found():
    """In the fewest layers nothing that others wait for can move earlier."""
    schedule, graph = shipped("base"), GRAPHS["base"]
    for persist in graph.persists:
        moved = spoil(schedule, layer={persist.name: schedule.layer[persist.name] - 1})
        with pytest.raises(ScheduleError):
            check(graph, moved)


def small_graph(*names, persists):
    """A graph over embedded inputs; `persists` makes its persists, of which the last is output."""
    builder = Builder(EMBEDDED)
    persists(builder)
    columns = BASE.embedding_columns(VOCABULARY)
    return Graph(
        vocabulary=VOCABULARY,
        embedding={builder.embedded[name]: columns[name] for name in names},
        builtin=(builder.position, builder.recency, builder.position_sq),
        persists=tuple(builder.persists),
        token_type=Expr(),
        value=builder.persists[-1]._expr(),
        points=tuple(BASE.output_point(token) for token in VOCABULARY),
    )


@pytest.mark.parametrize(
    ("slot", "cleared"),
    [
        ({"mean depth": 4, "depth": 5}, {"stack_step": 1}),  # the mean would replace an integer
        ({"mean depth": 5, "depth": 5}, {"mean depth": 2}),  # an integer would replace the mean
    ],
)
def test_what_is_no_integer_replaces_nothing_and_is_not_replaced(slot, cleared):
    """New minus old is one sum of float64."""
    graph = small_graph(
        "one", "stack_step", persists=lambda b: b.running_sums(("depth", b.embedded["stack_step"]))
    )
    slots = {"position": 0, "recency": 1, "position_sq": 2, "one": 3, "stack_step": 4}
    apart = Schedule(1, 8, earliest(graph), slots | {"mean depth": 5, "depth": 6}, cleared)
    check(graph, apart)
    with pytest.raises(ScheduleError, match="would be rounded"):
        check(graph, replace(apart, slot=apart.slot | slot))


@pytest.mark.parametrize("large", [False, True])
def test_a_large_integer_replaces_nothing(large):
    """Where it passes 2**53, new minus old would be rounded."""

    def squared(b):
        byte = b.embedded["byte"]._expr()
        b.persist("square", Reglu("square", byte, byte), large)

    graph = small_graph("one", "byte", persists=squared)
    slots = {"position": 0, "recency": 1, "position_sq": 2, "one": 3, "byte": 4, "square": 4}
    schedule = Schedule(1, 6, earliest(graph), slots, {"byte": 2})
    if not large:
        check(graph, schedule)
        return
    with pytest.raises(ScheduleError, match="square replaces byte.*would be rounded"):
        check(graph, schedule)


def three_bytes_back(b):
    gathers = [b.gather(f"back {i}", b.embedded["byte"], b.position - i * b.one) for i in (1, 2, 3)]
    b.persist("sum", gathers[0] + gathers[1] + gathers[2])


def test_clearing_two_slots_takes_a_head():
    names = ("one", "byte", "carry", "taken")
    graph = small_graph(*names, persists=three_bytes_back)
    slots = {"position": 0, "recency": 1, "position_sq": 2, "sum": 7}
    slots |= {name: 3 + i for i, name in enumerate(names)}
    schedule = Schedule(1, 8, earliest(graph), slots, {"byte": 1, "carry": 1})
    check(graph, schedule)
    with pytest.raises(ScheduleError, match="half 1 needs 5 heads of 4"):
        check(graph, replace(schedule, cleared={**schedule.cleared, "taken": 1}))


def test_a_head_that_clears_needs_the_position():
    def copied(b):
        b.persist("copy", Reglu("copy", b.embedded["byte"]._expr(), b.one._expr()))

    graph = small_graph("one", "byte", persists=copied)
    slots = {"position": 0, "recency": 1, "position_sq": 2, "one": 3, "byte": 4, "copy": 5}
    schedule = Schedule(2, 6, earliest(graph), slots, {"position": 3, "byte": 3})
    check(graph, schedule)
    with pytest.raises(ScheduleError, match="the clearing of byte reads position"):
        check(graph, replace(schedule, cleared={"position": 2, "byte": 3}))


def test_a_neuron_that_clears_needs_one_to_be_one():
    graph, schedule = GRAPHS["base"], shipped("base")
    one = next(dim for dim in graph.embedding if dim.name == "one")
    column = (0, *graph.embedding[one][1:])
    with pytest.raises(ScheduleError, match="one is not 1 for every token"):
        check(replace(graph, embedding={**graph.embedding, one: column}), schedule)


def depth_and_copy(b):
    b.running_sums(("depth", b.embedded["stack_step"]))
    b.persist("copy", Reglu("copy", b.embedded["byte"]._expr(), b.one._expr()))


def found_by_key(b):
    byte, one = b.embedded["byte"]._expr(), b.one._expr()
    value, key = (b.persist(name, Reglu(name, byte, one)) for name in ("value", "key"))
    square = b.persist("square", Reglu("square", byte, byte))
    b.persist("found", b.newest("found", (value,), key, key, square, Expr())[0])


def nobody_reads(b):
    for name in ("a", "b", "c", "read"):
        b.persist(name, Reglu(name, b.embedded["byte"]._expr(), b.one._expr()))


@pytest.mark.parametrize(
    ("names", "persists", "layers"),
    [
        (("one", "byte", "stack_step"), depth_and_copy, 1),  # 6 if a mean could replace
        (("one", "byte"), found_by_key, 2),  # 6 if a head that clears needed no position
        (("one", "byte"), nobody_reads, 1),  # 6 if what nobody reads needed no slot
    ],
)
def test_what_the_solver_proves_is_what_the_checker_allows(names, persists, layers):
    pytest.importorskip("highspy")
    graph = small_graph(*names, persists=persists)
    schedule = solve(graph, layers)
    check(graph, schedule)
    assert schedule.width == 8 and "narrower than 8" in schedule.proof


def test_two_dimensions_of_one_name_are_a_fault():
    graph = GRAPHS["base"]
    with pytest.raises(ScheduleError, match="the same name"):
        check(replace(graph, persists=(*graph.persists, graph.persists[-1])), shipped("base"))


def test_a_graph_without_lookups_keeps_the_slot_of_recency():
    """Nothing reads the recency there; x[1] += r(p) still is added in the first step."""

    def twice_the_byte_before(b):
        before = b.persist("back", b.gather("back", b.embedded["byte"], b.position - b.one))
        b.persist("twice", Reglu("twice", 2 * before, b.one._expr()))

    graph = small_graph("one", "byte", persists=twice_the_byte_before)
    schedule = assign_slots(graph, 1, earliest(graph))
    tokens = [VOCABULARY.index(t) for t in ("05", "11", "07", "20")]
    expected = evaluate(graph, tokens)
    assert [VOCABULARY[token] for token in expected] == ["0a", "0a", "22", "0e"]
    assert predict(build_weights(graph, schedule), tokens) == expected
    with pytest.raises(ScheduleError, match="overwrites recency"):
        build_weights(graph, replace(schedule, slot={**schedule.slot, "back": 1}))
