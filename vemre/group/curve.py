"""The curve edwards25519 in extended coordinates: addition, doubling, scalar multiplication.

A point is a tuple (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z, all reduced modulo p. What is added many times is
kept as (Y-X, Y+X, 2Z, 2dT), a `Cached` point, or with Z = 1 as (y-x, y+x, 2dxy), a `Niels` point, whose addition
saves one multiplication.

Source: Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited" (2008), a = -1; the formulas are complete on
this curve. Loops that run thousands of times write them out again: a call costs a quarter of an addition.

Nothing here is constant-time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from vemre.group.field import D2, LOW, P, invert_all

Point: TypeAlias = tuple[int, int, int, int]
Cached: TypeAlias = tuple[int, int, int, int]
Niels: TypeAlias = tuple[int, int, int]

IDENTITY: Final[Point] = (0, 1, 1, 0)
NIELS_IDENTITY: Final[Niels] = (1, 1, 0)

_NAF_WIDTH: Final = 5
_NAF_FULL: Final = 1 << _NAF_WIDTH
_NAF_HALF: Final = _NAF_FULL >> 1


def add(p: Point, q: Point) -> Point:
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a = (y1 - x1) * (y2 - x2) % P
    b = (y1 + x1) * (y2 + x2) % P
    c = t1 * t2 % P * D2 % P
    d = 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(p: Point) -> Point:
    x, y, z, t = p
    return P - x if x else 0, y, z, P - t if t else 0


def subtract(p: Point, q: Point) -> Point:
    return add(p, negate(q))


def double(p: Point) -> Point:
    x, y, z, _ = p
    a = x * x % P
    b = y * y % P
    c = 2 * z * z
    e = 2 * x * y % P
    g, h = b - a, a + b
    f = (c - g) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def add_niels(p: Point, q: Niels) -> Point:
    x, y, z, t = p
    minus, plus, t2d = q
    a = (y + P - x) * minus
    b = (y + x) * plus
    c = t * t2d
    a = (a & LOW) + 19 * (a >> 255)
    b = (b & LOW) + 19 * (b >> 255)
    c = (c & LOW) + 19 * (c >> 255)
    d = z + z
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def cached(p: Point) -> Cached:
    x, y, z, t = p
    return (y - x) % P, (y + x) % P, 2 * z, t * D2 % P


def add_cached(p: Point, q: Cached) -> Point:
    x, y, z, t = p
    minus, plus, z2, t2d = q
    a = (y + P - x) * minus
    b = (y + x) * plus
    c = t * t2d
    d = z * z2
    a = (a & LOW) + 19 * (a >> 255)
    b = (b & LOW) + 19 * (b >> 255)
    c = (c & LOW) + 19 * (c >> 255)
    d = (d & LOW) + 19 * (d >> 255)
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate_cached(q: Cached) -> Cached:
    minus, plus, z2, t2d = q
    return plus, minus, z2, P - t2d


def affine(points: Sequence[Point]) -> list[Point]:
    """The same points with Z = 1, by one inversion for all."""
    if all(p[2] == 1 for p in points):
        return list(points)
    normal = []
    for (x, y, _, _), inverse in zip(points, invert_all([p[2] for p in points]), strict=True):
        x = x * inverse % P
        y = y * inverse % P
        normal.append((x, y, 1, x * y % P))
    return normal


def niels(p: Point) -> Niels:
    """The Niels form of a point with Z = 1."""
    x, y, _, t = p
    return (y - x) % P, (y + x) % P, t * D2 % P


def naf(scalar: int) -> list[tuple[int, int]]:
    """The non-adjacent form of width 5: pairs (position, odd digit in -15..15), from low to high."""
    digits = []
    position = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        position += zeros
        digit = scalar & (_NAF_FULL - 1)
        if digit >= _NAF_HALF:
            digit -= _NAF_FULL
        digits.append((position, digit))
        scalar -= digit
    return digits


def odd_multiples(p: Point) -> list[Cached]:
    """What a NAF digit selects, at index `digit`: p, 3p, .. 15p, and from the end (so by negative index) -p, -3p, .."""
    table: list[Cached] = [(0, 0, 0, 0)] * _NAF_FULL
    twice = cached(double(p))
    for digit in range(1, _NAF_HALF, 2):
        table[digit] = cached(p)
        table[-digit] = negate_cached(table[digit])
        p = add_cached(p, twice)
    return table


def multiply(digits: Sequence[tuple[int, int]], p: Point) -> Point:
    """The multiple of p by the scalar whose `naf` is `digits`."""
    if not digits:
        return IDENTITY
    table = odd_multiples(p)
    result = IDENTITY
    last = digits[-1][0]
    for position, digit in reversed(digits):
        result = add_cached(double_times(result, last - position), table[digit])
        last = position
    return double_times(result, last)


def double_times(p: Point, count: int) -> Point:
    """2^count p. T is only worked out at the end: doubling does not read it."""
    if not count:
        return p
    x, y, z, _ = p
    e = h = 0
    for _ in range(count):
        a = x * x
        b = y * y
        c = z * z
        e = x * y
        a = (a & LOW) + 19 * (a >> 255)
        b = (b & LOW) + 19 * (b >> 255)
        c = (c & LOW) + 19 * (c >> 255)
        e = (e & LOW) + 19 * (e >> 255)
        e += e
        g = b - a
        h = a + b
        f = c + c - g
        x = e * f % P
        y = g * h % P
        z = f * g % P
    return x, y, z, e * h % P
