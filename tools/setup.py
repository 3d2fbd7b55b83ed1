"""Sets a checkout up, then starts `pyvm run` or the tests: what tools/run and tools/test call.

Enters: "run" or "test" and the arguments of that command.  Leaves: .venv with the package
(editable) and the extras that the command needs, libtvm and its kernel beside pyvm/engine, and the
command's exit code.

Only the standard library is used.  A stamp in .venv remembers what was set up for which files;
while it matches, nothing is done, so that a second run starts at once.  Everything said here goes
to stderr: stdout belongs to the program that runs inside the transformer.
"""

from __future__ import annotations

import sys

try:
    import json
    import os
    import shutil
    import signal
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any
except KeyboardInterrupt:  # while Python still loads
    sys.exit(130)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "pyvm-setup.json"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LIBRARIES = ("libtvm.so", "libtvm.dylib", "tvm.dll")
EXTRAS = {"run": {"build"}, "test": {"build", "c", "schedule", "test"}}
# The exit status where nothing could be set up; of a run as in pyvm/commands/status.py.
CANNOT = {"run": 125, "test": 1}
NO_CXX_COMPILER = 3  # exit code of `python -m pyvm.build`
CPLUSPLUS = (".cpp", ".cc", ".cxx", ".C", ".c++")  # as in pyvm/compiler/c_names.py


class SetupError(Exception):
    """One sentence that says what failed and what to do."""


def say(message: str) -> None:
    if sys.stderr is not None:  # closed: print() would take stdout
        print(f"setup: {message}", file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """This process's environment without what would lead a child to another Python or folder."""
    dropped = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PATH": path()}


def path() -> str:
    """PATH without empty and relative folders, which would be below the current one."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, folders))


def program(name: str) -> str | None:
    return shutil.which(name, path=path()) if path() else None


def succeeds(*command: str | Path) -> tuple[bool, str]:
    """Runs a command quietly, in the checkout; returns whether it succeeded, and what it printed.

    `python -m` imports from the current folder first: there must be none of somebody else's files.
    """
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
        text=True,
        errors="replace",
    )
    return done.returncode == 0, done.stdout


def make_venv() -> None:
    if PYTHON.exists() and succeeds(PYTHON, "-m", "pip", "--version")[0]:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"making .venv with Python {sys.version.split()[0]}")
    if succeeds(sys.executable, "-m", "venv", VENV)[0]:
        return
    # Debian splits venv's parts off; virtualenv brings its own.
    shutil.rmtree(VENV, ignore_errors=True)
    if succeeds(sys.executable, "-m", "virtualenv", "--quiet", VENV)[0]:
        return
    helper = ROOT / "build" / "virtualenv"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", helper, "virtualenv")
    if succeeds(*pip)[0]:
        start = "import sys; sys.path.insert(0, sys.argv.pop(1)); import runpy; "
        start += "runpy.run_module('virtualenv', run_name='__main__')"
        if succeeds(sys.executable, "-c", start, helper, "--quiet", VENV)[0]:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(
        f"{sys.executable} can make no virtual environment: its modules venv and ensurepip are "
        "missing and virtualenv cannot be installed; on Debian and Ubuntu, "
        "`apt install python3-venv` helps"
    )


def pip_install(what: str, *arguments: str) -> None:
    say(f"installing {what}")
    done, output = succeeds(
        PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments
    )
    if not done:
        print(output, file=sys.stderr)
        raise SetupError(
            f"pip could not install {what} (its own words are above); is its registry reachable?"
        )


def build_library() -> None:
    command = [str(PYTHON), "-m", "pyvm.build", "--quiet"]
    code = subprocess.call(command, stdout=sys.stderr, cwd=ROOT, env=environment())
    if code == NO_CXX_COMPILER:
        pip_install("ziglang (101 MB), as there is no C++ compiler", "ziglang>=0.13")
        code = subprocess.call(command, stdout=sys.stderr, cwd=ROOT, env=environment())
    if code != 0:
        raise SetupError("libtvm was not built (the reason is above)")


def sources() -> Iterator[Path]:
    yield from (ROOT / "meson.build", ROOT / "meson.options")
    # The kernel is the standard machine's: it changes with what builds the model.
    machine = ("isa", "graph", "schedule", "weights")
    for top in ("lib", "pyvm/build", *(f"pyvm/{name}" for name in machine)):
        for folder, _, names in os.walk(ROOT / top):
            yield from (Path(folder, name) for name in names if not name.endswith(".pyc"))


def formatted() -> list[Path]:
    """The C++ files that are laid out by .clang-format."""
    folders = (ROOT / name for name in ("lib", "tests/lib", "tests/fuzz"))
    files = (path for folder in folders for path in sorted(folder.rglob("*")))
    return [path for path in files if path.suffix in (".cpp", ".hpp", ".inc")]


def fingerprint(paths: Iterator[Path]) -> list[list[Any]]:
    stats = ((path, path.stat()) for path in paths if path.exists())
    return sorted(
        [path.relative_to(ROOT).as_posix(), s.st_size, s.st_mtime_ns] for path, s in stats
    )


def read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("root") == str(ROOT) and PYTHON.exists() else {}


def set_up(extras: set[str]) -> None:
    """Does what the stamp does not vouch for; the stamp is written after each step that worked."""
    stamp = read_stamp()
    package = fingerprint(iter([ROOT / "pyproject.toml"]))
    if stamp.get("package") != package or not extras <= set(stamp.get("extras", [])):
        STAMP.unlink(missing_ok=True)
        make_venv()
        wanted = sorted(extras | set(stamp.get("extras", [])))
        pip_install(
            f"the package and what it needs ({', '.join(wanted)})",
            "-e",
            f"{ROOT}[{','.join(wanted)}]",
        )
        stamp = {"root": str(ROOT), "package": package, "extras": wanted}
        STAMP.write_text(json.dumps(stamp), encoding="utf-8")
    library = fingerprint(sources())
    placed = any((ROOT / "pyvm" / "engine" / name).exists() for name in LIBRARIES)
    if stamp.get("library") != library or not placed:
        build_library()
        stamp["library"] = library
        STAMP.write_text(json.dumps(stamp), encoding="utf-8")


def needs_c_compiler(arguments: list[str]) -> bool:
    """Bundled programs are shipped compiled; only somebody's own C or C++ file needs a compiler."""
    cplusplus = any(argument.endswith(CPLUSPLUS) for argument in arguments)
    if not cplusplus and not any(argument.endswith(".c") for argument in arguments):
        return False
    if any(VENV.glob("[Ll]ib/**/site-packages/ziglang")):
        return False
    if cplusplus:  # zig alone has the library
        return True
    clang = program("clang")
    return not (clang and program("wasm-ld") and "wasm32" in succeeds(clang, "--print-targets")[1])


def start(command: list[str | Path]) -> int:
    words = [str(word) for word in command]
    if os.name == "nt":
        return subprocess.call(words)
    # Python cannot end quietly while it starts: Ctrl-C waits until pyvm takes it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execv(words[0], words)


def run(arguments: list[str]) -> int:
    set_up(EXTRAS["run"])
    if needs_c_compiler(arguments):
        pip_install("a C compiler (ziglang, 101 MB, once)", "ziglang>=0.13")
    return start([BIN / "pyvm", "run", *arguments])


def test(arguments: list[str]) -> int:
    """Ruff, mypy, clang-format, meson test, then pytest, whose summary is thus the last line."""
    set_up(EXTRAS["test"])
    os.chdir(ROOT)
    env = {
        **environment(),
        "NINJA": str(BIN / "ninja"),
        "PATH": f"{BIN}{os.pathsep}{path()}",
    }
    meson = ["-m", "mesonbuild.mesonmain", "test", "-C", "build", "--print-errorlogs"]
    checks: dict[str, list[str | Path]] = {
        "ruff": [PYTHON, "-m", "ruff", "check", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "pyvm", "tests", "tools"],
        "mypy": [PYTHON, "-m", "mypy"],
        "clang-format": [BIN / "clang-format", "--dry-run", "-Werror", *formatted()],
        "meson test": [PYTHON, *meson],
        # On all processors; `-n 0` among the arguments is one process.
        "pytest": [PYTHON, "-m", "pytest", "-n", "auto", "--dist", "worksteal", *arguments],
    }
    codes = {
        name: abs(subprocess.call([str(part) for part in check], env=env))
        for name, check in checks.items()
    }
    if failed := [name for name, code in codes.items() if code]:
        say(f"failed: {', '.join(failed)}")  # pytest's summary does not tell of the others
    return max(codes.values())


def main() -> int:
    command, *arguments = sys.argv[1:] or [""]
    if command not in EXTRAS:
        print(
            "usage: setup.py run|test [arguments]; tools/run and tools/test call it",
            file=sys.stderr,
        )
        return 2
    try:
        return {"run": run, "test": test}[command](arguments)
    except (SetupError, OSError) as error:
        say(str(error))
    except KeyboardInterrupt:
        return 130
    return CANNOT[command]


if __name__ == "__main__":
    sys.exit(main())
