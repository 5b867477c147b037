"""Sums of many products: Straus for few points, Pippenger's buckets for many. For public data only.

Source: Bernstein, Doumen, Lange, Oosterwijk, "Faster batch forgery identification" (2012), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vemre.group.curve import (
    IDENTITY,
    Cached,
    Point,
    add,
    add_cached,
    affine,
    double_times,
    naf,
    niels,
    odd_multiples,
)
from vemre.group.field import LOW, P
from vemre.params import GROUP_ORDER

_HALF_ORDER: Final = GROUP_ORDER // 2
_WIDTHS: Final = range(4, 15)


def msm(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """sum s_i P_i. Scalars that are short, or short below zero modulo l, cost in proportion to their length."""
    pairs = [(s - GROUP_ORDER if s > _HALF_ORDER else s, p) for s, p in zip(scalars, points, strict=True) if s]
    if not pairs:
        return IDENTITY
    lengths = [abs(s).bit_length() for s, _ in pairs]
    straus = sum(11 + length / 4.3 for length in lengths)  # in additions of `_pippenger`: 8 + length / 6, dearer ones
    cost, width = min((_bucket_cost(lengths, width), width) for width in _WIDTHS)
    if straus < cost:
        return _straus(pairs)
    return _pippenger(pairs, width)


def _bucket_cost(lengths: Sequence[int], width: int) -> float:
    """Additions that `_pippenger` would make: one a digit, and two and a half (they cost more) a bucket and window."""
    digits = sum(length // width + 1 for length in lengths)
    return digits + _windows(max(lengths), width) * 2.5 * (1 << (width - 1))


def _windows(length: int, width: int) -> int:
    """How many signed digits hold every integer of `length` bits: the highest, at most half, must leave a bit free."""
    return (length + 1) // width + 1


def _straus(pairs: Sequence[tuple[int, Point]]) -> Point:
    """All products interleaved, sharing the doublings."""
    additions: list[list[Cached]] = [[] for _ in range(256)]
    for scalar, point in pairs:
        table = odd_multiples(point)
        if scalar < 0:
            table = [table[-i] for i in range(len(table))]
        for position, digit in naf(abs(scalar)):
            additions[position].append(table[digit])
    result = IDENTITY
    doublings = 0
    for column in reversed(additions):
        if column:
            result = double_times(result, doublings)
            doublings = 0
            for addend in column:
                result = add_cached(result, addend)
        doublings += 1
    return double_times(result, doublings - 1)


def _pippenger(pairs: Sequence[tuple[int, Point]], width: int) -> Point:
    """Digit by digit from the top: points with the same digit meet in a bucket, and buckets are weighed together.

    The scalars get an offset with each digit equal to half, so that the digits of the sum less half are the signed
    digits, of negative scalars too.
    """
    half = 1 << (width - 1)
    windows = _windows(max(abs(s).bit_length() for s, _ in pairs), width)
    offset = sum(half << (width * i) for i in range(windows))
    shifted = [s + offset for s, _ in pairs]
    points = affine([p for _, p in pairs])
    forms = [(p, (P - p[0], p[1], 1, P - p[3]), niels(p)) for p in points]
    result = IDENTITY
    mask = 2 * half - 1
    for window in range(windows - 1, -1, -1):
        shift = window * width
        digits = [(s >> shift & mask) - half for s in shifted]
        result = add(double_times(result, width), _window(digits, forms, half))
    return result


def _window(digits: Sequence[int], forms: Sequence[tuple[Point, Point, tuple[int, int, int]]], half: int) -> Point:
    """sum digit_i P_i for digits in -half..half-1; a form is (P, -P, the Niels form of P)."""
    buckets: list[Point | None] = [None] * (half + 1)
    for digit, (point, negative, (minus, plus, t2d)) in zip(digits, forms, strict=True):
        if digit > 0:
            bucket = buckets[digit]
            if bucket is None:
                buckets[digit] = point
                continue
            x, y, z, t = bucket
            a = (y + P - x) * minus
            b = (y + x) * plus
            c = t * t2d
            c = (c & LOW) + 19 * (c >> 255)
            d = z + z
            f = d - c
            g = d + c
        elif digit:
            digit = -digit
            bucket = buckets[digit]
            if bucket is None:
                buckets[digit] = negative
                continue
            x, y, z, t = bucket
            a = (y + P - x) * plus
            b = (y + x) * minus
            c = t * t2d
            c = (c & LOW) + 19 * (c >> 255)
            d = z + z
            f = d + c
            g = d - c
        else:
            continue
        a = (a & LOW) + 19 * (a >> 255)
        b = (b & LOW) + 19 * (b >> 255)
        e = b - a
        h = b + a
        buckets[digit] = e * f % P, g * h % P, f * g % P, e * h % P
    return _weigh(buckets)


def _weigh(buckets: Sequence[Point | None]) -> Point:
    """sum j * bucket_j, by sums of sums from the top."""
    running: Point | None = None
    total = IDENTITY
    for bucket in reversed(buckets[1:]):
        if bucket is not None:
            running = bucket if running is None else add(running, bucket)
        if running is not None:
            total = add(total, running)
    return total
