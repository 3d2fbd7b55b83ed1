"""What the programs in this folder print, computed independently: by hashlib, zlib, json, NumPy
and plain Python.

Enters: a program's input.  Leaves: `PROGRAMS`, a default input and the expected output of each.
The inputs are short, so that every run fits a test: 2,000 to 300,000 WebAssembly instructions.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from programs.ciphers import aes128, chacha20, siphashes
from programs.lz import lz
from programs.numerics import equations, mandelbrot, nbody, spheres

_HERE = Path(__file__).resolve().parent
_TEXT = (
    "A program that runs inside a transformer is a program like any other: what it computes is "
    "what its text says, and a hash of what it computes is the same wherever it runs."
)


@dataclass(frozen=True)
class Sample:
    """A program in C, an input, and a function that knows its output without running it."""

    name: str
    input: str
    expected: Callable[[str], str]
    floats: bool = False  # it computes with floats

    @property
    def source(self) -> Path:
        return _HERE / f"{self.name}.c"

    @property
    def output(self) -> bytes:
        return self.expected(self.input).encode()


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode()).hexdigest() + "\n"


def _crc32(text: str) -> str:
    data = text.encode()
    return f"{zlib.crc32(data):08x} {zlib.adler32(data):08x}\n"


def _sort(text: str) -> str:
    random, numbers, checksum = 2026, [], 0
    for _ in range(int(text)):
        random = (random * 1664525 + 1013904223) % 2**32
        numbers.append((random - (random >> 31 << 32)) >> 8)
    numbers.sort()
    for number in numbers:
        checksum = (checksum * 31 + number) % 2**32
    return "".join(f"{number}\n" for number in (*numbers[::16], checksum))


def _determinant(matrix: list[list[int]], prime: int) -> int:
    """By the first row: no division."""
    if not matrix:
        return 1
    total = 0
    for k, top in enumerate(matrix[0]):
        minor = _determinant([row[:k] + row[k + 1 :] for row in matrix[1:]], prime)
        total += -top * minor if k % 2 else top * minor
    return total % prime


def _matrix(text: str) -> str:
    size, exponent = map(int, text.split())
    prime, random, numbers = 65521, 1, []
    for _ in range(size * size):
        random = (random * 1103515245 + 12345) % 2**32
        numbers.append((random >> 16) % prime)
    matrix = [numbers[i : i + size] for i in range(0, size * size, size)]
    result = [[int(i == k) for k in range(size)] for i in range(size)]
    for _ in range(exponent):
        result = [
            [sum(a * b for a, b in zip(row, column)) % prime for column in zip(*matrix)]
            for row in result
        ]
    rows = "".join(" ".join(map(str, row)) + "\n" for row in result)
    determinant = _determinant(matrix, prime)
    return f"{rows}determinant {determinant}\n{'inverse' if determinant else 'no inverse'}\n"


def _json(text: str) -> str:
    kinds = dict.fromkeys(("objects", "arrays", "strings", "numbers", "words"), 0)

    def depth(value: object) -> int:
        kind = {dict: "objects", list: "arrays", str: "strings", int: "numbers", float: "numbers"}
        kinds[kind.get(type(value), "words")] += 1
        if not isinstance(value, (dict, list)):
            return 0
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)

    value = json.loads(text)
    deepest = depth(value)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{json.dumps(value, separators=(',', ':'))}\n{counts}, depth {deepest}\n"


def _bignum(text: str) -> str:
    n = int(text)
    return f"{math.factorial(n)}\n{(n | 1) ** n}\n"


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % k for k in range(2, math.isqrt(n) + 1))


def _interpreter(text: str) -> str:
    """What _INTERPRETED computes: primes, a greatest common divisor, a sum of the data."""
    code, _, data = text.partition("|")
    assert code == _INTERPRETED
    primes = "".join(f"{n} " for n in range(2, 40) if _is_prime(n))
    return f"{primes}\n{math.gcd(1071, 462)} \n{sum(data.encode())} {len(data)} \n"


_INTERPRETED = (
    "#2=n n#40< [#2=d nd% [d#1+=d nd%] dn-! [n. #0] n#1+=n n#40<] ; "
    "#1071=a #462=b b[ab%=t b=a t=b b] a.; "
    ",=c c[cs+=s k#1+=k ,=c c] s.k.;"
)


def _queens(text: str) -> str:
    size = int(text)

    def solutions(rows: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(rows) == size:
            yield rows
            return
        for column in range(size):
            if all(
                column != other and abs(column - other) != len(rows) - row
                for row, other in enumerate(rows)
            ):
                yield from solutions((*rows, column))

    found = list(solutions(()))
    first = found[0] if found else ()
    board = "".join("." * column + "Q" + "." * (size - 1 - column) + "\n" for column in first)
    return f"{board}{len(found)} solutions\n"


def _primes(text: str) -> str:
    limit, *numbers = map(int, text.split())
    primes = [n for n in range(limit + 1) if _is_prime(n)]
    last = "".join(f" {n}" for n in primes[:-6:-1])
    tested = "".join(f"{n}: {'prime' if _is_prime(n) else 'not prime'}\n" for n in numbers)
    return f"{len(primes)} primes up to {limit}, the last:{last}\n{tested}"


def _dispatch(text: str) -> str:
    apply: dict[str, Callable[[int, int], int]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: math.trunc(a / b),
        "<": min,
        ">": max,
        "&": lambda a, b: a & b,
        "^": lambda a, b: a ^ b,
    }
    *expressions, last = re.sub(r"\(.*?\)", "", text).split(",")
    results = []
    for expression in expressions:
        stack: list[int] = []
        for word in expression.split():
            if word in apply:
                b, a = stack.pop(), stack.pop()
                stack.append(apply[word](a, b))
            else:
                stack.append(int(word))
        results.append(stack[-1])
    orders: tuple[Callable[[int], int], ...] = (int, lambda value: -value, lambda value: value & 7)
    for digit in last[:-1]:
        results.sort(key=orders[int(digit)])
    return f"{' '.join(map(str, results))}\n{functools.reduce(apply[last[-1]], results)}\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode() + "\n"


def _life(text: str) -> str:
    count, board = text.split(" ")
    rows = board.rstrip("/").split("/")
    height, width = len(rows), len(rows[0])
    living = {(y, x) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell == "#"}
    counts = []
    for _ in range(int(count)):
        near: dict[tuple[int, int], int] = {}
        for y, x in living:
            for place in ((y + i, x + k) for i in (-1, 0, 1) for k in (-1, 0, 1) if i or k):
                place = place[0] % height, place[1] % width
                near[place] = near.get(place, 0) + 1
        living = {p for p, n in near.items() if n == 3 or (n == 2 and p in living)}
        counts.append(len(living))
    shown = ("".join(".#"[(y, x) in living] for x in range(width)) for y in range(height))
    return " ".join(map(str, counts)) + "\n" + "".join(f"{row}\n" for row in shown)


_JSON = r"""
{ "name" : "transformer\u0020\/ \"machine\"", "layers": 7, "exact": true, "floats": null,
  "heads": [ 1, [2, [ 3, { } ] ], -4.5, 0.25, [] ],
  "text": "tab\tand line\nfeed, \u00e9 and \\", "nested": {"a": {"b": {"c": [false, 1e+20]}}} }
"""

PROGRAMS: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample("sha256", _TEXT, _digest("sha256")),
        Sample("sha512", _TEXT, _digest("sha512")),
        Sample("md5", _TEXT, _digest("md5")),
        Sample("crc32", _TEXT, _crc32),
        Sample("siphash", _TEXT[:60], siphashes),
        Sample("chacha20", _TEXT[:120], chacha20),
        Sample("aes128", "00112233445566778899aabbccddeeff", aes128),
        Sample("sort", "120", _sort),
        Sample("matrix", "4 13", _matrix),
        Sample("lz", _TEXT + _TEXT[40:] + 300 * "=", lz),
        Sample("json", _JSON, _json),
        Sample("bignum", "40", _bignum),
        Sample("interpreter", f"{_INTERPRETED}|{_TEXT[:40]}", _interpreter),
        Sample("queens", "6", _queens),
        Sample("primes", "1000 2047 4294967291 4294967295 3215031751", _primes),
        Sample("dispatch", "12 34 + 5 *,100 7 / 3 -,6 9 & 5 ^ 2 +,8 3 < 4 >,7 90 - 3 /,77 11 ^,"
               "1 2 3 4 5 * + * -,250 6 / 3 *,99,4 5 6 > > 2 *,31 8 & (of bits) 64 +,"
               "9 9 * 8 8 * -,5 4 * 3 2 * ^ 1 +,16 5 -,210102>", _dispatch),
        Sample("base64", _TEXT, _base64),
        Sample("life", "5 .#........../..#........./###........./....##....../............/"
               ".......###../............/", _life),
        Sample("nbody", "40", nbody, True),
        Sample("mandelbrot", "24 10 24", mandelbrot, True),
        Sample("equations", "16", equations, True),
        Sample("spheres", "16 8", spheres, True),
    )
}  # fmt: skip
