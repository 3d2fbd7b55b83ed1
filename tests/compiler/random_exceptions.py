"""Random programs that throw and catch, as bytes in both forms of exception handling.

Enters: a generator of random numbers.  Leaves: a module with `try` and `catch`, and one that does
the same with `try_table`, in which `delegate` and `rethrow` throw a reference to the exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

I32, I64, F64, EXN = 0x7F, 0x7E, 0x7C, 0x69
TAGS = [(I32,), (I64, I32), (), (F64, I64, I64)]
FUNCTIONS = 5


def leb(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        done = value == (-1 if byte & 0x40 else 0)
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


def unsigned(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 0x7F | 0x80]) + unsigned(value >> 7)


def vector(items: list[bytes]) -> bytes:
    return unsigned(len(items)) + b"".join(items)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


@dataclass
class Try:
    """`clauses`: what each catches (None: all) and does then; None: it delegates to a label."""

    body: list[object]
    clauses: list[tuple[int | None, list[object]]] | None
    depth: int = 0  # of the label, counted outside


@dataclass
class Code:
    """Instructions, in one of the forms.

    Attributes:
        labels: what is open, the outermost first: a Try while it tries, its number while it
            catches, "inner" where the older form has no label, else None.
        references: the local with the exception of each Try, in the new form.
    """

    older: bool
    out: bytearray = field(default_factory=bytearray)
    labels: list[object] = field(default_factory=list)
    references: dict[int, int] = field(default_factory=dict)
    delegates: dict[int, int] = field(default_factory=dict)  # of a Try: where its block is open
    tries: int = 0

    def put(self, *parts: int | bytes) -> None:
        for part in parts:
            self.out += bytes([part]) if isinstance(part, int) else part

    def depth(self, place: int) -> bytes:
        return unsigned(len(self.labels) - 1 - place)

    def visible(self) -> list[int]:
        return [i for i, label in enumerate(self.labels) if label != "inner"]

    def open(self, op: int, kind: int | bytes, label: object = None) -> int:
        """The place of its label."""
        self.put(op, kind)
        self.labels.append(label)
        return len(self.labels) - 1

    def close(self) -> None:
        self.put(0x0B)
        self.labels.pop()

    def mark(self, number: int) -> None:
        self.put(0x41, leb(number), 0x10, 0)

    def payload(self, tag: int) -> None:
        """Takes what the exception carries, and prints some of it."""
        for kind in reversed(TAGS[tag]):
            self.put({I32: b"", I64: b"\xa7", F64: b"\xb0\xa7"}[kind])
            self.put(0x21, 1, 0x20, 1, 0x10, 0)

    def statements(self, code: list[object]) -> None:
        for each in code:
            self.statement(each)

    def statement(self, each: object) -> None:
        if isinstance(each, Try):
            self.put(0x41, leb(each.depth + 3))  # an operand below
            (self.older_try if self.older else self.new_try)(each)
            self.put(0x6A, 0x21, 0)
            return
        op, *args = each  # type: ignore[misc]
        if op == "mark":
            self.mark(args[0])
        elif op == "work":
            self.put(0x20, 0, 0x41, 3, 0x6C, 0x41, leb(args[0]), 0x6A, 0x22, 0, 0x10, 0)
        elif op == "if":
            self.put(0x20, 0, 0x41, leb(1 << args[0]), 0x71)
            self.open(0x04, 0x40)
            self.statements(args[1])
            self.close()
        elif op == "block":
            self.open(0x02, 0x40)
            self.statements(args[0])
            self.close()
        elif op == "br":
            self.put(0x20, 0, 0x41, leb(1 << args[0]), 0x71, 0x04, 0x40)
            places = self.visible()
            if args[1] < len(places) and self.labels[places[-1 - args[1]]] is None:
                self.put(0x0C, unsigned(len(self.labels) - places[-1 - args[1]]))
            self.put(0x0B)
        elif op == "throw":
            for kind in TAGS[args[0]]:
                self.put(0x20, 0)
                self.put({I32: b"", I64: b"\xad\x42\x07\x7e", F64: b"\xb7"}[kind])
            self.put(0x08, args[0])
        elif op == "call":
            self.put(0x42, leb(args[1]), 0x41, 5, 0x20, 0, 0x10, 1 + args[0], 0x6A, 0x21, 0, 0x1A)
        elif op == "call_indirect":
            self.put(0x41, 9, 0x20, 0, 0x41, args[0], 0x11, 1, 0, 0x6A, 0x21, 0)
        elif op == "return_call":
            self.put(0x20, 0, 0x12, 1 + args[0])
        elif op == "rethrow":
            catching = [i for i, label in enumerate(self.labels) if isinstance(label, int)]
            if catching:
                place = catching[args[0] % len(catching)]
                if self.older:
                    self.put(0x09, self.depth(place))
                else:
                    local = self.references[self.labels[place]]  # type: ignore[index]
                    self.put(0x20, unsigned(local), 0x0A)
        else:
            raise AssertionError(op)

    def older_try(self, each: Try) -> None:
        self.tries += 1
        number = self.tries
        place = self.open(0x06, I32, each)
        self.statements(each.body)
        self.put(0x20, 0)
        if each.clauses is None:
            self.labels.pop()
            self.put(0x18, unsigned(each.depth % (len(self.labels) + 1)))
            return
        for tag, code in each.clauses:
            self.labels[place] = number
            self.put(*(b"\x19",) if tag is None else (0x07, tag))
            if tag is not None:
                self.payload(tag)
            self.statements(code)
            self.put(0x20, 0)
        self.close()

    def new_try(self, each: Try) -> None:
        self.tries += 1
        number = self.tries
        self.references[number] = 1 + number
        if each.clauses is None:
            # the innermost Try that still tries, at the label or outside of it
            places = self.visible()
            outside = places[: len(places) - each.depth % (len(places) + 1)]
            at = next((i for i in reversed(outside) if isinstance(self.labels[i], Try)), -1)
            clause = b"\3" + self.depth(self.delegates[at])
            self.put(0x1F, I32, b"\1", clause)
            self.labels.append("inner")
            self.hidden(each)
            return
        end = self.open(0x02, I32, "inner")
        blocks = []
        for tag, _ in reversed(each.clauses):
            blocks.append(
                self.open(0x02, unsigned(2 + (len(TAGS) if tag is None else tag)), "inner")
            )
        clauses = [
            (b"\3" if tag is None else bytes([1, tag])) + self.depth(place)
            for (tag, _), place in zip(each.clauses, reversed(blocks))
        ]
        self.put(0x1F, I32, vector(clauses))
        self.labels.append("inner")
        self.hidden(each)
        self.put(0x0C, self.depth(end))
        self.labels[end] = number
        for tag, code in each.clauses:
            self.close()
            self.put(0x21, unsigned(self.references[number]))
            if tag is not None:
                self.payload(tag)
            self.statements(code)
            self.put(0x20, 0, 0x0C, self.depth(end))
        self.put(0x00)
        self.close()

    def hidden(self, each: Try) -> None:
        """What is tried, in a block to which others delegate; the try_table is open."""
        # The label of the Try itself is that of the block around, for the depths to agree.
        outer = len(self.labels) - 1
        self.labels[outer] = each
        block = self.open(0x02, EXN, "inner")
        self.delegates[outer] = block
        self.statements(each.body)
        self.put(0x20, 0, 0x0C, self.depth(outer))
        self.close()
        self.put(0x0A)
        self.close()


def program(random: Random) -> list[list[object]]:
    """The functions' statements; each calls only those behind it."""

    def statements(function: int, level: int) -> list[object]:
        return [statement(function, level) for _ in range(random.randrange(1, 5))]

    def statement(function: int, level: int) -> object:
        kind = random.randrange(14 if level < 3 else 7)
        if kind == 0:
            return "mark", random.randrange(1, 200)
        if kind <= 2:
            return "work", random.randrange(1, 9)
        if kind == 3:
            return "if", random.randrange(4), [("throw", random.randrange(len(TAGS)))]
        if kind == 4:
            return "if", random.randrange(4), [("rethrow", random.randrange(4))]
        if kind == 5 and function + 1 < FUNCTIONS:
            return "call", random.randrange(function + 1, FUNCTIONS), random.randrange(9)
        if kind == 6 and function + 1 < FUNCTIONS:
            return "call_indirect", random.randrange(function + 1, FUNCTIONS)
        if kind == 7:
            return "if", random.randrange(4), statements(function, level + 1)
        if kind == 8:
            return "block", statements(function, level + 1)
        if kind == 9 and function + 1 < FUNCTIONS:
            return "if", random.randrange(4), [
                ("return_call", random.randrange(function + 1, FUNCTIONS))
            ]  # fmt: skip
        if level == 3:
            return "work", 1
        body = statements(function, level + 1)
        if kind == 10:
            return Try(body, None, random.randrange(4))
        tags = random.sample(range(len(TAGS)), random.randrange(1, 4))
        clauses: list[tuple[int | None, list[object]]] = [
            (tag, statements(function, level + 1)) for tag in tags
        ]
        if random.randrange(2):
            clauses.append((None, statements(function, level + 1)))
        return Try(body, clauses)

    return [statements(i, 0) for i in range(FUNCTIONS)]


def module(functions: list[list[object]], older: bool) -> bytes:
    def function_type(params: tuple[int, ...], results: tuple[int, ...]) -> bytes:
        return (
            b"\x60" + vector([bytes([k]) for k in params]) + vector([bytes([k]) for k in results])
        )

    types = [function_type((I32,), ()), function_type((I32,), (I32,))]
    types += [function_type((), (*tag, EXN)) for tag in (*TAGS, ())]
    tags = len(types)
    types += [function_type(tag, ()) for tag in TAGS]
    types += [function_type((), ())]
    bodies = []
    for code in functions:
        writer = Code(older)
        if not older:  # a block to which others delegate
            writer.open(0x02, EXN, "inner")
            writer.delegates[-1] = 0
        writer.statements(code)
        writer.put(0x20, 0)
        if not older:
            writer.put(0x0F)
            writer.close()
            writer.put(0x0A)
        locals_ = [b"\1\x7f"] + [unsigned(writer.tries) + bytes([EXN])] * (
            not older and writer.tries > 0
        )
        body = vector(locals_) + bytes(writer.out) + b"\x0b"
        bodies.append(unsigned(len(body)) + body)
    calls = [b"\x41" + leb(value) + b"\x10\1\x10\0" for value in (3, 14, 9, 0, 7)]
    before, behind = (b"\6\x40", b"\x19\x0b") if older else (b"\2\x40\x1f\x40\1\2\0", b"\x0b\x0b")
    caught = [before + call + behind for call in calls[:-1]]
    body = vector([]) + b"".join([*caught, calls[-1]]) + b"\x0b"
    bodies.append(unsigned(len(body)) + body)
    elements = [bytes([1 + i]) for i in range(len(functions))]
    return (
        b"\0asm\1\0\0\0"
        + section(1, vector(types))
        + section(2, vector([b"\3env\x0boutput_byte\0\0"]))
        + section(3, vector([b"\1"] * len(functions) + [unsigned(len(types) - 1)]))
        + section(4, vector([b"\x70\0" + unsigned(len(functions))]))
        + section(13, vector([b"\0" + unsigned(tags + i) for i in range(len(TAGS))]))
        + section(7, vector([b"\7compute\0" + unsigned(1 + len(functions))]))
        + section(9, vector([b"\0\x41\0\x0b" + vector(elements)]))
        + section(10, vector(bodies))
    )  # fmt: skip
