"""A trace file verified by other processes: those of this machine, or the workers of a cluster.

Enters: a trace file, as `pyvm run PROGRAM --trace FILE` writes it, and the address of a scheduler
of dask.distributed where there is one.  Leaves: a verdict, from as many verdicts as the file has
segments.  Run it:

    pyvm run sudoku --trace run.trace
    python -m pyvm.examples.verify_distributed run.trace
    python -m pyvm.examples.verify_distributed run.trace scheduler:8786
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyvm


@contextmanager
def workers(scheduler: str | None) -> Iterator[Executor]:
    """Processes of this machine, or a cluster, which shares its files."""
    if scheduler is None:
        # A fork of a process with threads may hang.
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    else:
        from distributed import Client  # pip install 'libtvm[distributed]'

        with Client(scheduler) as client, client.get_executor() as pool:
            yield pool


def verdict(path: Path, model: pyvm.Model, pool: Executor) -> str:
    """What is to be said of a trace file."""
    check = model.verify(path, executor=pool)
    if not check.ok:
        if check.first_mismatch is None:
            return f"{path}: the border at position {check.wrong_border} is wrong"
        return f"{path}: position {check.first_mismatch} is wrong"
    end = "to its end" if check.complete else "and it goes on"
    return f"{path}: all {check.checked:,} positions are right, {end}"


def main(arguments: list[str]) -> None:
    file, scheduler, *_ = [*arguments, None]
    with pyvm.load() as model, workers(scheduler) as pool:
        print(verdict(Path(str(file)), model, pool))


if __name__ == "__main__":
    main(sys.argv[1:])
