"""The page of a run: one file, whose data are those of the run."""

import pytest

import pyvm
from command import failure
from command import pyvm as command
from pyvm.isa.errors import ProgramError
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


def test_no_array_hides_a_field_of_the_header(page):
    data = page_data(page[1])
    assert not data.header.keys() & data.arrays.keys()
