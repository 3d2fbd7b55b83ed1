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
        if isinstance(item, Label):
            continue
        if item.behind is not None:
            unit.code[i] = item._replace(behind=_threaded(item.behind, after, last))
        elif isinstance(item.arg, tuple):
            unit.code[i] = item._replace(arg=tuple(_last(each, after, last) for each in item.arg))
        elif isinstance(item.arg, Label):
            unit.code[i] = _threaded(item, after, last)


def _threaded(item: Ins, after: dict[Label, Ins], last: dict[Label, Label]) -> Ins:
    if not isinstance(item.arg, Label):
        return item
    label = _last(item.arg, after, last)
    target = after.get(label)
    if item.op == "br" and target and target.op in ("return", "halt"):
        return target._replace(at=item.at)
    return item._replace(arg=label)


def _last(label: Label, after: dict[Label, Ins], last: dict[Label, Label]) -> Label:
    passed = []
    while label not in last:
        passed.append(label)
        last[label] = label  # a circle of branches ends where it began
        target = after.get(label)
        if target and target.op == "br" and isinstance(target.arg, Label):
            label = target.arg
    label = last[label]
    last.update(dict.fromkeys(passed, label))
    return label


def _drop_unreachable(unit: Unit) -> None:
    used: set[Label] = set()
    for item in unit.code:
        if isinstance(item, Ins):
            used.update(item.arg if isinstance(item.arg, tuple) else ())
            used.update([item.arg] if isinstance(item.arg, Label) else ())
            if item.behind is not None and isinstance(item.behind.arg, Label):
                used.add(item.behind.arg)
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
            if _tee(last, item):
                kept[-1] = last._replace(op=item.op.removesuffix("get") + "tee")
                continue
            if last.op in ("local.tee", "i64.local.tee") and item.op == "drop":
                kept[-1] = last._replace(op=last.op.removesuffix("tee") + "set")
                continue
            if last.op in ("local.get", "i32.const", "global.get") and item.op == "drop":
                kept.pop()
                continue
        kept.append(item)
    unit.code = kept


def _tee(last: Ins, item: Ins) -> bool:
    """A local is set and read."""
    names = (("local.set", "local.get"), ("i64.local.set", "i64.local.get"))
    return (last.op, item.op) in names and last.arg == item.arg
