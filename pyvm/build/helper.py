"""Builds libtvm and the standard machine's kernel with Meson and Ninja, and places them beside
pyvm/engine.

Enters: the C++ sources (meson.build, lib/) of a checkout or, as wheels have them, in the package; a
C++ compiler, options for Meson.  Leaves: a build folder,
pyvm/engine/libtvm.so (.dylib, tvm.dll) and standard_kernel.so (.dll), or both in the user's cache
folder where the package may not be written.

Doing it again is quick: a build folder that was configured for the same sources, compiler and
options is only handed to Ninja, and an unchanged library is not replaced.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pyvm import cache, helpers
from pyvm.engine.library import KERNEL_NAME, NAME, users_folder
from pyvm.files import replace_file

PACKAGE = Path(__file__).resolve().parents[1]
# A checkout, or what a wheel or an sdist has of it.
CHECKOUT = PACKAGE.parent
ROOT = CHECKOUT if (CHECKOUT / "meson.build").is_file() else PACKAGE / "sources"
PLACE = PACKAGE / "engine"
REQUEST = "pyvm-request.json"  # in the build folder: what it was configured for


class BuildError(Exception):
    """libtvm cannot be built; the message says why and what to do."""


class NoCompiler(BuildError):
    """There is no C++ compiler."""


def build(
    folder: Path | None = None,
    options: Sequence[str] = (),
    *,
    place: Path | None = PLACE,
    quiet: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Configures and builds in `folder`; returns the library, in the folder `place` or as built.

    `options` go to `meson setup` as they are, such as "-Dopenmp=disabled".  With `quiet`, Meson and
    Ninja are only heard when they fail.  C and C++ tests are left to `meson test`, which builds
    them.  Without a kernel that nobody asked for by -Dkernel=enabled, the library is built anyway.
    """
    if not (ROOT / "meson.build").is_file():
        raise BuildError(
            f"{ROOT} has no C++ sources (no meson.build): build libtvm from a checkout, or install "
            "a wheel of libtvm, which contains it"
        )
    if ROOT != CHECKOUT:  # there are no tests
        options = ["-Dtests=disabled", *options]
    folder = folder or build_folder()
    compiler = helpers.cxx()
    if compiler is None:
        raise NoCompiler(
            "no C++ compiler: install g++ or clang++, or the one in the ziglang wheel with "
            "`pip install ziglang`, or name yours in CXX"
        )
    if helpers.program(compiler[0]) is None:
        raise NoCompiler(f"CXX names {shlex.join(compiler)!r}, and {compiler[0]!r} is no command")
    env = _environment(compiler)
    if os.name == "posix" and helpers.program("rm") is None:
        env["PATH"] = os.pathsep.join(filter(None, [env["PATH"], str(_folder_with_rm())]))
    _configure(folder, options, compiler, env, quiet, say)
    library = _target(folder, "tvm", "shared library")
    if library is None:
        raise BuildError(f"meson.build in {ROOT} has no shared library named tvm")
    ninja = _Ninja(folder, env, quiet, say)
    ninja.build(library, "libtvm")
    kernel = _target(folder, "standard_kernel", "shared module")
    if kernel is not None:
        try:
            ninja.build(kernel, "the kernel of the standard machine, a minute on two processors")
        except BuildError as error:
            if _option(folder, "kernel") == "enabled":
                raise
            say(f"{error}: programs run without it, at a fifth of its speed")
            kernel = None
    if place is None:
        return library
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kernel is not None:
        _place(kernel, place / KERNEL_NAME)
    else:  # an old one is for an old library
        (place / KERNEL_NAME).unlink(missing_ok=True)
    return _place(library, place / NAME)


def _folder_with_rm() -> Path:
    """Where there are no coreutils: Meson removes an archive by `rm -f` before it makes it."""
    folder = Path(tempfile.mkdtemp(prefix="pyvm-rm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    code = "import contextlib, os, sys\nfor name in sys.argv[2:]:\n"
    code += "    with contextlib.suppress(FileNotFoundError):\n        os.unlink(name)\n"
    (folder / "rm.py").write_text(code, encoding="utf-8")
    start = shlex.join([sys.executable, "-I", str(folder / "rm.py")])
    (folder / "rm").write_text(f'#!/bin/sh\nexec {start} "$@"\n', encoding="utf-8")
    (folder / "rm").chmod(0o755)
    return folder


def place_here() -> Path:
    """The package, or the user's own folder where the package may not be written."""
    if os.access(PLACE, os.W_OK):
        return PLACE
    if (PLACE / NAME).exists():  # it would be loaded, whatever else there is
        raise BuildError(f"{PLACE / NAME} is there already, and {PLACE} cannot be written")
    own = users_folder()
    if own is None:
        raise BuildError(f"{PLACE} cannot be written: name a folder for the library in PYVM_CACHE")
    return own


def build_folder() -> Path:
    """In a checkout build/; of an installed package in the user's cache, or a temporary one."""
    if ROOT == CHECKOUT:
        return ROOT / "build"
    kept = cache.folder()
    return Path(tempfile.mkdtemp(prefix="pyvm-build-")) if kept is None else kept / "build"


@dataclass(frozen=True)
class _Ninja:
    folder: Path
    env: dict[str, str]
    quiet: bool
    say: Callable[[str], None]

    def build(self, target: Path, what: str) -> None:
        """Says so, where there is something to do."""
        file = os.path.relpath(target.resolve(), self.folder.resolve())
        command = [self.env["NINJA"], "-C", str(self.folder), file]
        if (
            b"no work to do"
            not in subprocess.run(
                [*command, "-n"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ).stdout
        ):
            self.say(f"building {what}")
        _run(command, self.env, self.quiet, f"Ninja could not build {what.partition(',')[0]}")


def _environment(compiler: list[str]) -> dict[str, str]:
    """The environment in which Meson finds its Ninja and its compiler."""
    if helpers.package_folder("mesonbuild") is None:
        raise BuildError('Meson is missing: pip install "libtvm[build]"')
    ninja = helpers.ninja()
    if ninja is None:
        raise BuildError('Ninja is missing: pip install "libtvm[build]"')
    env = {**helpers.environment(), "NINJA": ninja, "CXX": shlex.join(compiler)}
    if helpers.is_zig(compiler):
        # Where there is no C++ compiler, there is nothing else of a toolchain.
        at = compiler.index("c++")
        zig, target = compiler[:at], compiler[at + 1 :]
        env.setdefault("CC", shlex.join([*zig, "cc", *target]))
        env.setdefault("AR", shlex.join([*zig, "ar"]))
    return env


def _configure(
    folder: Path,
    options: Sequence[str],
    compiler: list[str],
    env: dict[str, str],
    quiet: bool,
    say: Callable[[str], None],
) -> None:
    request = {"root": str(ROOT), "compiler": compiler, "options": list(options)}
    note = folder / REQUEST
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if known == request and (folder / "build.ninja").exists():
        return
    if (folder / "meson-private").exists():
        shutil.rmtree(
            folder
        )  # another compiler or place: Meson would keep what it knew of the old one
    elif folder.exists() and not folder.is_dir():
        raise BuildError(f"{folder} is not a folder")
    if helpers.is_zig(compiler):
        say(
            "the C++ compiler is zig, which builds its C++ library first: with the kernel it all "
            "takes three to four minutes on two processors"
        )
    command = [*helpers.module_command("mesonbuild.mesonmain"), "setup", str(folder), str(ROOT)]
    _run([*command, *options], env, quiet, "Meson could not configure libtvm")
    note.write_text(json.dumps(request), encoding="utf-8")


def _run(command: list[str], env: dict[str, str], quiet: bool, failure: str) -> None:
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if done.returncode != 0:
        if quiet:
            sys.stderr.write(done.stdout.decode(errors="replace"))
        raise BuildError(f"{failure} (its own words are above)")


def _target(folder: Path, name: str, kind: str) -> Path | None:
    """The file of a target."""
    for target in _introspected(folder, "targets"):
        if target["name"] == name and target["type"] == kind:
            return Path(target["filename"][0])
    return None


def _option(folder: Path, name: str) -> str:
    return next(str(o["value"]) for o in _introspected(folder, "buildoptions") if o["name"] == name)


def _introspected(folder: Path, what: str) -> list[dict[str, Any]]:
    found = json.loads((folder / "meson-info" / f"intro-{what}.json").read_text(encoding="utf-8"))
    return cast("list[dict[str, Any]]", found)


def _place(built: Path, placed: Path) -> Path:
    """Copies, unless equal; the old one stays whole, because a process may have it loaded."""
    data = built.read_bytes()
    if not placed.exists() or placed.read_bytes() != data:
        # In users_folder() what others can write is not loaded.
        replace_file(placed, data, mode=0o644)
    return placed
