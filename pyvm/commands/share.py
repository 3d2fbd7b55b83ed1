"""`python -m pyvm.commands.share FOLDER`: what a system finds a command by, in the folders where it
looks: the manual page and completion for bash, zsh and fish.

Enters: the parser of all commands.  Leaves: files below FOLDER/share, the same bytes each time;
wheels contain them, so that an environment's share has them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyvm.commands import completion, man
from pyvm.commands.dispatch import make_parser


def files() -> dict[str, str]:
    """Path -> text."""
    parser = make_parser()
    return {
        "share/man/man1/pyvm.1": man.page(parser),
        "share/bash-completion/completions/pyvm": completion.bash(parser),
        "share/zsh/site-functions/_pyvm": completion.zsh(parser),
        "share/fish/vendor_completions.d/pyvm.fish": completion.fish(parser),
    }


def main(folder: Path) -> None:
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
