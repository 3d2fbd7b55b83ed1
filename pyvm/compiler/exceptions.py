"""Exceptions: what a module throws and catches becomes globals, jumps and returns.

Enters: a valid module whose references are numbers.  Leaves: the same without tags: an exception
that is on its way lies in globals, `raise` leads to the innermost handler, and `catch` says what it
takes from the globals.  And the functions that may return with an exception.

The globals: the *site*, which is the number of the `throw`, from 1 on, those of each tag one behind
the other, so that it tells the tag as well; and the words of the tag's parameters, for each type as
many as the largest tag has.  `rethrow` takes them from locals, where its `catch` kept them.  A
reference to an exception is a number as well: its place in a table of its own (tables.py), where
the first reference to an exception puts the same words.  The places are not used again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pyvm.compiler.tables import EXCEPTIONS
from pyvm.compiler.tails import Tails
from pyvm.printable import printable
from pyvm.wasm.floats import integer_types
from pyvm.wasm.module import (
    Body,
    FunctionType,
    Global,
    Immediate,
    Instr,
    Module,
    TryTable,
    number,
    numbers,
)

_USES = ("throw", "throw_ref", "rethrow", "try", "try_table")
_NOWHERE = -1  # the offset of instructions that are in no file


class Thrown(NamedTuple):
    """A `throw`: the function that it stands in, its offset, and the name of the tag."""

    function: int
    at: int
    tag: str


@dataclass
class Exceptions:
    """What becomes of a module's exceptions.

    Attributes:
        site: the global of the site.
        thrown: by site, from 1 on.
        functions: those that may return with an exception, and those that are called in their way.
        types: of table entries that are called so.
        helpers: functions that were added.
    """

    site: int = 0
    thrown: list[Thrown] = field(default_factory=list)
    functions: set[int] = field(default_factory=set)
    types: set[FunctionType] = field(default_factory=set)
    helpers: tuple[int, ...] = ()

    def spread(
        self,
        module: Module,
        types: Sequence[FunctionType],
        table: Iterable[int | None],
        tails: Tails,
    ) -> None:
        """Finds the functions.  One that returns in their way for its table entry's sake counts as
        one that throws: it costs its callers a row, and no token.
        """
        callers: dict[int | FunctionType, list[int]] = defaultdict(list)
        entries: dict[FunctionType, list[int]] = defaultdict(list)
        for index in {entry for entry in table if entry is not None}:
            entries[types[index]].append(index)
        in_table = {index for each in entries.values() for index in each}
        queue: list[int] = []
        for index, body in enumerate(module.bodies, len(module.imported("func"))):
            for op, arg, _ in body.code:
                if op in ("call", "return_call"):
                    callers[number(arg)].append(index)
                elif op in ("call_indirect", "return_call_indirect"):
                    callers[module.types[numbers(arg)[0]]].append(index)
                elif op == "raise":
                    queue.append(index)
        while queue:
            index = queue.pop()
            if index in self.functions:
                continue
            self.functions.add(index)
            queue += callers[index]
            queue += tails.groups.get(index, ())
            if index in in_table and types[index] not in self.types:
                self.types.add(types[index])
                queue += entries[types[index]] + callers[types[index]]


def without_exceptions(module: Module) -> tuple[Module, Exceptions]:
    """The module without tags, and what it throws."""
    if not any(instr.op in _USES for body in module.bodies for instr in body.code):
        return module, Exceptions()
    return _Rewriting(module).result()


class _Rewriting:
    """A module while its exceptions become globals.

    Attributes:
        kinds: of the words, those of 4 bytes first.
        words: their globals, in the same order.
        sites: by tag, the first site and how many there are.
        reference: the global with the reference to the exception, or 0; behind it the next one.
        keep, take: the functions that make a reference, and that throw what it refers to.
    """

    def __init__(self, module: Module):
        self.module = module
        self.tags = [FunctionType(integer_types(kind.params), ()) for kind in module.tag_types()]
        self.same = _same_tags(module)
        used = {instr.op for body in module.bodies for instr in body.code}
        self.references = "throw_ref" in used or any(
            clause.reference
            for body in module.bodies
            for instr in body.code
            if isinstance(instr.arg, TryTable)
            for clause in instr.arg.clauses
        )
        self.kinds = [
            kind
            for kind in ("i32", "i64")
            for _ in range(max((tag.params.count(kind) for tag in self.tags), default=0))
        ]
        self.globals = list(module.globals)
        self.site = self._global("i32")
        self.words = [self._global(kind) for kind in self.kinds]
        self.reference = self._global("i32") if self.references else 0
        self.next = self._global("i32", 1) if self.references else 0
        self.exceptions = Exceptions(self.site)
        self.sites = self._number_sites()
        self.at = _NOWHERE
        self.out: list[Instr] = []
        self.first = len(module.function_types())
        self.keep, self.take = self.first, self.first + 1

    def result(self) -> tuple[Module, Exceptions]:
        bodies = [
            self._body(index, body)
            for index, body in enumerate(self.module.bodies, len(self.module.imported("func")))
        ]
        result = replace(self.module, globals=self.globals, bodies=bodies, tags=[])
        if self.references:
            self._add_functions(result)
        return result, self.exceptions

    def _global(self, kind: str, value: int = 0) -> int:
        init = [Instr(f"{kind}.const", value, _NOWHERE), Instr("end", None, _NOWHERE)]
        self.globals.append(Global(kind, True, init))
        return len(self.module.imported("global")) + len(self.globals) - 1

    def _number_sites(self) -> list[tuple[int, int]]:
        by_tag: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for index, body in enumerate(self.module.bodies, len(self.module.imported("func"))):
            for op, arg, at in body.code:
                if op == "throw":
                    by_tag[self.same[number(arg)]].append((index, at))
        self.numbers: dict[tuple[int, int], int] = {}  # of sites, by function and offset
        ranges = [(0, 0)] * len(self.tags)
        for tag, places in sorted(by_tag.items()):
            ranges[tag] = len(self.numbers) + 1, len(places)
            for index, at in places:
                self.numbers[index, at] = len(self.numbers) + 1
                self.exceptions.thrown.append(Thrown(index, at, _tag_name(self.module, tag)))
        return [ranges[self.same[tag]] for tag in range(len(self.tags))]

    # -- code -----------------------------------------------------------------------------------

    def _put(self, op: str, arg: Immediate = None) -> None:
        self.out.append(Instr(op, arg, self.at))

    def _body(self, index: int, body: Body) -> Body:
        if not any(instr.op in _USES for instr in body.code):
            return body
        kinds = [*self.module.function_types()[index].params, *body.locals]
        own = len(kinds)
        kept = _rethrown(body.code)
        self.out = []
        tables: list[TryTable | None] = []  # of the blocks that are open
        catches: list[list[tuple[int, int]]] = []  # and where their catch keeps what: global, local
        for i, (op, arg, self.at) in enumerate(body.code):
            if op in ("block", "loop", "if", "try", "try_table"):
                tables.append(arg if isinstance(arg, TryTable) else None)
                catches.append([])
                self._put(*(("try", arg.type) if isinstance(arg, TryTable) else (op, arg)))
            elif op in ("end", "delegate"):
                if table := tables.pop() if tables else None:
                    self._clauses(table)
                if catches:
                    catches.pop()
                self._put(op, arg)
            elif op in ("catch", "catch_all"):
                taken = self._words_of(number(arg)) if op == "catch" else []
                self._catch(number(arg) if op == "catch" else None)
                if i in kept:
                    catches[-1] = self._kept(self.words if op == "catch_all" else taken, kinds)
                for word in taken:
                    self._put("global.get", word)
            elif op == "throw":
                for word in reversed(self._words_of(number(arg))):
                    self._put("global.set", word)
                self._set(self.site, self.numbers[index, self.at])
                if self.references:
                    self._set(self.reference, 0)
                self._put("raise")
            elif op == "rethrow":
                for word, local in catches[-1 - number(arg)]:
                    self._put("local.get", local)
                    self._put("global.set", word)
                self._put("raise")
            elif op == "throw_ref":
                kinds.append("i32")
                self._put("local.tee", len(kinds) - 1)
                self._put("i32.eqz")
                self._put("if", FunctionType((), ()))
                self._put("trap.null_exception")
                self._put("end")
                self._put("local.get", len(kinds) - 1)
                self._put("call", self.take)
                self._put("raise")
            else:
                self._put(op, arg)
        return Body((*body.locals, *kinds[own:]), self.out, body.at)

    def _set(self, index: int, value: int) -> None:
        self._put("i32.const", value)
        self._put("global.set", index)

    def _words_of(self, tag: int) -> list[int]:
        """The globals of a tag's parameters."""
        free = {kind: self.kinds.index(kind) for kind in set(self.tags[tag].params)}
        words = []
        for kind in self.tags[tag].params:
            words.append(self.words[free[kind]])
            free[kind] += 1
        return words

    def _catch(self, tag: int | None) -> None:
        """What is caught: all, or a range of sites, which may be none."""
        first, count = (1, len(self.exceptions.thrown)) if tag is None else self.sites[tag]
        if count == len(self.exceptions.thrown):
            self._put("catch_all")
        else:
            self._put("catch", (self.site, first, count))

    def _kept(self, words: list[int], kinds: list[str]) -> list[tuple[int, int]]:
        """Copies of an exception's globals in locals, of which there are more for it then."""
        pairs = []
        for word in (self.site, *words, *([self.reference] if self.references else [])):
            pairs.append((word, len(kinds)))
            kinds.append(self.globals[word - len(self.module.imported("global"))].type)
            self._put("global.get", word)
            self._put("local.set", pairs[-1][1])
        return pairs

    def _clauses(self, table: TryTable) -> None:
        """The clauses of a try_table are those of a `try` that branch to one label further out."""
        for clause in table.clauses:
            self._catch(clause.tag)
            for word in [] if clause.tag is None else self._words_of(clause.tag):
                self._put("global.get", word)
            if clause.reference:
                self._put("call", self.keep)
            self._put("br", clause.label + 1)

    # -- references -----------------------------------------------------------------------------

    def _add_functions(self, module: Module) -> None:
        self.at = _NOWHERE
        first = len(module.types)
        self.exceptions.helpers = self.keep, self.take
        give, take = FunctionType((), ("i32",)), FunctionType(("i32",), ())
        module.types = [*module.types, give, take]
        module.functions = [*module.functions, first, first + 1]
        module.names = {**module.names, self.keep: "make exnref", self.take: "throw_ref"}
        module.bodies += [
            Body((), self._code_of_keep(), _NOWHERE),
            Body((), self._code_of_take(), _NOWHERE),
        ]

    def _elements(self) -> list[tuple[int, str]]:
        """What a place in the table has, an element each: a global, and which half of it."""
        found = [(self.site, "i32")]
        for word, kind in zip(self.words, self.kinds):
            found += [(word, "i32")] if kind == "i32" else [(word, "low"), (word, "high")]
        return found

    def _code_of_keep(self) -> list[Instr]:
        """The reference to the exception in the globals; the first time, it is made."""
        self.out = []
        elements = self._elements()
        self._put("global.get", self.reference)
        self._put("i32.eqz")
        self._put("if", FunctionType((), ()))
        for i, (word, half) in enumerate(elements):
            self._put("global.get", self.next)
            self._put("i32.const", i)
            self._put("i32.add")
            self._put("global.get", word)
            if half == "high":
                self._put("i64.const", 32)
                self._put("i64.shr_u")
            if half != "i32":
                self._put("i32.wrap_i64")
            self._put("table.set", EXCEPTIONS)
        self._put("global.get", self.next)
        self._put("global.set", self.reference)
        self._put("global.get", self.next)
        self._put("i32.const", len(elements))
        self._put("i32.add")
        self._put("global.set", self.next)
        self._put("end")
        self._put("global.get", self.reference)
        self._put("end")
        return self.out

    def _code_of_take(self) -> list[Instr]:
        """Puts what a reference refers to into the globals."""
        self.out = []
        for i, (word, half) in enumerate(self._elements()):
            self._put("local.get", 0)
            self._put("i32.const", i)
            self._put("i32.add")
            self._put("table.get", EXCEPTIONS)
            if half != "i32":
                self._put("i64.extend_i32_u")
            if half == "high":
                self._put("i64.const", 32)
                self._put("i64.shl")
                self._put("global.get", word)
                self._put("i64.or")
            self._put("global.set", word)
        self._put("local.get", 0)
        self._put("global.set", self.reference)
        self._put("end")
        return self.out


def _rethrown(code: list[Instr]) -> set[int]:
    """The places of the catches whose exception is thrown again."""
    found: set[int] = set()
    catches: list[int] = [0]
    for i, (op, arg, _) in enumerate(code):
        if op in ("block", "loop", "if", "try", "try_table"):
            catches.append(0)
        elif op in ("end", "delegate"):
            catches.pop()
        elif op in ("catch", "catch_all"):
            catches[-1] = i
        elif op == "rethrow":
            found.add(catches[-1 - number(arg)])
    return found


def _same_tags(module: Module) -> list[int]:
    """By tag the first one that is the same: two imports of one name are."""
    first: dict[tuple[str, str, FunctionType], int] = {}
    imported = module.imported("tag")
    types = module.tag_types()
    same = [
        first.setdefault((item.module, item.name, types[i]), i) for i, item in enumerate(imported)
    ]
    return same + list(range(len(imported), len(types)))


def _tag_name(module: Module, tag: int) -> str:
    imported = module.imported("tag")
    if tag < len(imported):
        return str(imported[tag])
    exported = [item.name for item in module.exports if item.kind == "tag" and item.index == tag]
    return printable(exported[0] if exported else module.tag_names.get(tag, f"tag {tag}"))
