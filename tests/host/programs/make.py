"""Compiles the programs again.  C, C++ and Zig need the zig wheel, Rust a rustc whose library for
wasm32-wasi is there, AssemblyScript the packages `assemblyscript` and `@assemblyscript/wasi-shim`.

    python tests/host/programs/make.py [NAME ...]
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ZIG = f"{sys.executable} -m ziglang"
COMMANDS = {
    ".c": f"{ZIG} cc --target=wasm32-wasi -O2 -s",
    ".cpp": f"{ZIG} c++ --target=wasm32-wasi -O2 -s -fno-exceptions",
    ".zig": f"{ZIG} build-exe -target wasm32-wasi -O ReleaseSmall -fstrip",
    ".rs": "rustc --target wasm32-wasi -C opt-level=s -C panic=abort -C strip=symbols",
    ".ts": "npx asc -O --config node_modules/@assemblyscript/wasi-shim/asconfig.json",
}
# wasmtime has exceptions in their newer form only.
NEWER = "-mllvm -wasm-use-legacy-eh=false -mcpu=generic+exception_handling"
MORE = {
    "jumps": f"-mllvm -wasm-enable-sjlj {NEWER} {HERE.parents[2]}/pyvm/compiler/runtime/jump.s",
}

for source in sorted(HERE.iterdir()):
    command = COMMANDS.get(source.suffix)
    if command and (not sys.argv[1:] or source.stem in sys.argv[1:]):
        output = source.with_suffix(".wasm")
        to = f"-femit-bin={output}" if source.suffix == ".zig" else f"-o {output}"
        command = f"{command} {MORE.get(source.stem, '')}"
        print(f"{command} {source.name} {to}", flush=True)
        subprocess.run([*command.split(), source.name, *to.split()], cwd=HERE, check=True)
        print(f"{output.name}: {output.stat().st_size} bytes", flush=True)
