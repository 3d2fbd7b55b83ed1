"""`pyvm model explain`: what the plan found in the weights, what is proved of it, and its tapes.

Enters: a model, and a program whose trace the tapes are made for.  Leaves: text, one section for
each stage: fold, ranges, specialise, tapes.  Names are the labels of the model file, if it has any.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pyvm.commands import common, program_options, status
from pyvm.commands.report import Report
from pyvm.engine.node_names import node_names, register

_REGISTER = re.compile(r"\bn(\d+)\b")
# What the kinds of nodes (lib/plan/explain.cpp names them) are called for people.
_FOUND = {
    "index": "positions gathered from",
    "token at": "tokens gathered",
    "history at": "values gathered",
    "sum": "running sums and means",
    "lookup": "lookups by integer key",
    "found": "values looked up",
    "product": "products",
    "step": "steps",
    "equal": "values under an equality",
    "function": "functions of one integer",
    "linear": "sums",
    "token": "functions of the token",
}


def add(actions: common.Commands) -> None:
    parser = actions.add_parser(
        "explain",
        help="what the plan found in the weights, and the code that it runs",
        description="Prints the stages from the weights to the tapes of the fast path.",
        epilog=status.EPILOG,
        examples=(
            ("pyvm model explain base", "all that the plan found"),
            ("pyvm model explain --dimension stack_depth", "one dimension, to the code"),
            ("pyvm model explain --program hello", "the code that a program's trace takes"),
        ),
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=common.MODEL_HELP)
    parser.add_argument("--program", metavar="PROGRAM", help="also the tapes that its trace takes")
    common.add_machine_option(parser, "to compile PROGRAM for")
    parser.add_argument("--input", metavar="TEXT", help="the program's input text")
    parser.add_argument(
        "--dimension", metavar="NAME", help="only what has to do with this label or node"
    )
    parser.add_argument(
        "--max-tokens",
        type=common.whole_number,
        default=1_000_000,
        metavar="N",
        help="of the trace",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace, report: Report) -> int:
    with common.open_model(arguments) as model:
        trace = None
        if arguments.program is not None:
            from pyvm.compiler.compile import compile_file

            program = compile_file(
                arguments.program,
                input=program_options.given_input(arguments),
                machine=arguments.machine,
            )
            trace = model.generate(program, arguments.max_tokens).tokens
        plan = model.explain(trace)
        names = node_names(plan["nodes"], model.metadata)
    sections = [fold(plan, names), ranges(plan), specialise(plan, names), nodes(plan, names)]
    if trace is not None:
        sections.append(tapes(plan, names, trace.size))
    wanted = arguments.dimension
    if wanted is not None and wanted not in {*names.values(), *map(register, names)}:
        near = sorted({name for name in names.values() if wanted.lower() in name.lower()})
        hint = f": {', '.join(near)}" if near else ""
        raise common.CommandError(f"no dimension of the plan is called {wanted!r}{hint}")
    for section in sections:
        lines = list(section)
        if wanted is not None:
            lines = [lines[0], *(line for line in lines[1:] if _mentions(line, wanted))]
            if len(lines) == 1:
                continue
        print("\n".join(lines), end="\n\n")
    return status.OK


def _named(text: str, names: dict[int, str]) -> str:
    """The text with names for registers, in brackets where a name has blanks."""

    def name(match: re.Match[str]) -> str:
        found = names[int(match[1])]
        return f"[{found}]" if " " in found else found

    return re.sub(r"\bp\b", "position", _REGISTER.sub(name, text))


def _mentions(line: str, wanted: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(wanted)}(?![\w.])", line) is not None


def fold(plan: dict[str, Any], names: dict[int, str]) -> Iterator[str]:
    live = [node for node in plan["nodes"] if node["live"]]
    yield "fold: every residual slot followed through the layers as a linear expression"
    used, unread = plan["heads_used"], plan["heads_dropped"]
    yield f"  heads    {used} used, {unread} dropped: nobody reads them"
    yield f"  neurons  {plan['neurons_used']} used"
    dropped = len(plan["nodes"]) - len(live)
    yield f"  nodes    {len(live)} live, {dropped} dropped: constant, or replaced by others"
    counts = Counter(node["kind"] for node in live)
    for kind, words in _FOUND.items():
        if counts[kind]:
            yield f"  {counts[kind]:7}  {words}"
    for number, store in enumerate(plan["stores"]):
        columns = ", ".join(_named(column, names) for column in store["columns"])
        yield f"  store {number}: key {_named(store['key'], names)}; columns {columns}"
        yield f"           out of it while {_named(store['clear'], names)} > 0"
    for number, feature in enumerate(plan["features"]):
        yield f"  output feature {number}: {_named(feature, names)}"


def certificate(proved: dict[str, Any]) -> Iterator[str]:
    """What holds for every trace of the model on the plan."""
    low, high = proved["keys"]
    keys = "any 64-bit keys" if "beyond" in (low, high) else f"keys from {low:,} to {high:,}"
    yield f"exact for traces of up to {proved['tokens']:,} tokens and {keys}"
    count = len(proved["checked"])
    if count == 0:
        yield f"all {proved['nodes']} values are proved to be integers of 64 bits"
    else:
        yield (
            f"{proved['nodes'] - count} of {proved['nodes']} values are proved to be integers of "
            "64 bits, the others are checked in every run"
        )
    yield f"running sums are checked to stay within {proved['sums']:,}"


def ranges(plan: dict[str, Any]) -> Iterator[str]:
    yield "ranges: an interval for every value, and the certificate"
    for line in certificate(plan["certificate"]):
        yield f"  {line}"


def specialise(plan: dict[str, Any], names: dict[int, str]) -> Iterator[str]:
    yield "specialise: what positions are told apart by"
    yield f"  {plan['classes']} classes of tokens"
    for selector in plan["selectors"]:
        told = ", ".join(names[node] for node in selector["nodes"])
        yield f"  {selector['cases']} cases of {told}"


def nodes(plan: dict[str, Any], names: dict[int, str]) -> Iterator[str]:
    yield "nodes: name, interval, what it is"
    for node in plan["nodes"]:
        if node["live"] and node["id"] > 1:
            interval = f"{node['low']} .. {node['high']}"
            yield f"  {names[node['id']]:32} {interval:>34}  {_named(node['is'], names)}"


def tapes(plan: dict[str, Any], names: dict[int, str], tokens: int) -> Iterator[str]:
    lengths = sorted(len(tape["ops"]) for tape in plan["tapes"])
    yield f"tapes: {len(lengths)} for a trace of {tokens:,} tokens"
    yield f"  {lengths[0]} to {lengths[-1]} ops, median {lengths[len(lengths) // 2]}"
    for number, tape in enumerate(plan["tapes"]):
        yield f"  tape {number}, class {tape['class']}"
        for op in tape["ops"]:
            yield f"    {_named(op, names)}"
