"""The page of a run, in a browser: what it shows where one steps and searches."""

import pytest

import pyvm
from pyvm.isa.errors import ProgramError
from pyvm.view import View
from pyvm.view.data import page_data
from view.browser import driver


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


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_in_a_browser(page, width, dark):
    path, run = page
    browser = driver(width, dark)
    try:
        browser.get(path.as_uri())
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(browser, 20).until(
            lambda b: b.execute_script("return document.body.dataset.opened")
        )

        def text(name):
            return browser.execute_script("return byId(arguments[0]).textContent", name)

        def press(name):
            browser.execute_script("byId(arguments[0]).click()", name)

        assert f"{run.generated.size:,} tokens" in text("summary")
        assert "normal end" in text("summary")
        before = text("fact-position")
        press("next")
        assert text("fact-position") != before
        press("last")
        assert text("fact-position") == str(run.tokens.size - 1)
        assert text("output") == run.output.decode()
        press("token-back")
        assert 'chooses "halt"' in text("evaluated")
        search = "byId('query').value = arguments[0]; byId('find').requestSubmit()"
        browser.execute_script(search, "call")
        assert text("fact-instruction").split(": ")[1].startswith("call")
        browser.execute_script(search, "no such thing")
        assert text("found") == "not found"
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.get_log("browser") == []
    finally:
        browser.quit()


def test_no_array_hides_a_field_of_the_header(page):
    data = page_data(page[1])
    assert not data.header.keys() & data.arrays.keys()
