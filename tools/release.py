#!/usr/bin/env python3
"""Checks that this commit can be released, and prints what a maintainer does next.

    python tools/release.py [--quick]

Enters: this checkout, and what `pip install -e '.[release]'` brings.  Leaves: a line for each
check, and in dist/ the wheel and the sdist; exit status 1 when a check fails.  What a commit has
wrong is found in a second and said at once: changes that are not committed, a version that
CHANGELOG.md does not open with or that is tagged, links to files that are not in the repository.
Then a clean clone is tested and built, and its wheel and sdist are tried in fresh environments:
half an hour on two processors, which --quick leaves out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
NEXT = """
{version} can be released. What is left to do:

    git tag -a v{version} -m "libtvm {version}" && git push origin v{version}
        with .github/wheels.yml in .github/workflows this builds the wheels of other systems, too
    python tools/check_wheel.py FILE
        for each wheel of theirs, on its system; then it goes to {dist}
    python -m twine upload {dist}/*
    a new `## Unreleased` in CHANGELOG.md, and the next version in pyvm/__init__.py
"""


def git(root: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(root), *words], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.splitlines()


def version_of(root: Path) -> str:
    text = (root / "pyvm" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'(?m)^__version__ = "(.+)"$', text)
    return str(version)


def tree(root: Path) -> Iterator[str]:
    for line in git(root, "status", "--porcelain"):
        yield f"not committed: {line[3:]}"


def tag(root: Path) -> Iterator[str]:
    if git(root, "tag", "--list", name := f"v{version_of(root)}"):
        yield f"there is a tag {name}: pyvm/__init__.py needs the next version"


def changelog(root: Path) -> Iterator[str]:
    """It opens with the version, says something of it, and goes back in order."""
    version, text = version_of(root), (root / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"(?m)^## (.+)\n", text)
    names, bodies = parts[::2], parts[1::2]
    if not names or names[0] != version:
        opens = names[0] if names else "nothing"
        yield f"CHANGELOG.md opens with {opens}, and pyvm/__init__.py has {version}"
    elif not bodies[0].strip():
        yield f"CHANGELOG.md says nothing of {version}"
    numbers = [tuple(map(int, name.split("."))) for name in names if re.fullmatch(r"[\d.]+", name)]
    if numbers != sorted(set(numbers), reverse=True):
        yield "CHANGELOG.md has its versions out of order"


def links(root: Path) -> Iterator[str]:
    """What pages link to is in the repository, not only here."""
    tracked = set(git(root, "ls-files"))
    folders = {str(parent) for name in tracked for parent in Path(name).parents}
    for page in (name for name in tracked if name.endswith(".md")):
        text = re.sub(r"(?ms)^```.*?^```$", "", (root / page).read_text(encoding="utf-8"))
        for link in re.findall(r"\]\((?!\w+:)([^)\s#]+)", text):
            target = os.path.normpath(os.path.join(os.path.dirname(page), link))
            if target not in tracked | folders:
                yield f"{page} links to {link}, which is not in the repository"


CHECKS: tuple[Callable[[Path], Iterator[str]], ...] = (tree, tag, changelog, links)


def long_checks(clone: Path) -> Iterator[list[str | Path]]:
    """The commands, run in a clean clone one after the other."""
    python = clone / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    check: list[str | Path] = [python, "tools/check_wheel.py"]
    yield [clone / "tools" / "test"]
    yield [python, "tools/check_builds.py"]
    yield [python, "-m", "pip", "install", "--quiet", "-e", ".[release,docs]"]
    yield [python, "-W", "error", "-m", "pdoc", "pyvm", "pyvm.machine", "-o", "build/pages"]
    yield [python, "tools/build_wheel.py", "--folder", DIST]
    version = version_of(clone)
    for wheel in sorted(DIST.glob(f"libtvm-{version}-*.whl")):
        yield [*check, wheel]
    yield [*check, DIST / f"libtvm-{version}.tar.gz", "--path", os.environ["PATH"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    given = parser.parse_args()
    found = {check.__name__: list(check(ROOT)) for check in CHECKS}
    for name, problems in found.items():
        print(f"{'FAILED' if problems else 'ok':6} {name}", *problems, sep="\n       ", flush=True)
    if any(found.values()):
        return 1
    if given.quick:
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary, "clone")
        git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
        for command in long_checks(clone):
            words = [str(word) for word in command]
            shown = " ".join(words).replace(f"{clone}{os.sep}", "")
            if subprocess.call(words, cwd=clone):
                print(f"FAILED {shown}", flush=True)
                return 1
            print(f"ok     {shown}", flush=True)
    print(NEXT.format(version=version_of(ROOT), dist=DIST))
    return 0


if __name__ == "__main__":
    sys.exit(main())
