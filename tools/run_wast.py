#!/usr/bin/env python3
"""Runs the assertions of WebAssembly's test suite (.wast files) through the weights.

    tools/run_wast.py FILE.wast|FOLDER ... [--engine executor] [--verbose]

Enters: scripts of the official suite, or folders of them.  Leaves: a row for each: how many of its
assertions of results, traps and exceptions passed, failed, were refused (they come to what pyvm
does not compile) and skipped (they need a second module with a state, or are of SIMD and later
proposals); and how many modules that must be refused are.  What failed is said on stderr, with
--verbose all that did not pass.  Exit status 1 where an assertion failed, 2 where a file is no
script.

A module keeps its state from one action to the next: see wast/program.py.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from measure import table
from wast.judge import Engine, Judge
from wast.script import Script

import pyvm
from pyvm.engine.executor import execute

OUTCOMES = ("passed", "failed", "refused", "skipped")


def engine(name: str) -> Engine:
    if name == "executor":
        return execute
    return pyvm.load().generate


def scripts(paths: list[Path]) -> list[Path]:
    """The files, and those in the folders."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob("*.wast")) if path.is_dir() else [path]
    return found


class Totals:
    """Rows of the table, and why assertions were skipped."""

    def __init__(self, verbose: bool):
        self.verbose = verbose
        self.rows: list[tuple[str, Counter[str]]] = []
        self.reasons: Counter[str] = Counter()

    def add(self, path: Path, engine: Engine) -> None:
        def said(outcome: str, line: int, why: str) -> None:
            if self.verbose or outcome == "failed":
                print(f"{path}:{line}: {outcome}: {why}", file=sys.stderr)

        script = Script(path, lambda line, why: said("not run", line, why))
        judge = Judge(engine, said)
        for instance in script.instances:
            judge.judge(instance)
        counts = judge.counts
        counts["refused"] += script.refused.total()
        counts["skipped"] += script.skipped.total()
        counts["invalid"], counts["accepted"] = script.invalid[True], script.invalid[False]
        self.reasons += script.skipped + judge.skipped
        self.rows.append((path.name, counts))

    def text(self) -> str:
        rows = self.rows
        if len(rows) > 1:
            rows = [*rows, ("all", sum((counts for _, counts in rows), Counter()))]
        cells = [
            [
                name,
                *(f"{counts[each]:,}" for each in OUTCOMES),
                f"{counts['invalid']:,} of {counts['invalid'] + counts['accepted']:,}",
            ]
            for name, counts in rows
        ]
        lines = [table(["script", *OUTCOMES, "invalid modules refused"], cells)]
        lines += [f"skipped: {n:,} {why}" for why, n in self.reasons.most_common()]
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE.wast|FOLDER")
    parser.add_argument(
        "--engine", choices=("weights", "executor"), default="weights",
        help="what runs the programs: the standard model (default), or the native executor",
    )  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="say what is not run, and why")
    args = parser.parse_args()
    totals, run, status = Totals(args.verbose), engine(args.engine), 0
    for path in scripts(args.paths):
        try:
            totals.add(path, run)
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 2
    print(totals.text())
    return status or int(any(counts["failed"] for _, counts in totals.rows))


if __name__ == "__main__":
    sys.exit(main())
