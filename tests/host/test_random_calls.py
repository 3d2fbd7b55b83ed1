"""Random calls of WASI with arguments that are right, wrong and at a border: the same answers, and
the same memory behind them, as in wasmtime.
"""

from __future__ import annotations

import random

import pytest

from compiler.oracle import wat
from host.commands import in_transformer, in_wasmtime
from pyvm.compiler.compile import from_wasm
from pyvm.host.environment import Environment

# d descriptor, e one of a file (in wasmtime standard input may not be there yet), c one to close, v
# list of pieces, n their number (wasmtime looks at the first one only), p and q where answers go, s
# where one goes that is not compared, w whence, o offset (i64), t path and its length, k size of a
# buffer, f flags, z zero, h how to open, r rights (i64)
FUNCTIONS = {
    "args_sizes_get": "pp",
    "args_get": "pq",
    "environ_sizes_get": "pp",
    "environ_get": "pq",
    "fd_write": "dvnp",
    "fd_read": "evnp",
    "fd_pread": "dvnop",
    "fd_pwrite": "dvnop",
    "fd_seek": "dowp",
    "fd_tell": "dp",
    "fd_close": "c",
    "fd_renumber": "cc",
    "fd_fdstat_get": "dp",
    "fd_fdstat_set_flags": "df",
    "fd_filestat_get": "ds",
    "fd_prestat_get": "dp",
    "fd_prestat_dir_name": "dpk",
    "fd_readdir": "dskos",
    "fd_sync": "d",
    "fd_advise": "dooz",
    "path_open": "dzthrrfp",
    "path_filestat_get": "dzts",
    "path_readlink": "dtpkp",
    "path_create_directory": "dt",
    "path_unlink_file": "dt",
    "path_remove_directory": "dt",
}
OFTEN = ("path_open", "fd_read", "fd_seek", "fd_close")
PATHS = [
    "a.txt",
    "dir",
    "dir/b.txt",
    "dir/../a.txt",
    "x",
    "..",
    ".",
    "",
    "/a.txt",
    "a.txt/",
    "dir//deep/c",
]
FILES = {"a.txt": b"first line\nsecond", "dir/b.txt": b"in dir\n", "dir/deep/c": b""}
SCRATCH, ANSWERS, LISTS, TEXTS = 0x8000, 0x1000, 0x100, 0x400


def module(seed: int, calls: int = 60) -> bytes:
    rng = random.Random(seed)
    texts = b"".join(path.encode() for path in PATHS)
    starts = [len("".join(PATHS[:i])) + TEXTS for i in range(len(PATHS))]
    data = b"".join(
        n.to_bytes(4, "little")
        for i in range(6)
        for n in (ANSWERS + 0x200 + 16 * i, rng.choice([0, 1, 5, 16]))
    )

    def argument(kind: str) -> str:
        pools = {
            "d": [0, 1, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 99],
            "c": [2, 3, 4, 4, 5, 5, 6, 99],
            "e": [1, 2, 3, 4, 4, 4, 5, 5, 6, 99],
            "v": [LISTS + 8 * i for i in range(4)],
            "n": [0, 1, 1, 1],
            "p": [ANSWERS + 8 * i for i in range(32)],
            "q": [ANSWERS + 0x400 + 8 * i for i in range(8)],
            "s": [SCRATCH, SCRATCH + 0x800],
            "w": [0, 1, 2],
            "k": [0, 1, 7, 100],
            "f": [0, 0, 0, 1, 4],
            "z": [0],
            "h": [0, 0, 0, 0, 2, 1, 8, 9],
        }
        if kind in "or":
            numbers = [0, 1, 3, 20, -2, 1 << 33] if kind == "o" else [2, 2, 2, 0, 64]
            return f"(i64.const {rng.choice(numbers)})"
        if kind == "t":
            i = rng.randrange(len(PATHS))
            return f"(i32.const {starts[i]}) (i32.const {len(PATHS[i])})"
        return f"(i32.const {rng.choice(pools[kind])})"

    parts, body = [], []
    for name, kinds in FUNCTIONS.items():
        types = "".join({"o": " i64", "r": " i64", "t": " i32 i32"}.get(k, " i32") for k in kinds)
        parts.append(
            f'(import "wasi_snapshot_preview1" "{name}" (func ${name} (param{types}) (result i32)))'
        )
    for i in range(calls):
        name = rng.choice([*FUNCTIONS, *OFTEN, *OFTEN])
        arguments = " ".join(map(argument, FUNCTIONS[name]))
        body.append(f"(i32.store8 (i32.const {0x800 + i}) (call ${name} {arguments}))")
    # All but the scratch goes to standard output.
    one, whole_list = "(i32.const 1)", f"(i32.const {LISTS + 0x80})"
    dump = f"(drop (call $fd_write {one} {whole_list} {one} (i32.const 0)))"
    body.insert(calls // 2, dump)
    whole = (0).to_bytes(4, "little") + (SCRATCH).to_bytes(4, "little")

    def quoted(content: bytes) -> str:
        return "".join(f"\\{byte:02x}" for byte in content)

    return wat(f"""(module {" ".join(parts)} (memory (export "memory") 1)
        (data (i32.const {LISTS}) "{quoted(data)}")
        (data (i32.const {LISTS + 0x80}) "{quoted(whole)}")
        (data (i32.const {TEXTS}) "{quoted(texts)}")
        (func (export "_start") {" ".join(body)} {dump}))""")


@pytest.mark.parametrize("seed", range(8))
def test_random_calls(model, tmp_path, seed: int) -> None:
    data = module(seed)
    given = Environment(("prog", "x"), {"A": "1"}, FILES, b"standard input\nof two lines")
    ours = in_transformer(model, from_wasm(data), given)
    assert ours == in_wasmtime(data, given, tmp_path)
    assert len(ours.output) >= SCRATCH
