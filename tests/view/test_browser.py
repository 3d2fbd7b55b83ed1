"""The page of a run in a browser: what it shows where somebody steps, jumps and searches."""

import json

import numpy as np
import pytest

import pyvm
from command import pyvm as command
from pyvm.graph.machine import build_machine
from pyvm.graph.primitives import AVERAGE, Expr, Fetch, Graph, Input, Persist, Reglu
from pyvm.view import View
from pyvm.view.evaluate import evaluate
from pyvm.view.html import frame
from pyvm.view.network import network
from view.browser import Page

# 64-bit locals, a loop of calls, output, and a trap at the end: 12 / 0.
SOURCE = """long long total = 5000000000LL;

__attribute__((noinline)) static long long twice(long long value) {
  volatile long long more = value * 2;
  return more + total;
}

__attribute__((noinline)) static int divide(unsigned a, unsigned b) {
  return a / b;
}

void compute(const char *input) {
  long long sum = 0;
  for (int i = 3; i >= 0; i--) {
    sum += twice(i);
    print_int((int)(sum / 1000000000));
    print_str(" gr\u00f6\u00dfer ");
    print_int(divide(12, i));
    print_str("\\n");
  }
}
"""
SIZES = [(1280, False), (390, True), (1280, True), (390, False)]


@pytest.fixture(scope="module")
def trapping(tmp_path_factory):
    """The page that `pyvm view` writes, and what `pyvm run` says of the same program."""
    folder = tmp_path_factory.mktemp("view")
    (folder / "prog.c").write_text(SOURCE)
    done = command("view", "prog.c", "-o", "page.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(command("run", "--json", "prog.c", cwd=folder).stdout)
    size = (folder / "page.html").stat().st_size
    total = report["tokens"] + report["prompt_tokens"]
    assert f"{total:,} tokens, a page of {size:,} bytes" in done.stderr.decode()
    return folder / "page.html", report


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A million tokens of sudoku."""
    program = pyvm.compile("sudoku")
    with pyvm.load() as model:
        run = model.generate(program, 1_000_000)
    path = tmp_path_factory.mktemp("view") / "page.html"
    View(run, program, at=500_000).save(path)
    assert path.stat().st_size < 1_000_000  # less than a byte a token
    return path, run


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_a_trap_its_line_and_its_state(trapping, width, dark):
    path, report = trapping
    with Page(path, width, dark) as page:
        assert f"{report['tokens']:,} tokens" in page.text("summary")
        assert "trap: integer division by zero" in page.text("summary")
        page.press("#trap")
        assert page.text("fact-instruction").split(": ")[1] == "i32.div_u"
        assert page.text("fact-trap").startswith("integer division by zero in divide")
        assert page.text("fact-line") == page.texts("#text .note")[0] == "prog.c:9"
        assert page.texts("#text .here") == ["9   return a / b;"]
        assert page.texts("#listing .here")[0].endswith("i32.div_u divide")
        assert page.text("fact-function") == "divide"
        assert page.texts("#calls button")[0].startswith("from compute at ")
        assert page.texts("#stack span")[:2] == ["2:  0", "1:  12"]  # it did not complete
        assert page.texts("#rows .here")[0].endswith("trap")
        assert page.texts("#made button") == ["trap(divide_by_zero)", "halt"]
        assert page.text("output") == report["output"]
        page.press("#text div:nth-child(2)")  # a line of the source: to where it is executed next
        assert page.texts("#text .here")[0] == "5   return more + total;"
        assert page.text("fact-function") == "twice"
        cursor = int(page.texts("#listing .here")[0].split()[0])
        page.press("#listing div:nth-child(7)")  # an instruction of the program, too
        assert page.text("fact-instruction").startswith(f"{cursor + 1}: ")
        colour = page.script("return getComputedStyle(document.body).backgroundColor")
        assert colour == ("rgb(20, 23, 27)" if dark else "rgb(251, 251, 248)")


@pytest.mark.parametrize(("width", "dark"), SIZES[:2])
def test_keys_and_buttons_step(trapping, width, dark):
    path, report = trapping
    with Page(path, width, dark) as page:

        def position():
            return int(page.text("fact-position"))

        begin = position()
        assert begin == report["prompt_tokens"]
        for button, key, back in (
            ("#token-next", "ARROW_RIGHT", "h"),
            ("#next", "j", "ARROW_UP"),
        ):
            before = position()
            page.press(button)
            after = position()
            assert after > before
            page.key(back)
            page.key(key)
            assert position() == after
        page.key("END")
        assert position() == report["prompt_tokens"] + report["tokens"] - 1
        page.key("HOME")
        assert position() < begin  # what the prompt gives is read as executed
        page.press("#run")
        assert page.text("run") == "pause"
        end = page.script("return app.trace.start[8]")
        page.script("byId('run').scrollIntoView()")
        page.wait(lambda: position() >= end)
        page.key("SPACE")  # the button has the focus: it is pressed
        assert page.text("run") == "run"
        page.press("#rows li:last-child")
        assert position() > end


@pytest.mark.parametrize(("width", "dark"), SIZES[:2])
def test_search_finds_lines_instructions_functions_and_output(trapping, width, dark):
    path, report = trapping
    with Page(path, width, dark) as page:

        def search(text):
            page.write("#query", text)
            return page.text("found")

        search("prog.c:4")
        assert page.text("fact-line") == "prog.c:4"
        search("twice")
        assert page.text("fact-function") == "twice"
        search("i64.add")
        assert page.text("fact-instruction").split(": ")[1] == "i64.add"
        wide = [text for text in page.texts("#locals span") if "(64 bits)" in text]
        assert wide, page.texts("#locals span")
        search("i64.store")  # what is twice 2, in the memory
        assert page.text("memory-title").startswith("Memory: 8 bytes written at ")
        assert page.texts("#memory mark") == ["04", *["00"] * 7]
        address = page.text("memory-title").split()[-1]
        search("i64.load")
        if not page.text("memory-title").endswith(address):  # `total` is read first
            assert page.texts("#memory mark") == "00 f2 05 2a 01 00 00 00".split()
            search("i64.load")
        assert page.text("memory-title") == f"Memory: 8 bytes read at {address}"
        assert page.texts("#memory mark") == ["04", *["00"] * 7]
        search("call +")
        to = page.text("fact-effect").removeprefix("to ")
        page.press("#next")
        assert page.text("fact-instruction").split(": ")[0] == to
        search("10 GR\u00f6")  # letters of either case
        assert page.text("output").endswith("\n10 gr\u00f6")
        assert page.text("fact-effect") == "writes 0xb6"
        assert page.text("fact-line").startswith("print.c:")  # the runtime's text is known, too
        assert "output_byte(*text)" in page.texts("#text .here")[0]
        page.key("N")  # the match before it: around the beginning, the same
        assert page.text("output").endswith("\n10 gr\u00f6")
        assert search("no such thing") == "not found"
        search("#77")
        assert page.text("fact-position") == "77"
        assert search("#999999999").startswith("the last position is")
        search("trap")
        assert page.text("fact-trap")


@pytest.mark.parametrize(("width", "dark"), SIZES[:2])
def test_heads_residual_stream_and_layers(trapping, width, dark):
    path, _ = trapping
    with Page(path, width, dark) as page:
        page.press("#last")
        page.press("#token-back")
        position = int(page.text("fact-position"))
        assert f'chooses "{page.text("fact-next-token")}"' in page.text("evaluated")
        rows = page.texts("#heads tbody tr")
        assert f"1 byte 1 back gather {position - 1}" in rows[0]
        visible = page.script(
            "return [...byId('heads').rows[1].cells].filter((cell) => cell.offsetWidth)"
            ".map((cell) => cell.getBoundingClientRect().right <= innerWidth)"
        )
        assert visible == [True] * (5 if width > 900 else 4)
        labels = page.texts("#arcs .label")
        assert any(label.startswith("byte 1 back") for label in labels)
        values = dict(line.rsplit(" ", 1) for line in page.texts("#dimensions div"))
        assert values["position"] == str(position)
        page.write("#filter", "stack_dep")
        assert page.texts("#dimensions div b") == ["mean stack_depth", "stack_depth"]
        page.press("#schedule rect")
        assert page.text("picked").startswith("Slot ")
        assert page.script("return document.querySelectorAll('#schedule rect').length") > 56


@pytest.mark.parametrize("machine", ["standard", "base"])
def test_the_network_is_that_of_the_evaluator(machine, tmp_path):
    """Dimensions, heads and the next token, as Python computes them for all positions."""
    program = pyvm.compile("hello", machine=machine)
    with pyvm.load(machine) as model:
        run = model.generate(program)
    View(run, program).save(tmp_path / "page.html")
    positions = np.arange(0, run.tokens.size, 7)
    expected = evaluate(build_machine(machine), run.tokens, positions)
    with Page(tmp_path / "page.html", 1280) as page:
        found = page.script("return arguments[0].map((p) => app.network.at(p))", positions.tolist())
        network = page.script("return app.data.network")
    assert tuple(network["dimensions"]) == expected.names
    assert tuple(fetch["name"] for fetch in network["fetches"]) == expected.fetches
    assert [row["predicted"] for row in found] == expected.predicted.tolist()
    assert [row["sources"] for row in found] == expected.sources.tolist()
    values = np.array([row["values"] for row in found])
    # A logarithm differs by a rounding, nothing else does.
    recency = expected.names.index("recency")
    assert values[:, recency] == pytest.approx(expected.values[:, recency], rel=1e-12)
    values[:, recency] = expected.values[:, recency]
    assert np.array_equal(values, expected.values)


def test_lookups_of_cleared_positions_and_sums_on_the_page(trapping):
    """A graph with what no machine has: clearing by degrees, far keys, sums that a mean rounds."""
    inputs = [Input(name) for name in ("one", "key", "clear", "query", "term")]
    one, key, clear, query, term = inputs
    position, recency, square = Input("position"), Input("recency"), Input("position_sq")
    asked = Fetch("asked", (key + 100 * clear,), 1 * query, 1 * key, Expr(), 1 * clear)
    mean = Fetch("mean", (1 * term,), Expr(), Expr(), Expr(), Expr(), AVERAGE)
    found = Persist("found", 1 * asked.outputs()[0])
    average = Persist("average", 1 * mean.outputs()[0])
    count = Persist("count", 1 * Reglu("count", 1 * average, position + one))
    random = np.random.default_rng(3)
    columns = [[1] * 40, *random.integers([[0], [0], [-5], [0]], [[90], [5], [95], [9]], (4, 40))]
    graph = Graph(
        vocabulary=tuple(f"t{i}" for i in range(40)),
        embedding={dim: tuple(map(int, column)) for dim, column in zip(inputs, columns)},
        builtin=(position, recency, square),
        persists=(found, average, count),
        token_type=Expr(),
        value=1 * found,
        points=tuple((0, i) for i in range(40)),
    )
    tokens = random.integers(0, 40, 500).astype(np.int32)
    tokens[:200] = tokens[:200][np.argsort(-np.array(columns[2])[tokens[:200]])]
    everywhere = np.arange(tokens.size)
    expected = evaluate(graph, tokens, everywhere)
    header, arrays = network(graph, tokens)
    script = """const [network, arrays, tokens, vocabulary] = arguments;
        const made = new Network({ network, ...arrays, tokens, vocabulary });
        return tokens.map((_, p) => made.at(p));"""
    lists = {name: array.ravel().tolist() for name, array in arrays.items()}
    with Page(trapping[0], 1280) as page:
        rows = page.script(script, header, lists, tokens.tolist(), graph.vocabulary)
    assert [row["sources"] for row in rows] == expected.sources.tolist()
    made = np.array([row["values"] for row in rows])
    assert np.array_equal(made[:, 3:], expected.values[:, 3:])
    assert [row["predicted"] for row in rows] == expected.predicted.tolist()


def test_a_notebook_shows_it_in_a_frame(trapping, tmp_path):
    path, report = trapping
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><body>{frame(path.read_text('utf-8'), 'Trace')}", "utf-8")
    with Page(notebook, 1280, opens=False) as page:
        page.enter_frame()
        assert f"{report['tokens']:,} tokens" in page.text("summary")
        page.press("#trap")
        assert page.text("fact-trap").startswith("integer division by zero")


def test_a_million_tokens(million):
    path, run = million
    with Page(path, 1280) as page:
        assert "1,000,000 tokens" in page.text("summary")
        assert "cut at the limit" in page.text("summary")
        assert page.text("fact-position") == "500000"
        for position in (500_000, 777_777, run.tokens.size - 2):  # the network is known anywhere
            page.script(f"app.go({position})")
            next_token = page.text("fact-next-token")
            assert next_token == run.vocabulary[run.tokens[position + 1]]
            assert f'chooses "{next_token}"' in page.text("evaluated")
            values = dict(line.rsplit(" ", 1) for line in page.texts("#dimensions div"))
            assert values["position"] == str(position)
        page.press("#last")
        assert page.text("fact-position") == str(run.tokens.size - 1)
        assert run.output.decode().endswith(page.text("output")[-200:])
        page.write("#query", "contradiction at r2c1")
        assert page.text("output").endswith("contradiction at r2c1")
