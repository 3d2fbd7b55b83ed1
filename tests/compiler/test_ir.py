"""The rules of the intermediate representation, one by one, and what must not be moved."""

from __future__ import annotations

import random

import pytest

from pyvm.compiler.ir import rules
from pyvm.compiler.ir.bits import may
from pyvm.compiler.ir.function import (
    Drop,
    Eval,
    Expr,
    Function,
    Place,
    Return,
    const,
    get,
    put,
    stacked,
)
from pyvm.compiler.ir.variables import improve
from pyvm.isa.arithmetic import fold

_SIGNATURES = {
    "clz": 1, "ctz": 1, "popcnt": 1, "eqz": 1, "extend8_s": 1, "extend16_s": 1,
    **dict.fromkeys("add sub mul and or xor shl shr_s shr_u rotl rotr".split(), 2),
    **dict.fromkeys("eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split(), 2),
    **dict.fromkeys("div_s div_u rem_s rem_u".split(), 2),
}  # fmt: skip
_INTERESTING = (0, 1, 2, 3, 7, 8, 15, 16, 24, 31, 32, 48, 63, 64, 255, 0xFFFF, 0xFFFFFFFF, 1 << 31)


def _random(rng: random.Random, kind: str, depth: int) -> Expr:
    full = (1 << (64 if kind == "i64" else 32)) - 1
    pick = rng.random()
    if depth == 0 or pick < 0.15:
        value = rng.choice((rng.choice(_INTERESTING), -rng.choice(_INTERESTING)))
        return const(kind, value & full) if rng.random() < 0.5 else get(kind == "i64", kind)
    inner = lambda k=kind: _random(rng, k, depth - 1)  # noqa: E731
    if pick < 0.25:
        if kind == "i64":
            op = f"i64.extend_i32_{rng.choice('su')}"
            return rules.simplified(Expr(op, kind, (inner("i32"),)))
        return rules.simplified(Expr("i32.wrap_i64", kind, (inner("i64"),)))
    if pick < 0.3:
        return rules.simplified(Expr("select", kind, (inner(), inner(), inner("i32"))))
    name = rng.choice(list(_SIGNATURES))
    operands = kind
    if kind == "i32" and name in ("eqz", *"eq ne lt_s lt_u gt_s gt_u le_s le_u".split()):
        operands = rng.choice(("i32", "i64"))
    elif kind == "i64" and name in (
        "eqz",
        *"eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split(),
    ):
        name = "add"
    args = tuple(inner(operands) for _ in range(_SIGNATURES[name]))
    plain = Expr(f"{operands}.{name}", kind, args)
    better = rules.simplified(plain)
    for local in ((3, 5), (1 << 31, 1 << 63), (0xFFFFFFFF, (1 << 64) - 1), (77, 1 << 32)):
        assert _value(better, local) == _value(plain, local), (plain, better)
        known = _value(better, local)
        assert known is None or not known & ~may(better)
    return better


def _value(tree: Expr, local: tuple[int, int]) -> int | None:
    """What the tree computes; None where it traps."""
    if tree.constant is not None:
        return tree.constant
    if tree.op == "local.get":
        return local[tree.imm]
    if tree.op in ("local.low", "local.high"):
        return local[tree.imm] >> (32 if tree.op == "local.high" else 0) & 0xFFFFFFFF
    values = [_value(arg, local) for arg in tree.args]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if tree.op == "select":
        return known[0] if known[2] else known[1]
    return fold(tree.op, known)


@pytest.mark.parametrize("seed", range(60))
def test_a_rewritten_tree_computes_the_same(seed):
    rng = random.Random(seed)
    for _ in range(60):
        _random(rng, rng.choice(("i32", "i64")), 3)


def test_every_rule_has_a_case():
    """Each rule is the first that fits somewhere among the random trees and those of the tests."""
    used: set[int] = set()
    apply = rules._matches

    def noted(pattern, value, found):
        matches = apply(pattern, value, found)
        if matches:
            used.add(id(pattern))
        return matches

    rules._matches = noted
    try:
        for seed in range(150):
            rng = random.Random(1000 + seed)
            for _ in range(60):
                _random(rng, rng.choice(("i32", "i64")), 3)
    finally:
        rules._matches = apply
    unused = [rule.pattern for rule in rules.RULES if id(rule.pattern) not in used]
    memory = [each for each in unused if "load" in str(each) or "store" in str(each)]
    assert len(unused) - len(memory) <= 6, [p for p in unused if p not in memory]


def _improved(kinds: list[str], *code) -> list:
    function = Function(0, "f", kinds, [*code])
    improve(function)
    return function.code


X, Y = get(0, "i32"), get(1, "i32")
LOAD = Expr("i32.load", "i32", (X,))
CALL = Expr("call", "i32", (), 7)
ADD = Expr("i32.add", "i32", (X, Y))


def test_a_value_is_left_on_the_stack():
    argument = stacked("i32")
    code = _improved(["i32", "i32"], put(1, argument), put(0, argument), Eval(ADD), Return())
    assert code == [Eval(Expr("i32.add", "i32", (argument, argument))), Return()]


@pytest.mark.parametrize(
    "value, before",
    [
        (CALL, LOAD),  # a call may write what is loaded
        (LOAD, CALL),
        (Expr("i32.div_s", "i32", (X, X)), LOAD),  # two traps keep their order
        (Expr("local.tee", "i32", (LOAD,), 0), X),  # it changes what is read before
        (CALL, Expr("global.get", "i32", (), 0)),
        (stacked("i32"), X),  # it lies below
    ],
)
def test_what_does_not_commute_stays(value, before):
    code = [put(0, const("i32", 64)), Place(label := _label()), put(1, value)]
    code += [Eval(Expr("i32.add", "i32", (before, Y))), _back(label)]
    after = _improved(["i32", "i32"], *code)
    assert put(1, value) in after


def _label():
    from pyvm.compiler.link.assembly import Label

    return Label()


def _back(label):
    from pyvm.compiler.ir.function import Jump

    return Jump(label)


def test_dead_values():
    assert _improved(["i32"], put(0, CALL), Return()) == [Drop(CALL), Return()]
    assert _improved(["i32"], put(0, const("i32", 5)), Return()) == [Return()]
    assert _improved(["i32"], Eval(X), Return()) == [put(0, const("i32", 0)), Eval(X), Return()]


def test_a_copy_is_read_where_it_comes_from():
    """Up to a label, and until one of both is written; a half and a constant are copies as well."""
    wide = get(2, "i64")
    upper = Expr("local.high", "i32", (), 2)
    code = _improved(
        ["i32", "i32", "i64", "i64"],
        put(2, stacked("i64")),
        put(0, Expr("i32.wrap_i64", "i32", (Expr("i64.shr_u", "i64", (wide, const("i64", 32))),))),
        put(3, wide),
        put(1, const("i32", 5)),
        Eval(Expr("i32.add", "i32", (upper, X))),
        Eval(Expr("i32.mul", "i32", (X, Y))),
        Eval(get(3, "i64")),
        Return(),
    )
    assert not any(
        each.value is not None and each.value.imm in (0, 1, 3) and each.value.writes
        for each in code
    )
    changed = Eval(Expr("local.tee", "i32", (LOAD,), 0))
    kept = [put(1, X), changed, Eval(Y), Eval(X), Return()]
    assert put(1, X) in _improved(["i32", "i32"], put(0, stacked("i32")), Eval(X), *kept)


def test_a_half_of_a_new_value_is_read_from_its_local():
    new = Expr("local.tee", "i64", (Expr("i64.load", "i64", (X,)),), 2)
    half = Expr("i32.wrap_i64", "i32", (Expr("i64.shr_u", "i64", (new, const("i64", 32))),))
    more = [Eval(Y), Eval(Y), Eval(get(2, "i64")), Return()]
    code = _improved(["i32", "i32", "i64"], put(0, stacked("i32")), Eval(X), put(1, half), *more)
    upper = Expr("local.high", "i32", (), 2)
    assert [each.value for each in code].count(upper) == 2


def test_an_upper_half_is_set_in_place_where_the_local_is_not_read_again():
    low, number = Expr("local.low", "i32", (), 0), get(0, "i64")
    joined = Expr("i64.join", "i64", (low, Y))
    start = [put(0, stacked("i64")), Drop(number), put(1, stacked("i32")), Eval(Y)]
    once = _improved(["i64", "i32"], *start, Eval(joined), Return())
    assert Eval(Expr("i64.join", "i64", (low, Y), 1)) in once
    again = _improved(["i64", "i32"], *start, Eval(joined), Eval(number), Return())
    assert Eval(joined) in again
