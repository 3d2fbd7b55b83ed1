#!/usr/bin/env python3
"""Tokens per WebAssembly instruction on the programs of tests/programs, each against wasmtime.

    python tools/bench_programs.py [NAME ...] [--engine native|plan]
                                   [--json FILE] [--tsv FILE] [--plot FILE]

Enters: names of programs (default: all).  Leaves: a row for each, then the median and the worst
ratio of those that compute with integers, and of those with floats.  Exit status 1 if an output is
not wasmtime's.

Instructions are counted as wasmtime counts fuel: each that is executed, but for block, loop, else,
end, nop, drop, return and unreachable, and one for the entry of each function.  Tokens are those
that the machine generates, without the prompt.  An instruction counts as 64-bit where i64 is part
of its name (i64.add, i32.wrap_i64), or where it reads or writes a local or global of that type.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from findings import leave, measuring_parser
from measure import note, table
from svg import bars

PUBLISHED = "tools/bench_programs.py"

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import pyvm  # noqa: E402
from compiler.oracle import Result, run_oracle  # noqa: E402
from programs.references import PROGRAMS, Sample  # noqa: E402
from pyvm.compiler.c_to_wasm import compile_c  # noqa: E402
from pyvm.engine.executor import execute  # noqa: E402
from pyvm.engine.run import Run  # noqa: E402
from pyvm.isa.program import Program  # noqa: E402
from pyvm.wasm.decode import decode  # noqa: E402
from pyvm.wasm.module import Body, FunctionType, Module, number  # noqa: E402
from pyvm.wasm.reader import Reader  # noqa: E402

CODE_SECTION = 10
COSTS_ONE = b"\x41\x00\x1a"  # i32.const 0; drop: the stack stays, and drop takes no fuel


@dataclass(frozen=True)
class Row:
    program: str
    instructions: int
    wide: int
    prompt: int
    tokens: int
    same: bool
    compile_seconds: float
    seconds: float

    @property
    def ratio(self) -> float:
        return self.tokens / self.instructions


def _wide_places(module: Module, body: Body, of: FunctionType) -> Iterator[int]:
    """Offsets of the 64-bit instructions of a function."""
    kinds = {
        "local": (*of.params, *body.locals),
        "global": (
            *(kind for kind, _ in module.imported_globals()),
            *(item.type for item in module.globals),
        ),
    }
    for op, arg, at in body.code:
        of_variable = kinds.get(op.partition(".")[0])
        if of_variable[number(arg)] == "i64" if of_variable else "i64" in op:
            yield at


def _leb128(value: int) -> bytes:
    rest = value >> 7
    return bytes([value & 127 | 128]) + _leb128(rest) if rest else bytes([value])


def _with_costs(data: bytes) -> bytes:
    """The module with something that takes one unit of fuel before each 64-bit instruction."""
    module, reader = decode(data), Reader(data)
    made = bytearray(reader.take(8))
    while reader.position < reader.end:
        start, section = reader.position, reader.byte()
        content = reader.window(reader.unsigned())
        if section != CODE_SECTION:
            made += data[start : reader.position]
            continue
        code = bytearray(_leb128(content.unsigned()))
        for body, kind in zip(module.bodies, module.functions):
            function = content.window(content.unsigned())
            changed, last = bytearray(), function.position
            for place in _wide_places(module, body, module.types[kind]):
                changed += data[last:place] + COSTS_ONE
                last = place
            changed += data[last : function.end]
            code += _leb128(len(changed)) + changed
        made += bytes([section]) + _leb128(len(code)) + code
    return bytes(made)


def _fuel(data: bytes, text: bytes | None) -> int:
    used = run_oracle(data, text, fuel_used=True)
    if not isinstance(used, int):
        raise AssertionError(f"the program does not end normally: {used}")
    return used


def wide_instructions(data: bytes, text: bytes | None = None) -> int:
    """How many 64-bit instructions `compute` executes."""
    return _fuel(_with_costs(data), text) - _fuel(data, text)


def measure_program(sample: Sample, run: Callable[[Program], Run]) -> Row:
    data, text = compile_c(sample.source), sample.input.encode()
    expected = run_oracle(data, text)
    begin = time.perf_counter()
    program = pyvm.compile(sample.source, input=sample.input)
    compiled = time.perf_counter()
    done = run(program)
    seconds = time.perf_counter() - compiled
    found = Result(done.output, done.trap.kind if done.trap else None)
    return Row(
        sample.name,
        _fuel(data, text),
        wide_instructions(data, text),
        done.prompt_length,
        int(done.generated.size),
        done.stopped == "halt" and found == expected,
        compiled - begin,
        seconds,
    )


def told(rows: list[Row]) -> str:
    """The table, and below it the median and the worst."""
    header = ("program", "instructions", "64-bit", "tokens", "tokens/instruction", "same", "s")
    lines = [
        (
            row.program,
            f"{row.instructions:,}",
            f"{100 * row.wide / row.instructions:.0f} %",
            f"{row.tokens:,}",
            f"{row.ratio:.1f}",
            "yes" if row.same else "NO",
            f"{row.seconds:.2f}",
        )
        for row in rows
    ]
    below = []
    for kind, floats in (("integers", False), ("floats", True)):
        if chosen := [row for row in rows if PROGRAMS[row.program].floats == floats]:
            worst = max(chosen, key=lambda row: row.ratio)
            middle = statistics.median(row.ratio for row in chosen)
            below.append(f"{kind}: median {middle:.1f}, worst {worst.ratio:.1f} ({worst.program})")
    return "\n".join([table(header, lines), "", *below])


def main() -> int:
    parser = measuring_parser(__doc__, PUBLISHED)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(PROGRAMS)}")
    parser.add_argument("--engine", choices=("native", "plan"), default="native")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in PROGRAMS]:
        parser.error(f"unknown program {unknown[0]!r}; there are: {', '.join(PROGRAMS)}")
    run: Callable[[Program], Run] = execute
    if given.engine == "plan":
        model = pyvm.load()

        def run(program: Program) -> Run:
            return model.generate(program, path="plan")

    rows = []
    for name in given.names or PROGRAMS:
        note(name)
        rows.append(measure_program(PROGRAMS[name], run))
    found = [
        {**asdict(row), "tokens_per_instruction": row.ratio, "engine": given.engine} for row in rows
    ]
    drawn = [(row.program, row.ratio, f"{row.ratio:.1f}") for row in rows]
    leave(given, found, told(rows), lambda: bars("Tokens per WebAssembly instruction", drawn))
    return 0 if all(row.same for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
