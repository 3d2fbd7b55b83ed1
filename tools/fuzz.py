#!/usr/bin/env python3
"""Every fuzzer of this repository in turn, within a time budget.

    tools/fuzz.py [--seconds 600] [--only NAME,...]

Enters: this checkout, set up with the extras `build` and `test`; clang++ with libFuzzer (CXX names
another one).  Leaves: what was run, how often, and what was found; findings as files in --findings;
exit status 1 if there are any, 2 if something is missing.

    memory     allocation failures one by one, in every function of the C ABI (tests/lib)
    model      libFuzzer: model files, with a mutator that mends the checksum (tests/fuzz)
    program    libFuzzer: token programs
    trace      libFuzzer: traces, on the plan and by layers
    models     random and mutated models on all paths against each other (tools/fuzz_models.py)
    wasm       mutated WebAssembly and debug sections, against wasmtime (tools/fuzz_wasm.py)

`memory` takes as long as it takes, about a minute; the others share what is left.  The C++ ones are
built with ASan and UBSan in a folder of their own, which stays for the next time; building is not
counted.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILERS = ("clang++", *(f"clang++-{version}" for version in range(25, 13, -1)))
# Most bytes of an input: enough for what the target reads, few enough for many runs a second.
TARGETS = {"model": 1 << 15, "program": 512, "trace": 96}
SCRIPTS = {"models": "fuzz_models.py", "wasm": "fuzz_wasm.py"}
NAMES = ("memory", *TARGETS, *SCRIPTS)
# How the time is shared out: traces are the slowest.
SHARES = {"model": 2, "program": 1, "trace": 3, "models": 2, "wasm": 2}
SANITIZERS = {
    # Stacks of allocations would take most of the time; a finding is run again to see them.
    "ASAN_OPTIONS": "malloc_context_size=0:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


class Missing(Exception):
    """What this machine lacks, and what to do."""


@dataclass
class Outcome:
    """What a fuzzer did."""

    executions: int
    findings: int
    output: str


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600, help="of all fuzzers together")
    parser.add_argument("--only", default=",".join(NAMES), metavar="NAME,...", help="some of them")
    parser.add_argument("--build", type=Path, default=ROOT / "build-fuzz", help="the build folder")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args()
    chosen = [name for name in given.only.split(",") if name]
    if unknown := [name for name in chosen if name not in NAMES]:
        parser.error(f"no fuzzer {', '.join(unknown)}: there are {', '.join(NAMES)}")
    try:
        found = run_all(chosen, given.seconds, given.build.resolve(), given.findings.resolve())
    except Missing as reason:
        print(f"fuzz: {reason}", file=sys.stderr)
        return 2
    print(f"{found} findings" + (f", in {given.findings}" if found else ""))
    return 1 if found else 0


def run_all(chosen: list[str], seconds: float, build: Path, findings: Path) -> int:
    """Runs what was chosen; returns how much was found."""
    if set(chosen) & set(SCRIPTS):
        require_library()
    compiled = [name for name in chosen if name not in SCRIPTS]
    if compiled:
        build_targets(build, compiled)
    found, end = 0, time.monotonic() + seconds
    left = [name for name in NAMES if name in chosen]
    while left:
        name, *rest = left
        shares = sum(SHARES.get(other, 0) for other in left)
        budget = max(1.0, (end - time.monotonic()) * SHARES.get(name, 0) / max(shares, 1))
        begin = time.monotonic()
        outcome = runner(name)(name, budget, build, findings)
        spent = time.monotonic() - begin
        print(
            f"{name:8} {outcome.executions:>12,} executions {spent:6.0f} s "
            f"{outcome.findings} findings",
            flush=True,
        )
        if outcome.findings:
            print(outcome.output, flush=True)
        found += outcome.findings
        left = rest
    return found


def runner(name: str) -> Callable[[str, float, Path, Path], Outcome]:
    if name == "memory":
        return run_memory
    return run_target if name in TARGETS else run_script


def build_targets(build: Path, names: list[str]) -> None:
    """The fuzz build, made or brought up to date."""
    tools = [Path(sys.executable).parent, *map(Path, os.get_exec_path())]
    path = os.pathsep.join(map(str, tools))
    environment = {**os.environ, "PATH": path}
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise Missing("no clang++, which has libFuzzer: install it (apt: clang), or name it in CXX")
    if not (build / "build.ninja").exists():
        options: tuple[str, ...] = (
            "-Dfuzz=true",
            "-Dopenmp=disabled",
            "-Dblas=disabled",
            "-Db_lundef=false",
        )
        options += ("-Db_sanitize=address,undefined", "-Doptimization=2", "-Ddebug=true")
        called(
            [sys.executable, "-m", "mesonbuild.mesonmain", "setup", "--wipe", str(build), *options]
            if build.exists()
            else [sys.executable, "-m", "mesonbuild.mesonmain", "setup", str(build), *options],
            {**environment, "CXX": compiler, "CC": compiler.replace("clang++", "clang")},
        )
    targets = [f"tests/fuzz/fuzz_{name}" for name in names if name in TARGETS]
    targets += ["tests/lib/test_memory"] if "memory" in names else []
    called(["ninja", "-C", str(build), *targets], environment)


def require_library() -> None:
    """The scripts need the library of the checkout, not the fuzz build's."""
    look = "from pyvm.engine.library import library; library()"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Missing("libtvm is not there: ./tools/test or `python -m pyvm.build` builds it")


def called(command: list[str], environment: dict[str, str]) -> None:
    """Runs a command of the build from the checkout; its output is seen when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def sanitized(command: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SANITIZERS}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace"
    )


def run_memory(name: str, seconds: float, build: Path, findings: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        done = sanitized([str(build / "tests/lib/test_memory")], folder)
    failures = map(int, re.findall(r": (\d+) allocations$", done.stdout, re.MULTILINE))
    return Outcome(sum(failures), int(done.returncode != 0), done.stderr)


def run_target(name: str, seconds: float, build: Path, findings: Path) -> Outcome:
    """libFuzzer from the seeds; what it adds to them is forgotten, its findings are kept."""
    findings.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    with tempfile.TemporaryDirectory() as corpus:
        command = [
            str(build / f"tests/fuzz/fuzz_{name}"),
            f"-max_total_time={max(1, round(seconds))}", f"-max_len={TARGETS[name]}",
            f"-seed={secrets.randbelow(1 << 31) + 1}", "-rss_limit_mb=3000", "-timeout=20",
            "-print_final_stats=1", "-entropic=0",
            # Plans keep the tapes that they made: that looks like a leak, looked for each time.
            *(["-detect_leaks=0"] if name == "trace" else []),
            f"-artifact_prefix={findings}{os.sep}{name}-",
            corpus, str(ROOT / "tests" / "fuzz" / "seeds" / name),
        ]  # fmt: skip
        done = sanitized(command, corpus)
    counted = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    new = set(findings.iterdir()) - before
    if not new and not any(findings.iterdir()):
        findings.rmdir()
    found = max(len(new), int(done.returncode != 0))
    return Outcome(int(counted[1]) if counted else 0, found, done.stderr[-4000:])


def run_script(name: str, seconds: float, build: Path, findings: Path) -> Outcome:
    """A fuzzer in Python: its last line says how much it did."""
    command = [sys.executable, str(ROOT / "tools" / SCRIPTS[name])]
    command += ["--seconds", str(round(seconds)), "--count", str(10**9)]
    command += ["--first", str(secrets.randbelow(10**9)), "--failures", str(findings / name)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    lines = done.stdout.strip().splitlines()
    counted = re.match(r"([\d,]+) (?:models|mutants)\b", lines[-1] if lines else "")
    kept = list((findings / name).iterdir()) if (findings / name).is_dir() else []
    found = max(len({path.stem for path in kept}), int(done.returncode != 0))
    executions = int(counted[1].replace(",", "")) if counted else 0
    return Outcome(executions, found, "\n".join([*lines[-20:], done.stderr[-4000:]]))


if __name__ == "__main__":
    sys.exit(main())
