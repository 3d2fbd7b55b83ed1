"""What the programs with floats print: Python's floats are f64, and NumPy has f32."""

from __future__ import annotations

import math
import struct

import numpy as np

_BODIES = (
    ((0, 0, 0), (0, 0, 0), 39.5),
    ((4.84, -1.16, -0.104), (0.606, 2.81, -0.0252), 0.0377),
    ((8.34, 4.12, -0.404), (-1.01, 1.82, 0.00842), 0.0113),
    ((12.9, -15.1, -0.223), (1.08, 0.868, -0.0108), 0.00172),
)
_SPHERES = (((0, 0, 5), 1.5), ((-2, 1, 6), 1), ((2, -1, 4), 0.75), ((0, -101.5, 5), 100))


def _bits(number: float) -> str:
    return struct.pack(">d", number).hex() + "\n"


def _square(vector: list[float]) -> float:
    """The sum in the order of the components, which C has as well."""
    total = 0.0
    for each in vector:
        total += each * each
    return total


def nbody(text: str) -> str:
    places = [[float(x) for x in place] for place, _, _ in _BODIES]
    speeds = [[float(v) for v in speed] for _, speed, _ in _BODIES]
    masses = [mass for _, _, mass in _BODIES]
    pairs = [(a, b) for a in range(len(masses)) for b in range(a + 1, len(masses))]

    def way(a: int, b: int) -> list[float]:
        return [x - y for x, y in zip(places[a], places[b])]

    def energy() -> str:
        total = 0.0
        for a, mass in enumerate(masses):
            total += 0.5 * mass * _square(speeds[a])
            for b in range(a + 1, len(masses)):
                total -= mass * masses[b] / math.sqrt(_square(way(a, b)))
        return _bits(total)

    first, time = energy(), 0.01
    for _ in range(int(text)):
        for a, b in pairs:
            between = way(a, b)
            square = _square(between)
            force = time / (square * math.sqrt(square))
            for i in range(3):
                speeds[a][i] -= between[i] * masses[b] * force
                speeds[b][i] += between[i] * masses[a] * force
        for place, speed in zip(places, speeds):
            for i in range(3):
                place[i] += time * speed[i]
    return first + energy() + "".join(_bits(x) for place in places for x in place)


def mandelbrot(text: str) -> str:
    columns, rows, most = map(int, text.split())

    def shown(real: float, imaginary: float) -> str:
        x = y = x2 = y2 = 0.0
        for rounds in range(most):
            if not x2 + y2 <= 4:
                return " .:-=+*%"[rounds & 7]
            y = 2 * x * y + imaginary
            x = x2 - y2 + real
            x2, y2 = x * x, y * y
        return "#"

    return "".join(
        "".join(
            shown(3.0 * column / columns - 2.25, 2.5 * row / rows - 1.25)
            for column in range(columns)
        )
        + "\n"
        for row in range(rows)
    )


def equations(text: str) -> str:
    size, random = int(text), 1
    rows: list[list[float]] = []
    for _ in range(size):
        row = []
        for _ in range(size + 1):
            random = (random * 1103515245 + 12345) % 2**32
            row.append((random >> 8) * 2.0**-23 - 1)
        rows.append(row)
    for column in range(size):
        pivot = max(range(column, size), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in rows[column + 1 :]:
            factor = row[column] / rows[column][column]
            for k in range(column, size + 1):
                row[k] -= factor * rows[column][k]
    solution = [0.0] * size
    for i in reversed(range(size)):
        value = rows[i][size]
        for k in range(i + 1, size):
            value -= rows[i][k] * solution[k]
        solution[i] = value / rows[i][i]
    return "".join(map(_bits, solution))


def spheres(text: str) -> str:
    columns, rows = map(int, text.split())
    f32 = np.float32

    def dot(a: list[np.float32], b: list[np.float32]) -> np.float32:
        return f32(f32(f32(a[0] * b[0]) + f32(a[1] * b[1])) + f32(a[2] * b[2]))

    def unit(a: list[np.float32]) -> list[np.float32]:
        by = f32(1) / np.sqrt(dot(a, a))
        return [x * by for x in a]

    known = [([f32(x) for x in centre], f32(radius)) for centre, radius in _SPHERES]
    lamp = unit([f32(1), f32(2), f32(-2)])

    def shade(ray: list[np.float32]) -> int:
        nearest, met = f32(1000), None
        for centre, radius in known:
            along = dot(ray, centre)
            square = f32(f32(along * along) - dot(centre, centre)) + f32(radius * radius)
            far = f32(0) if square < 0 else along - np.sqrt(square)
            if 0 < far < nearest:
                nearest, met = far, centre
        if met is None:
            return 0
        light = dot(unit([x * nearest - y for x, y in zip(ray, met)]), lamp)
        return 1 if light < 0 else 2 + int(light * f32(7))

    picture = ""
    for row in range(rows):
        for column in range(columns):
            x = f32(2 * column - columns) / f32(columns)
            y = f32(rows - 2 * row) / f32(rows)
            picture += " .:-=+*%#@"[shade(unit([x, y, f32(1.5)]))]
        picture += "\n"
    return picture
