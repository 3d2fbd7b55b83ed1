#!/usr/bin/env python3
"""Differential testing of the compiler: random programs, wasmtime against the machine's executor,
for as long as one likes.

    tools/fuzz_programs.py --count 1000          random wasm modules
    tools/fuzz_programs.py --csmith --count 100  random C programs (needs csmith)
    tools/fuzz_programs.py --seconds 3600 --first 5000

Every difference is written to a file in the --failures directory, with what both sides gave.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from program.oracle import HEAD, Result, run_oracle, wat  # noqa: E402
from program.random_wasm import random_module  # noqa: E402
from pyvm.engine.executor import execute  # noqa: E402
from pyvm.program.c_to_wasm import compile_c  # noqa: E402
from pyvm.program.errors import ProgramError  # noqa: E402
from pyvm.program.executor import Executor  # noqa: E402
from pyvm.program.program import Program, from_wasm  # noqa: E402

# csmith's own runtime header is replaced by this: the checksum is printed with our printf.
_CSMITH_HEADER = """
#define STATIC static
#define UNDEFINED(x) (x)
#define STATIC_ASSERT(x)
#define UINT32_MAX 0xffffffffu
#define INT_MAX 0x7fffffff
#define INT_MIN (-2147483647 - 1)
#define INT32_MAX 0x7fffffff
#define INT32_MIN (-2147483647 - 1)
#define INT8_MIN (-128)
#define INT8_MAX 127
#define INT16_MIN (-32768)
#define INT16_MAX 32767
#define UINT8_MAX 255
#define UINT16_MAX 65535
#define FUNC_NAME(x) (safe_##x)
#define LOG_INDEX
#define LOG_EXEC
#define UNSAFE_FLOAT
#include "safe_math.h"
static uint32_t crc32_context = 0xFFFFFFFFu;
static void platform_main_begin(void) {}
static void crc32_gentab(void) {}
static void transparent_crc(uint32_t value, const char *name, int flag) {
  crc32_context = (crc32_context + crc32_context + crc32_context) + value;
}
static void platform_main_end(uint32_t crc, int flag) { printf("checksum %x\\n", crc); }
"""


def run_machine(program: Program, limit: int) -> Result | None:
    """None when `limit` tokens are not enough.  Takes the native executor where libtvm is built."""
    try:
        run = execute(program, limit)
    except (ImportError, OSError):
        return run_reference(program, limit)
    if run.stopped != "halt":
        return None
    return Result(run.output, run.trap.kind if run.trap else None)


def run_reference(program: Program, limit: int) -> Result | None:
    executor = Executor(program.code, program.input)
    for count, _ in enumerate(executor.run()):
        if count >= limit:
            return None
    trap = program.trap_at(executor.cursor)
    return Result(bytes(executor.output), trap.kind if trap else None)


def compare(data: bytes, limit: int, checked: bool) -> tuple[str, str]:
    """What happened (same | limit | refused | different) and the details."""
    expected = run_oracle(data, fuel=limit)
    if expected is None:
        return "limit", ""
    expected = Result(expected.output, expected.trap)
    try:
        actual = run_machine(from_wasm(data, checked=checked), limit)
    except ProgramError as error:
        return "refused", str(error)
    if actual is None:
        return "limit", ""
    return (
        ("same", "")
        if actual == expected
        else ("different", f"expected {expected}\nfound {actual}")
    )


def random_c(seed: int) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "program.c"
        made = subprocess.run(
            ["csmith", "--seed", str(seed), "--no-longlong", "--no-math64", "--no-argc",
             "--no-float", "--max-funcs", "4", "--max-block-depth", "3"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        text = made.stdout.replace('#include "csmith.h"', _CSMITH_HEADER)
        text = text.replace("int main (void)", "static int csmith_main(void)")
        source.write_text(text + "\nvoid compute(void) { csmith_main(); }\n")
        include = next(p for p in Path("/usr/include").glob("csmith*") if p.is_dir())
        return compile_c(source, extra_flags=(f"-I{include}", "-w"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=0, help="programs to try (0: until --seconds)")
    parser.add_argument("--seconds", type=float, default=0, help="time to spend (0: until --count)")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--csmith", action="store_true", help="random C programs")
    parser.add_argument("--wide", type=float, default=0.25, help="share of i64, 0 to 1")
    parser.add_argument("--size", type=int, default=40, help="statements, roughly")
    parser.add_argument("--limit", type=int, default=20_000_000, help="tokens per program")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    arguments = parser.parse_args()
    if arguments.csmith and not shutil.which("csmith"):
        parser.error("csmith is not installed")
    count = arguments.count or (1 << 60 if arguments.seconds else 100)
    results: Counter[str] = Counter()
    started = shown = time.monotonic()
    for seed in range(arguments.first, arguments.first + count):
        if arguments.seconds and time.monotonic() - started > arguments.seconds:
            break
        if arguments.csmith:
            source, data = "", random_c(seed)
        else:
            source = random_module(seed, HEAD, arguments.wide, arguments.size)
            data = wat(source)
        outcome, details = compare(data, arguments.limit, checked=not arguments.csmith)
        results[outcome] += 1
        if outcome in ("different", "refused"):
            arguments.failures.mkdir(parents=True, exist_ok=True)
            stem = arguments.failures / f"{'csmith' if arguments.csmith else 'wasm'}-{seed}"
            stem.with_suffix(".wasm").write_bytes(data)
            stem.with_suffix(".txt").write_text(f"{outcome}: {details}\n{source}\n")
            print(f"seed {seed}: {outcome}: {details}")
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"seed {seed}: {dict(results)}", flush=True)
    print(dict(results))
    return 1 if results["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
