"""The standard machine's kernel as C++ source, for the Meson build of a checkout.

Enters: the library that was just built.  Leaves: so many source files with fixed names, which are
written only when they change, and a depfile.  The same library and package give the same bytes.

    python -m pyvm.build.standard_kernel libtvm.so FOLDER --units 24 --depfile FILE
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PARTS = 8  # files that the blocks are spread over, in either mode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pyvm.build.standard_kernel")
    parser.add_argument("library", type=Path, help="the libtvm that writes the kernel")
    parser.add_argument("folder", type=Path, help="where the sources go")
    parser.add_argument("--units", type=int, required=True, help="how many files are compiled")
    parser.add_argument("--depfile", type=Path, required=True)
    parser.add_argument(
        "--or-nothing", action="store_true", help="where it fails, write sources of no kernel"
    )
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    # Nothing of the user's own is read or written.
    os.environ["PYVM_LIBRARY"] = str(arguments.library.resolve())
    os.environ["PYVM_CACHE"] = str(folder / "standard_kernel.cache")
    try:
        files = source_files(arguments.units)
        read = files_read()
    except Exception as error:
        print(f"pyvm.build: there will be no kernel of the standard machine: {error}")
        if not arguments.or_nothing:
            return 1
        files = no_kernel(arguments.units)
        read = sorted(PACKAGE.rglob("*.py"))  # whatever is mended, it is tried again
    for name, text in files.items():
        write_if_changed(folder / name, text)
    words = [escaped(path) for path in (arguments.folder / "unit0.cpp", *read)]
    arguments.depfile.write_text(f"{words[0]}: {' '.join(words[1:])}\n", encoding="utf-8")
    return 0


def source_files(units: int) -> dict[str, str]:
    """The kernel's files, and units that include its .cpp files, one each."""
    from pyvm.build.coverage import standard_runs
    from pyvm.engine.kernel import kernel_source
    from pyvm.engine.model import Model
    from pyvm.engine.standard import machine_bytes

    with Model(machine_bytes("standard")) as model:
        files = kernel_source(model, standard_runs(), PARTS)
    return {**files, **as_units(files, units)}


def as_units(files: Mapping[str, str], units: int) -> dict[str, str]:
    """Files with fixed names. A build tool that knows no others sees when what they include
    changes: each holds the checksum of all."""
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    sources = sorted(name for name in files if name.endswith(".cpp"))
    if len(sources) > units:
        raise ValueError(f"{len(sources)} files are more than {units}")
    names = [*sources, *[""] * (units - len(sources))]
    return {
        f"unit{number}.cpp": f"// {digest.hexdigest()}\n" + (f'#include "{name}"\n' if name else "")
        for number, name in enumerate(names)
    }


def no_kernel(units: int) -> dict[str, str]:
    """A module that the library refuses."""
    return {f"unit{number}.cpp": "// no kernel\n" for number in range(units)}


def write_if_changed(path: Path, text: str) -> None:
    data = text.encode()
    if not path.is_file() or path.read_bytes() != data:
        path.write_bytes(data)


def files_read() -> list[Path]:
    """The modules of the package that were imported, and the data beside them."""
    loaded = {Path(file) for m in sys.modules.values() if (file := getattr(m, "__file__", None))}
    mine = [file for file in loaded if PACKAGE in file.parents]
    data = [
        file
        for folder in {file.parent for file in mine}
        for file in folder.iterdir()
        if file.suffix in (".json", ".txt", ".wasm", ".sha256")
    ]
    return sorted([*mine, *data])


def escaped(path: Path) -> str:
    return str(path).replace("\\", "/").replace(" ", "\\ ")


if __name__ == "__main__":
    sys.exit(main())
