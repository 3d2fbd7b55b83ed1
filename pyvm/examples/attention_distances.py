"""How far back do the heads look?  For each lookup of the machine the distances in a trace.

Enters: a program.  Leaves: per head the share of positions by distance.  Run it:

    python -m pyvm.examples.attention_distances
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import pyvm
from pyvm.view.data import machine_of
from pyvm.view.evaluate import MEAN, evaluate

STEPS = (1, 10, 100, 1_000, 10_000)


def distances(run: pyvm.Run) -> dict[str, npt.NDArray[np.int64]]:
    """How many positions back each head attends to, per generated position of the trace.

    Heads are named by what they fetch. One that has nothing to find at a position attends to
    the begin of the prompt; the means, which attend to everything, are left out.
    """
    machine = machine_of(run.vocabulary)
    assert machine is not None, "a model of your own: machine.graph is its graph"
    positions = np.arange(run.prompt_length, run.tokens.size)
    values = evaluate(machine[0], run.tokens, positions)
    return {
        name: positions - source
        for name, source in zip(values.fetches, values.sources.T)
        if (source != MEAN).all()
    }


def main() -> None:
    with pyvm.load() as model:
        run = model.generate(pyvm.compile("collatz", input="7"))
    print(f"{'head':28}" + "".join(f"{f'< {step:,}':>10}" for step in STEPS))
    for name, back in distances(run).items():
        print(f"{name:28}" + "".join(f"{(back < step).mean():>10.0%}" for step in STEPS))


if __name__ == "__main__":
    main()
