"""Runs what a script asks for, and compares.

Enters: instances with their actions, and what runs a program.  Leaves: how many assertions passed,
failed and were refused (they come to something that pyvm does not compile).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pyvm.commands.depth import DEFAULT, too_deep
from pyvm.engine.collector import OnTokens
from pyvm.engine.follow import Follower
from pyvm.engine.run import Run
from pyvm.isa.errors import ProgramError
from pyvm.isa.program import Program
from pyvm.isa.tokens import VOCABULARY
from pyvm.isa.traps import Trap
from wast.modules import needs
from wast.program import ALL, Action, Actions, with_actions
from wast.script import Instance

Engine = Callable[[Program, int, OnTokens], Run]
LIMIT = 200_000_000  # tokens of one run
# How the suite's messages begin.
TRAPS = {
    "unreachable": (Trap.UNREACHABLE,),
    "integer divide by zero": (Trap.DIVIDE_BY_ZERO,),
    "integer overflow": (Trap.INTEGER_OVERFLOW,),
    "invalid conversion to integer": (Trap.INVALID_CONVERSION,),
    "out of bounds memory access": (Trap.OUT_OF_BOUNDS, Trap.DATA_SEGMENT),
    "out of bounds table access": (Trap.TABLE_OUT_OF_BOUNDS, Trap.ELEMENT_SEGMENT),
    "undefined element": (Trap.UNDEFINED_ELEMENT,),
    "uninitialized element": (Trap.UNINITIALIZED_ELEMENT,),
    "indirect call type mismatch": (Trap.TYPE_MISMATCH,),
    "call stack exhausted": (Trap.CALL_STACK_EXHAUSTED,),
    "null function reference": (Trap.NULL_REFERENCE,),
    "null exception reference": (Trap.NULL_REFERENCE,),
    "null reference": (Trap.NULL_REFERENCE,),
    "uncaught exception": (Trap.UNCAUGHT_EXCEPTION,),
    "unhandled exception": (Trap.UNCAUGHT_EXCEPTION,),
}


class Judge:
    """Counts the verdicts, and what those need that are skipped; `said` is told of each that is
    not "passed"."""

    def __init__(self, engine: Engine, said: Callable[[str, int, str], None]):
        self.engine, self.said = engine, said
        self.counts: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    def judge(self, instance: Instance) -> None:
        actions = instance.actions
        if instance.starts is not None:
            actions = [Action([], (), instance.line, trap=instance.starts)]
        asked = [action for action in actions if action.is_asked]
        known = self.counts.total()
        try:
            if asked:
                self._judge(instance, actions)
        except Exception as error:  # a fault of pyvm: what has no verdict yet has failed
            rest = len(asked) - (self.counts.total() - known)
            self.counts["failed"] += rest
            why = f"{rest} assertions have no verdict: {type(error).__name__}: {error}"
            self.said("failed", instance.line, why)

    def _judge(self, instance: Instance, actions: list[Action]) -> None:
        compiled = self._compiled(instance, actions)
        while compiled is not None:
            number = self._values(compiled)
            if number is None:
                break
            actions = [a for i, a in enumerate(compiled.actions) if i != number]
            compiled = self._compiled(instance, actions)
        if compiled is not None:
            for i, action in enumerate(compiled.actions):
                if action.trap is not None:
                    self._trapped(compiled, i, action)

    def _compiled(self, instance: Instance, actions: list[Action]) -> Actions | None:
        """Without those that cannot be compiled."""
        try:
            return with_actions(instance.linked(), actions, instance.has_state)
        except ProgramError as error:
            if len(actions) <= 1:
                for action in actions:
                    self._verdict("refused", action, str(error))
                return None
        able = []
        for action in actions:
            try:
                with_actions(instance.linked(), [action], instance.has_state)
                able.append(action)
            except ProgramError as error:
                self._verdict("refused", action, str(error))
        if len(able) == len(actions):  # each, but not all
            raise AssertionError("a module that compiles with each action alone")
        return self._compiled(instance, able) if able else None

    def _values(self, compiled: Actions) -> int | None:
        """Compares the results of what does not trap.  Where an action traps, the number of it:
        then nothing is counted but that."""
        run, deep = self._run(compiled.until(ALL))
        found, at = run.errors, 0
        records: list[tuple[Action, bytes]] = []
        for i, action in enumerate(compiled.actions):
            if action.trap is not None:
                continue
            octets = found[at : at + action.size]
            if len(octets) < action.size:
                outcome = "refused" if _is_refusal(run) else "failed"
                why = "does not end" if deep or run.trap is None else str(run.trap)
                self._verdict(outcome, action, why)
                return i
            records.append((action, octets))
            at += action.size
        for action, octets in records:
            if action.checks is None:
                continue
            values = action.values(octets)
            right = len(values) == len(action.checks) and all(
                check(value) for check, value in zip(action.checks, values)
            )
            gives = ", ".join(map(hex, values)) or "nothing"
            self._verdict("passed" if right else "failed", action, f"gives {gives}")
        return None

    def _trapped(self, compiled: Actions, number: int, action: Action) -> None:
        message = action.trap or ""
        wanted = next((kinds for said, kinds in TRAPS.items() if message.startswith(said)), ())
        run, deep = self._run(compiled.until(number))
        if deep:
            right = Trap.CALL_STACK_EXHAUSTED in wanted
        else:
            right = run.trap is not None and run.trap.kind in wanted
        outcome = "refused" if _is_refusal(run) else "passed" if right else "failed"
        self._verdict(outcome, action, f"{message} expected, found {run.trap}")

    def _run(self, program: Program) -> tuple[Run, bool]:
        """And whether its calls went too deep."""
        follower = Follower(VOCABULARY)
        run = self.engine(program, LIMIT, lambda tokens: too_deep(follower.read(tokens), DEFAULT))
        return run, too_deep(follower, DEFAULT)

    def _verdict(self, outcome: str, action: Action, why: str) -> None:
        if not action.is_asked:
            return
        more = needs(why) if outcome == "refused" else None
        if more:
            outcome = "skipped"
            self.skipped[more] += 1
        self.counts[outcome] += 1
        if outcome != "passed":
            self.said(outcome, action.line, why)


def _is_refusal(run: Run) -> bool:
    return run.trap is not None and run.trap.kind is Trap.UNSUPPORTED
