#!/usr/bin/env python3
"""Mutated WebAssembly: our verdict against wasmtime's, and nothing but a program or its errors.

    tools/fuzz_wasm.py --count 200000
    tools/fuzz_wasm.py --seconds 60 --first 1000000

Bundled programs, random modules and small hand-made ones are damaged, byte by byte and section by
section, debug and name sections among them; some functions are random instructions, most of which
cannot be reached. For each mutant:

* compiling it ends in a program or an error of ours, within --limit seconds;
* what we find valid is valid for wasmtime, what we find invalid is not, both without later
  proposals; a module that needs one of them may be either;
* where only debug or name sections were touched, the code is that of the module without them.

A worker process with bounded memory (--memory MB) does the work, so that a mutant that kills it is
a finding like any other. Findings are kept in the --failures directory; the exit status is 1 if
there are any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from compiler.oracle import (  # noqa: E402
    engine_without_later,
    has_older_exceptions,
    is_valid,
    wasmtime,
)
from pyvm.compiler.compile import from_wasm  # noqa: E402
from pyvm.isa.errors import ProgramError, Unsupported, WasmError  # noqa: E402
from pyvm.wasm.decode import decode, without_custom_sections  # noqa: E402
from pyvm.wasm.missing import needs_more  # noqa: E402
from pyvm.wasm.validate import validate  # noqa: E402
from wasm.mutated_wasm import modules, mutant  # noqa: E402


@dataclass(frozen=True)
class Seed:
    """A module, and its code without debug and name sections (None: it does not compile)."""

    data: bytes
    code: tuple[tuple[str, int], ...] | None


def seeds() -> list[Seed]:
    return [Seed(data, code_of(without_custom_sections(data, ()))) for data in modules()]


def code_of(data: bytes) -> tuple[tuple[str, int], ...] | None:
    """None for a module that does not compile."""
    try:
        return tuple(from_wasm(data).code)
    except ProgramError as error:
        if not str(error):
            raise AssertionError("an error without words") from error
        return None


# -- verdicts -------------------------------------------------------------------------------------


class Judge:
    def __init__(self) -> None:
        self.plain = engine_without_later()
        config = wasmtime.Config()
        config.wasm_wide_arithmetic = config.wasm_custom_page_sizes = True
        self.later = wasmtime.Engine(config)

    def outcome(self, data: bytes, only_debug: bool, seed: Seed) -> tuple[str, str]:
        """A word for the counts, and what is wrong, or nothing."""
        older = False
        try:
            module = decode(data)
            validate(module)
            older = has_older_exceptions(module)
            verdict, message = "needs more" if needs_more(module) else "valid", ""
        except WasmError as error:
            verdict, message = "invalid", str(error)
        except Unsupported as error:
            verdict, message = "needs more", str(error)
        expected = is_valid(self.plain, data)
        if verdict == "valid" and not expected and not older:
            return verdict, "found valid, which wasmtime does not"
        if verdict == "invalid" and expected:
            return verdict, f"wasmtime finds this valid: {message}"
        if verdict == "needs more":
            verdict += ": valid" if expected or is_valid(self.later, data) else ": invalid as well"
        code = code_of(data)
        if code is not None:
            verdict += ", compiles"
        if only_debug and code != seed.code:
            return verdict, "damaged debug data changes the program"
        return verdict, ""


def search(
    first: int, count: int, limit: float, seconds: float = 0
) -> Iterator[tuple[int, bytes, str, str]]:
    """(number, mutant, outcome, what is wrong) of each mutant from `first` on."""
    known, judge = seeds(), Judge()
    end = time.monotonic() + seconds if seconds else float("inf")

    def expired(*_: object) -> None:
        raise TimeoutError(f"more than {limit} seconds")

    previous = signal.signal(signal.SIGALRM, expired)
    try:
        for number in range(first, first + count):
            if time.monotonic() > end:
                break
            random = Random(number)
            seed = random.choice(known)
            data, only_debug = mutant(random, seed.data, random.choice(known).data)
            signal.setitimer(signal.ITIMER_REAL, limit)
            try:
                outcome, wrong = judge.outcome(data, only_debug, seed)
            except Exception:
                outcome, wrong = "crash", traceback.format_exc()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            yield number, data, outcome, wrong
    finally:
        signal.signal(signal.SIGALRM, previous)


# -- the command ----------------------------------------------------------------------------------


def _work(
    pipe: Connection, first: int, count: int, limit: float, seconds: float, megabytes: int
) -> None:
    """The worker: sends counts from time to time, findings at once."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    counts: Counter[str] = Counter()
    shown = time.monotonic()
    number = first - 1
    for number, data, outcome, wrong in search(first, count, limit, seconds):
        counts[outcome] += 1
        if wrong or time.monotonic() - shown > 1:
            pipe.send((number, data if wrong else b"", wrong, counts))
            counts, shown = Counter(), time.monotonic()
    pipe.send((number, b"", "", counts))
    pipe.send(None)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=0, help="mutants (0: until --seconds)")
    parser.add_argument("--seconds", type=float, default=0, help="time to spend (0: until --count)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="first seed")
    parser.add_argument("--limit", type=float, default=10, help="seconds for each mutant")
    parser.add_argument("--memory", type=int, default=6000, help="MB of address space")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    arguments = parser.parse_args()
    count = arguments.count or (1 << 60 if arguments.seconds else 10_000)
    counts: Counter[str] = Counter()
    findings = 0
    started = time.monotonic()
    mine, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.Process(
        target=_work,
        args=(theirs, arguments.first, count, arguments.limit, arguments.seconds, arguments.memory),
    )
    worker.start()
    theirs.close()
    number, finished, shown = arguments.first, False, started
    while True:
        try:
            message = mine.recv()
        except EOFError:
            break
        if message is None:
            finished = True
            break
        number, data, wrong, more = message
        counts += more
        if wrong:
            findings += 1
            arguments.failures.mkdir(parents=True, exist_ok=True)
            stem = arguments.failures / f"mutant-{number}"
            stem.with_suffix(".wasm").write_bytes(data)
            stem.with_suffix(".txt").write_text(wrong + "\n")
            print(f"seed {number}: {wrong.strip().splitlines()[-1]} ({stem}.wasm)")
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"seed {number}: {dict(counts)}", flush=True)
    worker.join()
    if not finished:
        findings += 1
        print(f"the worker died behind seed {number}")
    print(dict(counts))
    print(f"{counts.total():,} mutants, {findings} findings, {time.monotonic() - started:,.0f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
