"""`python -m pyvm.build`: builds libtvm and its kernel and places them beside pyvm/engine.

Exit codes: 0 built, 1 not built, 2 usage, 3 no C++ compiler (tools/setup.py then installs one).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyvm.build.helper import BuildError, NoCompiler, build, place_here


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pyvm.build",
        description="Builds libtvm and the standard machine's kernel and places them beside "
        "pyvm/engine.",
        epilog="Every other option goes to `meson setup`, for example -Dkernel=disabled.",
    )
    parser.add_argument("--folder", type=Path, help="the build folder")
    parser.add_argument(
        "--no-place", action="store_true", help="build, but do not place the library"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="show Meson and Ninja only when they fail"
    )
    arguments, options = parser.parse_known_args()
    try:
        library = build(
            arguments.folder and arguments.folder.resolve(),
            options,
            place=None if arguments.no_place else place_here(),
            quiet=arguments.quiet,
            say=lambda words: print(f"pyvm.build: {words}", flush=True),
        )
    except BuildError as error:
        print(f"pyvm.build: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoCompiler) else 1
    except KeyboardInterrupt:
        return 130
    if not arguments.quiet:
        print(library)
    return 0


if __name__ == "__main__":
    sys.exit(main())
