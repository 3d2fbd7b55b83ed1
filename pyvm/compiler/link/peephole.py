"""Small rewrites of a unit's code that never change what it computes, only what it costs.

Enters and leaves: the items of a `Unit`.  Unreachable code goes, branches to branches lead to the
last target, `local.set x, local.get x` is a `local.tee`.
"""

from __future__ import annotations

from pyvm.compiler.link.assembly import Ins, Label, Unit
from pyvm.isa.instructions import INSTRUCTIONS


def peephole(unit: Unit) -> Unit:
    """The unit, improved in place until nothing changes."""
    while True:
        before = list(unit.code)
        _thread_branches(unit)
        _drop_unreachable(unit)
        _merge(unit)
        if unit.code == before:
            return unit


def _thread_branches(unit: Unit) -> None:
    """A branch to a `br` goes where that one goes; a `br` to a `return` or `halt` becomes one."""
    after: dict[Label, Ins] = {}
    following: Ins | None = None
    for item in reversed(unit.code):
        if isinstance(item, Label):
            if following is not None:
                after[item] = following
        else:
            following = item
    last: dict[Label, Label] = {}  # where a branch to a label leads in the end
    for i, item in enumerate(unit.code):
        if isinstance(item, Label) or item.op not in ("br", "br_if"):
            continue
        label, passed = _label(item), []
        while label not in last:
            passed.append(label)
            last[label] = label  # a circle of branches ends where it began
            target = after.get(label)
            if target and target.op == "br":
                label = _label(target)
        label = last[label]
        last.update(dict.fromkeys(passed, label))
        target = after.get(label)
        item = item._replace(arg=label)
        if item.op == "br" and target and target.op in ("return", "halt"):
            item = target._replace(at=item.at)
        unit.code[i] = item


def _label(branch: Ins) -> Label:
    if not isinstance(branch.arg, Label):
        raise AssertionError(f"{branch.op} has the operand {branch.arg!r}: it needs a label")
    return branch.arg


def _drop_unreachable(unit: Unit) -> None:
    used = {item.arg for item in unit.code if isinstance(item, Ins) and item.op in ("br", "br_if")}
    kept: list[Ins | Label] = []
    alive = True
    for item in unit.code:
        if isinstance(item, Label):
            if item in used:
                alive = True
                kept.append(item)
        elif alive:
            kept.append(item)
            alive = INSTRUCTIONS[item.op].falls_through
    unit.code = kept


def _merge(unit: Unit) -> None:
    kept: list[Ins | Label] = []
    for item in unit.code:
        last = kept[-1] if kept else None
        if isinstance(item, Label):
            if isinstance(last, Ins) and last.op == "br" and last.arg is item:
                kept.pop()  # a branch to what follows it
        elif isinstance(last, Ins):
            if last.op == "local.set" and item.op == "local.get" and last.arg == item.arg:
                kept[-1] = last._replace(op="local.tee")
                continue
            if last.op == "local.tee" and item.op == "drop":
                kept[-1] = last._replace(op="local.set")
                continue
            if last.op in ("local.get", "i32.const", "global.get") and item.op == "drop":
                kept.pop()
                continue
        kept.append(item)
    unit.code = kept
