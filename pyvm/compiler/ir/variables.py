"""Locals: which values are read at all, and which need not go through a local.

Enters: a `Function`.  Leaves: the same function, in which a value that the next statement reads is
left on the operand stack, what nobody reads is not kept, and only locals are zeroed that may be
read before they are written.

A set of locals is a bit mask.  A local is *live* where its value may still be read (Aho, Lam,
Sethi, Ullman, section 9.2.5).
"""

from __future__ import annotations

from dataclasses import replace

from pyvm.compiler.ir.function import (
    HIGH,
    JOIN,
    JOINS,
    LOCAL_BITS,
    LOW,
    STACKED,
    TRAPS,
    WRITES,
    Attempt,
    Drop,
    Eval,
    Expr,
    Function,
    Jump,
    JumpTable,
    Label,
    Place,
    Statement,
    const,
    falls_through,
    in_order,
    local_bit,
    put,
    targets,
)
from pyvm.compiler.ir.rules import half, simplified
from pyvm.wasm import limits

MAX_DEPTH = 60  # of a tree: recursion goes as deep
_READS_LOCAL = ("local.get", "local.low", "local.high")
_PASSES = 4  # a value that is no longer kept was perhaps the only reader of others

Live = dict[Label, int]


def improve(function: Function) -> None:
    """Rewrites the function in place."""
    function.code = _reachable(function.code)
    labels = sum(isinstance(each, Place) for each in function.code)
    if len(function.kinds) > LOCAL_BITS or labels * len(function.kinds) > limits.FLOW_FACTS:
        entry = -1  # all may be read
    else:
        for _ in range(_PASSES):
            before = function.code
            function.code = _forwarded(_copied(before))
            live, entry = _liveness(function.code)
            function.code = _without_dead(function.code, live)
            if function.code == before:
                break
    read = {
        value.imm
        for each in function.code
        if each.value is not None and each.value.reads
        for value in in_order(each.value)
        if value.op in _READS_LOCAL
    }
    zeroed = [i for i in sorted(read) if entry & local_bit(i)]
    params = function.code[: _arguments(function.code)]
    set_first = {each.value.imm for each in params if isinstance(each, Eval)}
    function.code[:0] = [put(i, const(function.kinds[i], 0)) for i in zeroed if i not in set_first]


def _arguments(code: list[Statement]) -> int:
    """How many statements at the beginning only take arguments."""
    count = 0
    for each in code:
        if not (
            isinstance(each, Eval)
            and each.value.op == "local.set"
            and each.value.args[0].op == STACKED
        ):
            break
        count += 1
    return count


def _reachable(code: list[Statement]) -> list[Statement]:
    """Without what follows a jump and no label leads to."""
    used = {label for each in code for label in targets(each)}
    kept: list[Statement] = []
    alive = True
    for each in code:
        if isinstance(each, Place):
            alive = alive or each.label in used
            if each.label not in used:
                continue
        if alive:
            kept.append(each)
            alive = falls_through(each)
    return kept


# -- copies ---------------------------------------------------------------------------------------

Copies = dict[int, Expr]
_COPIED = (*_READS_LOCAL, "i32.const", "i64.const")


def _copied(code: list[Statement]) -> list[Statement]:
    """Where a local is a copy of another one, of a half of one, or a constant, that one is read.

    So is known up to the next label.
    """
    kept: list[Statement] = []
    copies: Copies = {}
    for each in code:
        if isinstance(each, Place):
            copies.clear()
        elif (value := each.value) is not None:
            if (apart := _half_apart(value)) is not None:
                whole, value = apart
                kept.append(Eval(_with_copies(whole, copies)))
                each = Eval(value)
            value = _with_copies(value, copies)
            if value is not each.value:
                each = _with_value(each, value)
        kept.append(each)
    return kept


def _forget(copies: Copies, written: int) -> None:
    for index in [i for i, of in copies.items() if (of.reads | local_bit(i)) & written]:
        del copies[index]


def _half_apart(value: Expr) -> tuple[Expr, Expr] | None:
    """A local is set to a half of what another one is set to: first that one is, then its half."""
    if value.op != "local.set" or value.args[0].op != "i32.wrap_i64":
        return None
    whole, upper = value.args[0].args[0], False
    if whole.op == "i64.shr_u" and whole.args[1].constant == 32:
        whole, upper = whole.args[0], True
    if whole.op != "local.tee":
        return None
    read = Expr(HIGH if upper else LOW, "i32", (), whole.imm, value.at)
    return Expr("local.set", "", whole.args, whole.imm, whole.at), value.with_args(read)


def _with_copies(value: Expr, copies: Copies) -> Expr:
    """The value; what it writes changes what is known."""
    if not value.writes and not (copies and value.reads):
        return value
    if value.op in _READS_LOCAL:
        source = copies.get(value.imm)
        if source is None or value.op == "local.get":
            return value if source is None else source
        if source.constant is not None:
            return half(source, value.op == HIGH)
        return replace(source, op=value.op, type=value.type)
    args = tuple(_with_copies(arg, copies) for arg in value.args)
    if any(a is not b for a, b in zip(args, value.args)):
        value = simplified(value.with_args(*args))
    if value.op == JOIN and value.imm:
        _forget(copies, local_bit(value.imm - 1))
    if value.op in ("local.set", "local.tee"):
        written, source = local_bit(value.imm), value.args[0]
        _forget(copies, written)
        if source.op in _COPIED and not source.reads & written:
            copies[value.imm] = source
    return value


# -- values that need no local -------------------------------------------------------------------


def _forwarded(code: list[Statement]) -> list[Statement]:
    """`local.set x e`, then a statement that reads x: it evaluates e where it reads x first, if
    what it evaluates before commutes with e.
    """
    kept: list[Statement] = []
    for each in code:
        while kept and (merged := _merged(kept[-1], each)) is not None:
            kept.pop()
            each = merged
        kept.append(each)
    return kept


def _merged(first: Statement, second: Statement) -> Statement | None:
    if not isinstance(first, Eval) or first.value.op != "local.set" or second.value is None:
        return None
    index, value = first.value.imm, first.value.args[0]
    if not second.value.reads & local_bit(index) or value.depth + second.value.depth > MAX_DEPTH:
        return None
    new = _placed(second.value, index, value)
    return None if new is None else _with_value(second, new)


def _placed(tree: Expr, index: int, value: Expr) -> Expr | None:
    """The tree with the value, kept in the local as well, at the first read of the local."""
    if tree.op in _READS_LOCAL and tree.imm == index:
        tee = Expr("local.tee", value.type, (value,), index, tree.at)
        if tree.op == "local.get":
            return tee
        return (
            None
            if tree.op != "local.low"
            else simplified(Expr("i32.wrap_i64", "i32", (tee,), at=tree.at))
        )
    for i, arg in enumerate(tree.args):
        if arg.reads & local_bit(index):
            new = _placed(arg, index, value)
            if new is None:
                return None
            return simplified(tree.with_args(*tree.args[:i], new, *tree.args[i + 1 :]))
        if not _commute(arg, value) or arg.writes & local_bit(index):
            return None
    return None


def _commute(before: Expr, value: Expr) -> bool:
    """Whether `value` can be evaluated behind `before` as well as in front of it."""
    if value.stacked and before.op != STACKED:  # what it takes lies above what that one takes
        return False
    if before.reads & value.writes or before.writes & (value.reads | value.writes):
        return False
    if before.acts & WRITES or value.acts & WRITES:
        return not before.acts or not value.acts
    return not (before.acts & TRAPS and value.acts & TRAPS)


# -- what is read --------------------------------------------------------------------------------


def _with_value(statement: Statement, value: Expr) -> Statement:
    if isinstance(statement, Jump):
        return Jump(statement.label, value, statement.negated, statement.at)
    if isinstance(statement, JumpTable):
        return JumpTable(statement.labels, value, statement.at)
    if isinstance(statement, Attempt):
        return Attempt(value, statement.label, statement.at)
    return type(statement)(value)  # type: ignore[arg-type]


def _liveness(code: list[Statement]) -> tuple[Live, int]:
    """The live locals at each label, and where the function begins."""
    live: Live = {}
    while True:
        now, changed = 0, False
        for each in reversed(code):
            if isinstance(each, Place):
                changed = changed or live.get(each.label, 0) != now
                live[each.label] = now
            else:
                now = _before(each, now, live)
        if not changed:
            return live, now


def _after(statement: Statement, following: int, live: Live) -> int:
    """What is live behind the statement's value, given what is where the next one begins."""
    now = following if falls_through(statement) else 0
    for label in targets(statement):
        now |= live.get(label, 0)
    return now


def _before(statement: Statement, following: int, live: Live) -> int:
    now = _after(statement, following, live)
    return now if statement.value is None else _live_before(statement.value, now)


def _live_before(value: Expr, now: int) -> int:
    if not value.writes:
        return now | value.reads
    if value.op in ("local.set", "local.tee"):
        now &= ~local_bit(value.imm)
    elif value.op in _READS_LOCAL:
        now |= local_bit(value.imm)
    for arg in reversed(value.args):
        now = _live_before(arg, now)
    return now


def _without_dead(code: list[Statement], live: Live) -> list[Statement]:
    """Without locals that nobody reads, and values that nobody takes."""
    kept: list[Statement] = []
    now = 0
    for each in reversed(code):
        if isinstance(each, Place):
            now = live[each.label]
        elif each.value is not None:
            now = _after(each, now, live)
            value = each.value
            if value.op == "local.set" and not now & local_bit(value.imm):
                each = Drop(value.args[0])
            elif isinstance(each, Drop) and value.op == "local.tee":
                each = put(value.imm, value.args[0], value.at)
            if each.value is not None:
                new, now = _pruned(each.value, now)
                if isinstance(each, Drop) and new.pure:
                    continue
                each = each if new is each.value else _with_value(each, new)
        else:
            now = _after(each, now, live)
        kept.append(each)
    return kept[::-1]


def _in_place(joined: Expr, now: int) -> bool:
    """Whether the lower half is that of a local that nobody reads afterwards."""
    low, high = joined.args
    return low.op == LOW and not (now | high.writes) & local_bit(low.imm)


def _pruned(value: Expr, now: int) -> tuple[Expr, int]:
    """The value without writes that nobody reads; what is live before it."""
    if not value.writes and not value.acts & JOINS:
        return value, now | value.reads
    if value.op == "local.tee" and not now & local_bit(value.imm):
        return _pruned(value.args[0], now)
    if value.op in ("local.set", "local.tee"):
        now &= ~local_bit(value.imm)
    if value.op == JOIN and _in_place(value, now):
        value = replace(value, imm=value.args[0].imm + 1)
    args = []
    for arg in reversed(value.args):
        if arg.op == JOIN and value.op in ("local.set", "local.tee"):
            now |= arg.args[0].reads  # its halves are set in this local
        new, now = _pruned(arg, now)
        args.append(new)
    args.reverse()
    if all(a is b for a, b in zip(args, value.args)):
        return value, now
    return simplified(value.with_args(*args)), now
