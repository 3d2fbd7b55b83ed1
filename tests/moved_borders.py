"""The state of a run as if it were many positions further on: what would take minutes to run there.

Enters: a whole border, the tokens that led to it.  Leaves: the border of a sequence that has some
tokens more between its prompt and the rest.  lib/plan/README.md has the bytes of a border,
lib/plan/ir/token_bases.hpp which tokens belong to it.
"""

from __future__ import annotations

AROUND, RECENT = 64, (1 << 17) + 64


class Bytes:
    """Numbers of a border, in order."""

    def __init__(self, data=b""):
        self.data, self.at = bytearray(data), 0

    def natural(self):
        value = shift = 0
        while True:
            group = self.data[self.at]
            self.at += 1
            value |= (group & 127) << shift
            shift += 7
            if group < 128:
                return value

    def integer(self):
        value = self.natural()
        return value >> 1 ^ -(value & 1)

    def put(self, value):
        while value >= 128:
            self.data.append(value & 127 | 128)
            value >>= 7
        self.data.append(value)

    def put_integer(self, value):
        self.put(2 * value if value >= 0 else -2 * value - 1)


def moved(model, border, tokens, prompt, by):
    """`tokens`: all up to the border, those of the prompt first, which stay where they are."""
    told = model.explain()
    old, new = Bytes(border), Bytes()
    new.put(old.natural())
    new.put(old.natural())
    position = old.natural()
    new.put(position + by)
    for node in told["nodes"]:
        if node["live"] and node["kind"] == "sum":
            new.put_integer(old.integer())
    end = position + by
    needed = [(0, max(AROUND, prompt)), (end - RECENT, end)]
    for store in told["stores"]:
        count = old.natural()
        new.put(count)
        for _ in range(count):
            new.put_integer(old.integer())
        before, last, places = 0, 0, []
        for _ in range(count):
            last += old.integer()
            place = last + by if last >= prompt else last
            new.put_integer(place - before)
            before = place
            places.append(place)
        for column in store["columns"]:
            terms = column.replace("- ", "+ -").split(" + ")
            others = [term for term in terms if term != "p" and not term.lstrip("-").isdigit()]
            rests = [old.integer() for _ in places] if others and column != store["key"] else []
            for rest in rests:
                new.put_integer(rest)
            if "p" in terms:
                constant = sum(int(term) for term in terms if term.lstrip("-").isdigit())
                bases = [place + constant for place in places]
                if rests:
                    bases = [base + rest for base, rest in zip(bases, rests)]
                needed += [(base - AROUND, base + AROUND + 1) for base in bases]
    needed = sorted((max(begin, 0), min(last, end)) for begin, last in needed)
    done = prompt
    for begin, last in needed:
        for place in range(max(begin, done), last):
            new.put(int(tokens[place - by if place >= by + AROUND else place]))
        done = max(done, last)
    new.put(int(tokens[position]))
    return bytes(new.data)
