"""Somebody's trace: is it what the model predicts, at every position, and what did it print?

Enters: a file of tokens, as `pyvm trace PROGRAM --tokens` writes it.  Leaves: a verdict.  Run it:

    pyvm trace hello --tokens > hello.txt
    python -m pyvm.examples.verify_trace hello.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyvm
from pyvm.engine.follow import output_bytes


def verdict(words: list[str], model: pyvm.Model) -> str:
    """What is to be said of a trace: where it is wrong, or what it wrote."""
    tokens = model.encode(words)
    check = model.verify(tokens)
    if not check.ok:
        expected, predicted = check.expected, check.predicted
        assert expected is not None and predicted is not None
        return (
            f"position {check.first_mismatch}: the trace has {model.vocabulary[expected]}, "
            f"the model predicts {model.vocabulary[predicted]}"
        )
    if not check.complete:
        return f"{check.checked:,} positions are right, but the trace does not come to its end"
    output = output_bytes(tokens, model.vocabulary)
    return f"all {check.checked:,} positions are right; it wrote {output.decode()!r}"


def main(arguments: list[str]) -> None:
    with pyvm.load() as model:
        print(verdict(Path(arguments[0]).read_text().split(), model))


if __name__ == "__main__":
    main(sys.argv[1:])
