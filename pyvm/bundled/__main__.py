"""Compiles the bundled C programs again: run it after a change of a program or of the runtime
library.
"""

from pyvm.bundled import PROGRAMS
from pyvm.compiler.c_to_wasm import compile_c
from pyvm.wasm.decode import without_custom_sections

for item in PROGRAMS.values():
    item.wasm_file.write_bytes(without_custom_sections(compile_c(item.source)))
    print(f"{item.wasm_file.name}: {item.wasm_file.stat().st_size} bytes")
