"""Where the tokens of a run went: by function and by line, as a table and as a page.

Enters: a run, and the program where it is known.  Leaves: `Profile`.

A function is one of the module, or a routine that the compiler linked to it; lines are those that
the module's debug information names.  Tokens of the prompt are not counted.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from pyvm.isa.classes import token_classes
from pyvm.isa.errors import ProgramError
from pyvm.isa.prompt import NAMES, Listing, read_listing, trace_begin
from pyvm.printable import printable
from pyvm.trace.pieces import in_pieces
from pyvm.trace.statistics import Spent as SpentByInstruction
from pyvm.trace.statistics import spent_by_instruction
from pyvm.view.data import Shown, source
from pyvm.view.html import frame

if TYPE_CHECKING:
    import os

    from pyvm.isa.program import Program

_SHOWN = 10  # rows of each table in text
_AROUND = 2  # lines of source shown around one that took tokens


@dataclass(frozen=True)
class Spent:
    """What one function, line or opcode took: tokens, and executed instructions."""

    name: str
    tokens: int
    instructions: int


@dataclass(frozen=True)
class Profile:
    """What a run took; each tuple has the most tokens first.

    Attributes:
        name: of the program.
        tokens: generated ones that belong to instructions.
        instructions: executed ones.
        functions, lines, opcodes: what each took; a line is "file:line".
    """

    name: str
    tokens: int
    instructions: int
    functions: tuple[Spent, ...] = field(repr=False)
    lines: tuple[Spent, ...] = field(repr=False)
    opcodes: tuple[Spent, ...] = field(repr=False)

    def text(self) -> list[str]:
        """Tables of what took most: functions, then lines."""
        rows = []
        for title, spent in (("function or routine", self.functions), ("line", self.lines)):
            if not spent:
                continue
            rows.append(f"{title:40} {'tokens':>12} {'share':>7} {'instructions':>13}")
            for row in spent[:_SHOWN]:
                rows.append(
                    f"{printable(row.name)[:40]:40} {row.tokens:12,} "
                    f"{100 * self._share(row):6.1f}% {row.instructions:13,}"
                )
            if len(spent) > _SHOWN:
                rows.append(f"{f'and {len(spent) - _SHOWN:,} more':40}".rstrip())
        return rows

    @cached_property
    def html(self) -> str:
        """The page: no script, no network."""
        read = resources.files(__package__).joinpath("page").joinpath
        sections = [_section("Functions and routines", self._table("function", self.functions))]
        if not self.functions:
            sections = [_section("Functions", "<p>Nothing is known of the program.</p>")]
        sections += [self._file(name, lines) for name, lines in self._files().items()]
        sections.append(_section("Instructions", self._table("opcode", self.opcodes)))
        each = self.tokens / max(self.instructions, 1)
        parts = {
            "@STYLE@": read("profile.css").read_text("utf-8"),
            "@SUMMARY@": f"{self.tokens:,} tokens for {self.instructions:,} instructions, "
            f"{each:.1f} tokens each",
            "@SECTIONS@": "\n".join(sections),
        }
        page = read("profile.html").read_text("utf-8").replace("@TITLE@", _escaped(self.name))
        for mark, part in parts.items():
            before, _, after = page.partition(mark)
            page = before + part + after
        return page

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page to a file."""
        from pyvm.files import write_file

        write_file(path, self.html.encode())

    def _repr_html_(self) -> str:
        return frame(self.html, "Profile")

    def _share(self, row: Spent) -> float:
        return row.tokens / max(self.tokens, 1)

    def _table(self, what: str, spent: tuple[Spent, ...]) -> str:
        head = f"<tr><th>{what}</th><th>tokens</th><th>share</th><th>instructions</th></tr>"
        rows = [
            f'<tr><td class="name">{_escaped(row.name)}</td>{self._numbers(row)}</tr>'
            for row in spent
        ]
        return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"

    def _numbers(self, row: Spent) -> str:
        share = 100 * self._share(row)
        return (
            f"<td>{row.tokens:,}</td>"
            f'<td class="share"><span style="--share:{share:.2f}%">{share:.1f} %</span></td>'
            f'<td class="more">{row.instructions:,}</td>'
        )

    def _files(self) -> dict[str, dict[int, Spent]]:
        """What lines took, by file; the file that took most comes first."""
        files: dict[str, dict[int, Spent]] = {}
        for row in self.lines:
            name, _, line = row.name.rpartition(":")
            files.setdefault(name, {})[int(line)] = row
        totals = {name: sum(row.tokens for row in lines.values()) for name, lines in files.items()}
        return {name: files[name] for name in sorted(files, key=lambda name: -totals[name])}

    def _file(self, name: str, lines: dict[int, Spent]) -> str:
        text = (source(name) or "").splitlines()
        shown = {line + k for line in lines for k in range(-_AROUND, _AROUND + 1)}
        rows, before = [], 0
        for number in sorted(shown & {*range(1, len(text) + 1), *lines}):
            if number > before + 1:
                rows.append('<tr class="gap"><td colspan="5"></td></tr>')
            before = number
            row = lines.get(number)
            numbers = '<td></td><td></td><td class="more"></td>'
            code = _escaped(text[number - 1]) if number <= len(text) else ""
            rows.append(
                f"<tr><td>{number}</td>{numbers if row is None else self._numbers(row)}"
                f'<td class="code">{code}</td></tr>'
            )
        head = "<th>line</th><th>tokens</th><th>share</th><th>instructions</th><th>source</th>"
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        share = sum(map(self._share, lines.values()))
        return _section(f"{_escaped(name)}: {100 * share:.1f} %", table)


def _section(title: str, table: str) -> str:
    return f"<details open><summary><h2>{title}</h2></summary>{table}</details>"


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def profile(run: Shown, program: Program | None = None) -> Profile:
    """What a run took; functions and lines are known from the program."""
    listing = program.listing if program is not None else read_listing(run.tokens, run.vocabulary)
    if listing is None:
        raise ProgramError("the run's prompt has no program: give it, too")
    begin = trace_begin(run.tokens, token_classes(run.vocabulary))
    spent = spent_by_instruction(in_pieces(run.tokens, begin), run.vocabulary, listing)
    return profile_of(spent, listing, program)


def profile_of(
    spent: SpentByInstruction, listing: Listing, program: Program | None = None
) -> Profile:
    """The same of what each instruction took."""
    functions = np.zeros(len(listing), dtype=np.int64)
    lines = np.zeros(len(listing), dtype=np.int64)
    function_names, line_names = [""], {"": 0}
    if program is not None:
        starts = [first for first, _ in program.debug.units] + [len(listing)]
        for (first, unit), end in zip(program.debug.units, starts[1:]):
            functions[first:end] = len(function_names)
            function_names.append(unit)
        for i in np.flatnonzero(spent.executed) if program.places else ():
            line = program.debug.line(program.places[int(i)][1])
            lines[i] = line_names.setdefault(line or "", len(line_names))

    def by(numbers: np.ndarray, names: list[str]) -> tuple[Spent, ...]:
        tokens, executed = (
            np.bincount(numbers, what, len(names)).astype(np.int64)
            for what in (spent.tokens, spent.executed)
        )
        rows = [Spent(*row) for row in zip(names, tokens.tolist(), executed.tolist())]
        return tuple(sorted((r for r in rows if r.name and r.tokens), key=lambda r: -r.tokens))

    return Profile(
        program.name if program is not None else "run",
        int(spent.tokens.sum()),
        int(spent.executed.sum()),
        by(functions, function_names),
        by(lines, list(line_names)),
        by(listing.opcodes.astype(np.int64), list(NAMES)),
    )
