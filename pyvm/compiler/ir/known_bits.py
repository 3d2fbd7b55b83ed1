"""Which bits of each local may be one, at the place that lowering has come to.

Enters: the code of a function, then its assignments and branches in the order of the code.  Leaves:
a mask for each local.

Going through the code once is enough but for loops: what a loop's end brings back to its start is
not known when the start is passed.  The first time, every local that the loop assigns may be
anything there; the next time, it is what came back the time before.  That is right at every time,
and gets better with each.
"""

from __future__ import annotations

from pyvm.compiler.ir.expression import FULL
from pyvm.wasm.module import Instr, number

State = dict[int, int]  # mask by local; None in code that cannot be reached


def join(a: State | None, b: State | None) -> State | None:
    """What may be at a place that is reached from two."""
    if a is None or b is None:
        return dict(b) if a is None and b is not None else a
    return {local: mask | b[local] for local, mask in a.items()}


def loop_assignments(code: list[Instr]) -> dict[int, set[int]]:
    """Locals that each loop assigns, by the loop's offset."""
    result: dict[int, set[int]] = {}
    opened: list[int | None] = [None]
    for op, arg, at in code:
        if op in ("block", "loop", "if"):
            opened.append(at if op == "loop" else None)
            if op == "loop":
                result[at] = set()
        elif op == "end":
            opened.pop()
        elif op in ("local.set", "local.tee"):
            for loop in opened:
                if loop is not None:
                    result[loop].add(number(arg))
    return result


class KnownBits:
    """The state while a function is gone through.

    Attributes:
        now: the state at this place.
        heads: by loop, the state that its branches bring back to its start.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        params: int,
        loops: dict[int, set[int]],
        before: dict[int, State] | None,
        known: bool = True,
    ):
        """`before`: the heads of the time before.  Unless `known`, every local may be anything."""
        self.kinds, self.loops, self.before = kinds, loops, before
        # Parameters may be anything, the other locals start as zero.
        self.now: State | None = None
        if known:
            self.now = {i: FULL[k] if i < params else 0 for i, k in enumerate(kinds)}
        self.heads: dict[int, State] = {}

    def get(self, local: int) -> int:
        return FULL[self.kinds[local]] if self.now is None else self.now[local]

    def set(self, local: int, mask: int) -> None:
        if self.now is not None:
            self.now[local] = mask

    def copy(self) -> State | None:
        return None if self.now is None else dict(self.now)

    def start_loop(self, at: int) -> None:
        for local in self.loops.get(at, ()):
            if self.before is None:
                self.set(local, FULL[self.kinds[local]])
            else:
                self.set(local, self.get(local) | self.before.get(at, {}).get(local, 0))

    def back_to_loop(self, at: int) -> None:
        state = join(self.heads.get(at), self.now)
        if state is not None:
            self.heads[at] = state
