"""C++ from its source: exceptions, as libc++ has them on other machines."""

from pathlib import Path

import pytest

from pyvm import helpers
from pyvm.compiler.c_options import COptions
from pyvm.compiler.compile import compile_file
from pyvm.engine.executor import execute
from pyvm.host.environment import Environment
from pyvm.isa.errors import CompileError, CompilerNotFound
from pyvm.isa.traps import Trap

SOURCE = Path(__file__).with_name("throws.cpp")
OUTPUT = b"""\
+middle +inner -inner -middle int 42
+middle +inner -inner [code 7] -middle coded 7
+middle +inner -inner -middle something
+middle +inner -inner -middle basic_string
+middle +inner -inner -middle stoi: no conversion
+middle +inner -inner -middle around
+middle +inner ~ ~ -inner -middle int 3
+middle +inner -inner -middle vector
+middle +inner nothing -inner -middle fine
kept
"""


@pytest.mark.skipif(helpers.zig() is None, reason="the zig wheel is not installed")
def test_exceptions(tmp_path):
    """Caught; ended by the library where they leave a function that promised none; and by nobody;
    with a file of C besides.
    """
    other = tmp_path / "other.c"
    other.write_text("int twice(int a) { return 2 * a; }\n")
    ends = []
    for count in (1, 2, 3):
        around = Environment(("throws",) * count)
        program = compile_file(SOURCE, environment=around, c=COptions(more=(other,)))
        ends.append(execute(program, 1 << 22))
        assert ends[-1].output == OUTPUT
    fine, ended, uncaught = ends
    assert fine.trap is None and fine.status == 5
    assert ended.errors.startswith(b"libc++abi: terminating") and "abort" in str(ended.trap)
    assert uncaught.trap.kind is Trap.UNCAUGHT_EXCEPTION
    assert "__cpp_exception" in str(uncaught.trap)


def test_what_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.cpp"
    path.write_text('extern "C" int add(int a, int b) { return a + b; }\n')
    if helpers.zig() is not None:
        with pytest.raises(CompileError, match="a.cpp is C\\+\\+: only its main can be run"):
            compile_file(path, entry="add", args=(1, 2))
    monkeypatch.setattr(helpers, "zig", lambda: None)
    with pytest.raises(CompilerNotFound):
        compile_file(path)
