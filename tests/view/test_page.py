"""The page of a run: one file, whose data are those of the run."""

import pytest

import pyvm
from command import failure
from command import pyvm as command
from pyvm.isa.debug import Debug
from pyvm.isa.errors import ProgramError
from pyvm.schedule.schedule import shipped
from pyvm.view import View
from pyvm.view.data import page_data


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The file of collatz; the run comes from the transformer."""
    program = pyvm.compile("collatz", input="7")
    with pyvm.load() as model:
        run = model.generate(program)
    path = tmp_path_factory.mktemp("view") / "page.html"
    View(run, program).save(path)
    return path, run


def test_page_is_one_file_without_a_network(page):
    path, _ = page
    text = path.read_text("utf-8")
    assert "@" + "SCRIPT@" not in text and "@" + "TITLE@" not in text
    assert "default-src 'none'" in text and 'src="' not in text
    assert path.stat().st_size < 1 << 20


def test_position_that_is_none_is_refused(page):
    with pytest.raises(ProgramError, match="position 999999999 is not one of"):
        _ = View(page[1], at=999999999).html


def test_a_run_is_shown_by_a_notebook(page):
    assert page[1]._repr_html_().startswith('<iframe srcdoc="&lt;!doctype html&gt;')


def test_command_says_what_it_cannot_show(tmp_path):
    path = tmp_path / "page.html"
    said = failure(command("view", "hello", "-o", path, "--at", "99999"))
    assert "position 99999 is not one of the run's 2," in said
    said = failure(command("view", "hello", "-o", tmp_path / "none" / "page.html"))
    assert "page.html cannot be written" in said
    done = command("view", "hello", cwd=tmp_path)
    assert done.returncode == 2 and b"-o/--output" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_end_is_said_in_words(model):
    """An exit with a status of its own is no normal end."""
    program = pyvm.compile("collatz", input="7")
    run = model.generate(program)
    assert page_data(run, program).header["end"] == "normal end"
    assert page_data(model.generate(program, 9), program).header["end"] == "cut at the limit"
    left = run._replace()
    vars(left)["status"] = 3
    assert page_data(left, program).header["end"] == "exit status 3"


def test_names_are_text_whatever_they_hold(page):
    """In the title, and in the data, where an end tag would end the script."""
    program = pyvm.compile("collatz", input="7")
    evil = "</script><script>alert(1)</script><!--<script>"
    units = tuple((first, evil) for first, _ in program.debug.units)
    text = View(page[1], program.replaced(debug=Debug(units=units), name=evil)).html
    plain = View(page[1], program).html
    for mark in ("<script", "</script", "<!--"):
        assert text.count(mark) == plain.count(mark)
    assert "alert(1)" in text


def test_functions_and_slots_are_those_of_program_and_schedule(page):
    program = pyvm.compile("collatz", input="7")
    data = page_data(page[1], program)
    names = [data.header["functions"][number] for number in data.arrays["function"]]
    ends = [first for first, _ in program.debug.units[1:]] + [len(names)]
    assert program.debug.units and len(names) == len(program.listing)
    for (first, unit), end in zip(program.debug.units, ends):
        for i in range(first, end):
            assert names[i] == (program.places[i][0] or unit)
    slots = {name: slot for name, slot, _, _ in data.header["network"]["slots"]}
    assert slots and all(shipped("standard").slot[name] == slots[name] for name in slots)


def test_no_array_hides_a_field_of_the_header(page):
    data = page_data(page[1])
    assert not data.header.keys() & data.arrays.keys()
