"""tools/release.py finds what a commit has wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import release

GOOD = {
    "pyvm/__init__.py": '__version__ = "1.10.0"\n',
    "CHANGELOG.md": "# Changelog\n\n## 1.10.0\n\n* New.\n\n## 1.9.0\n\nOld.\n",
    "README.md": "# Page\n\n[a file](pyvm/__init__.py), [a folder](pyvm), [far](https://a.b/c)\n",
}


@pytest.fixture
def repository(tmp_path) -> Path:
    for name, text in GOOD.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    who = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
    git(root, *who, "commit", "--quiet", "-m", "m")


def problems(root: Path) -> list[str]:
    return [problem for check in release.CHECKS for problem in check(root)]


def test_a_commit_with_nothing_wrong(repository):
    assert problems(repository) == []


def test_what_is_not_committed(repository):
    (repository / "README.md").write_text("# Other\n")
    (repository / "new.py").write_text("")
    found = problems(repository)
    assert found == ["not committed: README.md", "not committed: new.py"]


def test_a_version_that_is_tagged(repository):
    git(repository, "tag", "v1.10.0")
    (found,) = problems(repository)
    assert "v1.10.0" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## Unreleased\n\nNew.\n\n## 1.10.0\n\nOld.\n", "opens with Unreleased"),
        ("", "opens with nothing"),
        ("## 1.10.0\n\n## 1.9.0\n\nOld.\n", "says nothing of 1.10.0"),
        ("## 1.10.0\n\nNew.\n\n## 1.8.0\n\nOld.\n\n## 1.9.0\n\nOld.\n", "out of order"),
        ("## 1.10.0\n\nNew.\n\n## 1.10.0\n\nOld.\n", "out of order"),
    ],
)
def test_a_changelog_that_does_not_fit(repository, text, message):
    (repository / "CHANGELOG.md").write_text(f"# Changelog\n\n{text}")
    commit(repository)
    (found,) = problems(repository)
    assert message in found


def test_a_link_to_what_is_only_here(repository):
    (repository / ".gitignore").write_text("made\n")
    (repository / "made").write_text("")
    (repository / "README.md").write_text("[made](made)\n\n```\n[text](in/a/block)\n```\n")
    commit(repository)
    assert problems(repository) == ["README.md links to made, which is not in the repository"]
