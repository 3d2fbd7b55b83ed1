"""Profiles: tokens by function and line, as counts, as text, on a page, and from the command."""

import json

import pytest

import pyvm
from command import pyvm as command
from pyvm.isa.debug import Debug
from pyvm.isa.errors import ProgramError
from view.browser import Page

SOURCE = """__attribute__((noinline)) static int hot(int n) {
  volatile int sum = 0;
  for (int i = 0; i < n; i++) sum += i;
  return sum;
}

void compute(const char *input) {
  print_int(hot(500));
}
"""


@pytest.fixture(scope="module")
def hot(tmp_path_factory):
    """What `pyvm run --profile` writes, and the process."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "hot.c").write_text(SOURCE)
    done = command("run", "hot.c", "--profile", "page.html", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "page.html", done


def test_every_generated_token_is_counted_once(model):
    program = pyvm.compile("collatz", input="7")
    run = model.generate(program)
    found = run.profile(program)
    for parts in (found.functions, found.opcodes):
        assert sum(row.tokens for row in parts) == found.tokens == run.generated.size
        assert sum(row.instructions for row in parts) == found.instructions
        assert [row.tokens for row in parts] == sorted((r.tokens for r in parts), reverse=True)
    assert {"compute", "printf"} <= {row.name for row in found.functions}
    assert found.lines == ()  # bundled programs have no debug information


def test_without_the_program_opcodes_alone(model):
    run = model.generate(pyvm.compile("hello"))
    found = run.profile()
    assert found.functions == found.lines == ()
    assert found.opcodes and "Nothing is known" in found.html


def test_what_has_no_program_is_refused(model):
    run = model.generate(pyvm.compile("hello"))
    cut = run._replace(ids=run.ids[run.prompt_length :], prompt_length=0)
    with pytest.raises(ProgramError, match="has no program: give it"):
        cut.profile()
    assert cut._repr_html_() is None  # a notebook shows the text


def test_names_are_text_whatever_they_hold(model):
    program = pyvm.compile("hello")
    evil = "<script>alert(1)</script>\x1b[2J"
    units = tuple((first, evil) for first, _ in program.debug.units)
    named = program.replaced(debug=Debug(units=units), name=evil)
    found = model.generate(program).profile(named)
    assert "<script" not in found.html and "\x1b" not in found.html
    assert "\x1b" not in "".join(found.text())
    assert found._repr_html_().startswith("<iframe srcdoc=")


def test_command_tells_what_took_most(hot):
    path, done = hot
    assert json.loads(done.stdout)["output"] == "124750"
    lines = done.stderr.decode().splitlines()
    table = lines[lines.index(next(x for x in lines if x.startswith("function or routine"))) :]
    assert table[1].split()[0] == "hot" and table[1].split()[2].endswith("%")
    assert any(line.startswith("hot.c:3 ") for line in table)
    assert path.stat().st_size < 1 << 16


def test_of_a_run_in_a_trace_file_it_is_the_same(hot, tmp_path):
    (tmp_path / "hot.c").write_text(SOURCE)
    arguments = ("run", "hot.c", "--profile", "page.html", "--trace", "hot.trace")
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.html").read_bytes() == hot[0].read_bytes()


def test_command_keeps_stdout_for_the_program(tmp_path):
    done = command("run", "hello", "--profile", "-", cwd=tmp_path)
    assert done.returncode == 2 and b"--profile needs a file" in done.stderr
    done = command("run", "hello", "--profile", "x.html", "--inputs", "x", cwd=tmp_path)
    assert done.returncode == 2 and b"--inputs and --profile do not go together" in done.stderr
    done = command("run", "hello", "--profile", tmp_path / "no" / "x.html")
    assert done.returncode == 125 and b"x.html cannot be written" in done.stderr


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_in_a_browser(hot, width, dark):
    with Page(hot[0], width, dark, opens=False) as page:
        tokens = json.loads(hot[1].stdout)["tokens"]
        assert page.text("summary").startswith(f"{tokens:,} tokens for ")
        names = page.texts("details h2")
        assert names[0] == "Functions and routines" and names[1].startswith("hot.c: ")
        assert page.texts("td.name")[0] == "hot"
        hottest = "for (int i = 0; i < n; i++) sum += i;"
        rows = [row for row in page.texts("tbody tr") if row.endswith(hottest)]
        assert len(rows) == 1 and rows[0].startswith("3 ") and "%" in rows[0]
        bar = page.script(
            "const bar = document.querySelector('.share span');"
            "return bar.offsetWidth > 20 && getComputedStyle(bar).backgroundImage"
        )
        assert "gradient" in bar
        before = page.script("return document.body.offsetHeight")
        page.press("summary")
        assert page.script("return document.body.offsetHeight") < before
