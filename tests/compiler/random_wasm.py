"""Random modules in the text format, for differential tests: valid by construction, and they end.

Enters: a `random.Random`.  Leaves: text for wat2wasm.  A function calls only functions with a
smaller number, and every loop counts down a local of its own, so every program ends.  Programs may
trap; so may the oracle.
"""

# ruff: noqa: E501  (modules as text)

from __future__ import annotations

from random import Random

I32_UNARY = "clz ctz popcnt extend8_s extend16_s eqz".split()
BINARY = "add sub mul and or xor shl shr_s shr_u rotl rotr".split()
DIVISION = "div_s div_u rem_s rem_u".split()
COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
I64_UNARY = "clz ctz popcnt extend8_s extend16_s extend32_s".split()
INTERESTING = (0, 1, 2, 3, 4, 7, 8, 10, 15, 16, 24, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, 1000,
               65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF00, 0xFFFE, 0x55555555)  # fmt: skip
LOADS = {
    "i32": "load load8_s load8_u load16_s load16_u",
    "i64": "load load8_s load8_u load16_s load16_u load32_s load32_u",
}
STORES = {"i32": "store store8 store16", "i64": "store store8 store16 store32"}


class Generator:
    """`wide` in 0..1: how much of it is i64."""

    def __init__(self, random: Random, wide: float = 0.25, size: int = 40):
        self.random, self.wide, self.size = random, wide, size
        self.functions: list[tuple[tuple[str, ...], str]] = []  # (params, result or "")
        self.globals = [self.kind() for _ in range(random.randrange(1, 4))]

    def kind(self) -> str:
        return "i64" if self.random.random() < self.wide else "i32"

    def constant(self, kind: str) -> str:
        r = self.random
        bits = 64 if kind == "i64" else 32
        value = r.choice(
            [r.choice(INTERESTING), r.choice(INTERESTING) - r.choice(INTERESTING), r.getrandbits(bits),
             1 << r.randrange(bits), (1 << r.randrange(bits)) - 1, r.randrange(-20, 20),
             r.choice((0, 1, 1, 2, 3, 255, -1))]
        )  # fmt: skip
        return f"({kind}.const {value & (1 << bits) - 1})"

    # -- expressions ----------------------------------------------------------------------------

    def expression(self, kind: str, depth: int) -> str:
        r = self.random
        if depth <= 0 or r.random() < 0.15:
            return self.leaf(kind)
        pick = r.random()
        inner = lambda k=kind: self.expression(k, depth - 1)  # noqa: E731
        if r.random() < 0.06:  # the compiler knows which bits are zero
            return f"({kind}.and {inner()} ({kind}.const {r.choice((1, 1, 2, 3, 15, 255, 0xFF00, 0x7FFFFFFF))}))"
        if pick < 0.42:
            right = self.constant(kind) if r.random() < 0.5 else inner()
            return f"({kind}.{r.choice(BINARY)} {inner()} {right})"
        if pick < 0.47:
            divisor = self.constant(kind) if r.random() < 0.5 else inner()
            if r.random() < 0.8:  # mostly not zero
                divisor = f"({kind}.or {divisor} ({kind}.const 1))"
            return f"({kind}.{r.choice(DIVISION)} {inner()} {divisor})"
        if pick < 0.57 and kind == "i32":
            k = self.kind()
            right = self.constant(k) if r.random() < 0.5 else inner(k)
            return f"({k}.{r.choice(COMPARE)} {inner(k)} {right})"
        if pick < 0.63:
            return f"({kind}.{r.choice(I32_UNARY if kind == 'i32' else I64_UNARY)} {inner()})"
        if pick < 0.68:
            if kind == "i32":
                return (
                    f"(i32.wrap_i64 {inner('i64')})"
                    if r.random() < self.wide
                    else f"(i32.eqz {inner()})"
                )
            return f"(i64.extend_i32_{r.choice('su')} {inner('i32')})"
        if pick < 0.74:
            return f"(select {inner()} {inner()} {inner('i32')})"
        if pick < 0.83:
            return f"({kind}.{r.choice(LOADS[kind].split())} offset={r.randrange(8)} {self.address(depth - 1)})"
        if pick < 0.88:
            index = self.local_of(kind)
            return f"(local.tee {index} {inner()})"
        if pick < 0.93:
            return self.call(kind, depth) or inner()
        if pick < 0.97:
            return f"(if (result {kind}) {inner('i32')} (then {inner()}) (else {inner()}))"
        # operands that a branch drops
        return (
            f"(block (result {kind}) {inner('i32')} {inner()} "
            f"(br_if 0 {inner()} {inner('i32')}) (drop) (drop) (drop) {inner()})"
        )

    def leaf(self, kind: str) -> str:
        r = self.random
        pick = r.random()
        if pick < 0.3:
            return self.constant(kind)
        if pick < 0.42 and kind in self.globals:
            return f"(global.get {r.choice([i for i, k in enumerate(self.globals) if k == kind])})"
        return f"(local.get {self.local_of(kind)})"

    def local_of(self, kind: str) -> int:
        return self.random.choice([i for i, k in enumerate(self.locals[: self.plain]) if k == kind])

    def address(self, depth: int) -> str:
        if self.random.random() < 0.02:
            return self.expression("i32", depth)  # may be out of bounds
        if self.random.random() < 0.4:
            return f"(i32.const {self.random.randrange(200)})"
        return f"(i32.and {self.expression('i32', depth)} (i32.const {self.random.choice([127, 0xFC, 1, 0xFFF])}))"

    def call(self, kind: str, depth: int) -> str | None:
        fitting = [
            i for i, (_, result) in enumerate(self.functions[: self.number]) if result == kind
        ]
        if not fitting:
            return None
        index = self.random.choice(fitting)
        arguments = " ".join(self.expression(k, depth - 2) for k in self.functions[index][0])
        if self.random.random() < 0.2:
            params = " ".join(self.functions[index][0])
            which = index if self.random.random() < 0.95 else self.random.randrange(40)
            return (
                f"(call_indirect (param {params}) (result {kind}) {arguments} (i32.const {which}))"
            )
        return f"(call $f{index} {arguments})"

    # -- statements -----------------------------------------------------------------------------

    def statements(self, count: int, depth: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(count))

    def statement(self, depth: int) -> str:
        r = self.random
        kind = self.kind()
        pick = r.random()
        value = lambda k=kind: self.expression(k, 3)  # noqa: E731
        if pick < 0.3 or depth <= 0:
            return f"(local.set {self.local_of(kind)} {value()})"
        if pick < 0.38 and kind in self.globals:
            index = r.choice([i for i, k in enumerate(self.globals) if k == kind])
            return f"(global.set {index} {value()})"
        if pick < 0.5:
            return f"({kind}.{r.choice(STORES[kind].split())} offset={r.randrange(8)} {self.address(2)} {value()})"
        if pick < 0.6:
            return f"(call {'$word' if kind == 'i32' else '$long'} {value()})"
        body = lambda: self.statements(r.randrange(1, 4), depth - 1)  # noqa: E731
        if pick < 0.72:
            otherwise = f"(else {body()})" if r.random() < 0.6 else ""
            return f"(if {self.expression('i32', 2)} (then {body()}) {otherwise})"
        if pick < 0.8:
            return f"(block {body()} (br_if 0 {self.expression('i32', 2)}) {body()})"
        if pick < 0.86 and self.loops < 3:
            counter = self.plain + self.loops
            self.loops += 1
            text = f"""(local.set {counter} (i32.const {r.randrange(1, 5)}))
              (loop {body()} (local.set {counter} (i32.sub (local.get {counter}) (i32.const 1)))
                (br_if 0 (i32.gt_s (local.get {counter}) (i32.const 0))))"""
            self.loops -= 1
            return text
        if pick < 0.93:
            count = r.randrange(1, 5)
            depths = " ".join(str(r.randrange(count + 1)) for _ in range(r.randrange(1, 8)))
            opened = "(block " * (count + 1)
            closed = "".join(f") {self.statement(0)}" for _ in range(count + 1))
            return f"{opened} (br_table {depths} (i32.and {self.expression('i32', 2)} (i32.const 7))) {closed}"
        if pick < 0.95:
            return f"(drop {value()})"
        if pick < 0.96:
            return "(drop (memory.grow (i32.const 1)))"
        if pick < 0.97:
            return f"(if {self.expression('i32', 2)} (then {self.exit()}))"
        return f"(if (i32.eq {self.expression('i32', 1)} (i32.const 77)) (then (unreachable)))"

    def exit(self) -> str:
        result = self.functions[self.number][1]
        extra = self.leaf("i32") if self.random.random() < 0.5 else ""
        return f"{extra} (return {self.expression(result, 2) if result else ''})"

    def function(self, number: int) -> str:
        r = self.random
        params, result = self.functions[number]
        self.number, self.loops = number, 0
        own = (
            "i32",
            "i64",
            *(self.kind() for _ in range(r.randrange(4) if r.random() < 0.9 else 70)),
        )
        self.locals = (*params, *own, "i32", "i32", "i32")
        self.plain = len(params) + len(own)
        body = self.statements(r.randrange(1, max(2, self.size // 8)), 3)
        end = self.expression(result, 3) if result else ""
        signature = f"(param {' '.join(params)})" + (f" (result {result})" if result else "")
        return f"(func $f{number} {signature} (local {' '.join(self.locals[len(params) :])}) {body} {end})"

    def module(self, head: str) -> str:
        r = self.random
        for _ in range(r.randrange(1, 5)):
            params = tuple(self.kind() for _ in range(r.randrange(4)))
            self.functions.append((params, r.choice([self.kind(), self.kind(), ""])))
        self.functions.append(((), ""))
        bodies = [self.function(i) for i in range(len(self.functions))]
        last = len(self.functions) - 1
        globals_ = "".join(f"(global (mut {k}) {self.constant(k)})" for k in self.globals)
        show = "".join(
            f"(call {'$word' if k == 'i32' else '$long'} (global.get {i}))"
            for i, k in enumerate(self.globals)
        )
        show += "".join(f"(call $word (i32.load (i32.const {4 * i})))" for i in range(0, 66, 5))
        data = "".join(f"\\{r.getrandbits(8):02x}" for _ in range(64))
        elements = " ".join(f"$f{i}" for i in range(last))
        return f"""(module {head} {globals_}
          (table {last + 3} funcref) (elem (i32.const 0) {elements})
          (data (i32.const 0) "{data}")
          {" ".join(bodies)}
          (func (export "compute") (call $f{last}) {show}))"""

    def expression_module(self, head: str) -> str:
        """One deep expression over parameters, called with a few sets of arguments."""
        r = self.random
        result = self.kind()
        self.functions = [(("i32", "i32", "i64", "i64"), result)]
        self.locals, self.plain, self.number = self.functions[0][0], 4, 0
        text = self.expression(result, r.randrange(2, 6))
        show = "$word" if result == "i32" else "$long"
        calls = "".join(
            f"(call {show} (call $f0 {' '.join(map(self.constant, self.locals))}))"
            for _ in range(3)
        )
        globals_ = "".join(f"(global (mut {k}) {self.constant(k)})" for k in self.globals)
        data = "".join(f"\\{r.getrandbits(8):02x}" for _ in range(64))
        return f"""(module {head} {globals_} (data (i32.const 0) "{data}")
          (func $f0 (param {" ".join(self.locals)}) (result {result}) {text})
          (func (export "compute") {calls}))"""


def random_expression(seed: int, head: str, wide: float = 0.25) -> str:
    return Generator(Random(seed), wide).expression_module(head)


def random_module(seed: int, head: str, wide: float = 0.25, size: int = 40) -> str:
    return Generator(Random(seed), wide, size).module(head)
