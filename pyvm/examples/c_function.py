"""A function in C, called from Python as if it were Python; a transformer computes it.

Enters: the source, and the function's name.  Leaves: its results.  Run it:

    python -m pyvm.examples.c_function
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyvm

SOURCE = """
int gcd(int a, int b) {
  while (b != 0) { int rest = a % b; a = b; b = rest; }
  return a;
}
"""


def c_function(source: str, name: str, model: pyvm.Model) -> Callable[..., int]:
    """The C function `name` as a Python function of integers that gives one integer.

    It is compiled once, at the first call. What it traps on raises ArithmeticError.
    """
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / f"{name}.c"
    path.write_text(source)

    def call(*arguments: int) -> int:
        assert folder.name  # the file is there as long as the function
        program = pyvm.compile(path, entry=name, args=arguments)
        run = model.generate(program)
        if run.trap is not None:
            raise ArithmeticError(f"{name}{arguments}: {run.trap}")
        return int(run.output)

    return call


def main() -> None:
    with pyvm.load() as model:
        gcd = c_function(SOURCE, "gcd", model)
        print(f"gcd(1071, 462) = {gcd(1071, 462)}")


if __name__ == "__main__":
    main()
