"""Multiplication of a base that is used often, by a table of its multiples.

A table holds, for each of the 32 bytes of a scalar, the 256 multiples of the base that the byte stands for, so a
product is 32 additions and no doubling. Bytes are read as signed digits -128..127, which halves the work of making
a table: about 4,000 additions, worth it from some thirty products on.

Nothing here is constant-time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeAlias

from vemre.group.curve import IDENTITY, NIELS_IDENTITY, Niels, Point, add_cached, affine, cached, double, niels
from vemre.group.field import LOW, P

Table: TypeAlias = list[list[Niels]]

_BYTES: Final = 32
_HALF: Final = 128
_OFFSET: Final = sum(_HALF << (8 * i) for i in range(_BYTES))
"""Added to a scalar, it makes each byte its signed digit + 128."""

WORTH_A_TABLE: Final = 32
_TABLES: Final = 8
_COUNTED: Final = 1024


def make_table(base: Point) -> Table:
    """At [i][b]: (b - 128) 256^i base."""
    multiples = []
    for _ in range(_BYTES):
        step = cached(base)
        multiple = base
        for _ in range(_HALF):
            multiples.append(multiple)
            last, multiple = multiple, add_cached(multiple, step)
        base = double(last)
    positive = [niels(p) for p in affine(multiples)]
    return [_signed(positive[i : i + _HALF]) for i in range(0, len(positive), _HALF)]


def _signed(positive: Sequence[Niels]) -> list[Niels]:
    negative = [(plus, minus, P - t2d) for minus, plus, t2d in reversed(positive)]
    return [*negative, NIELS_IDENTITY, *positive[:-1]]


def multiply(table: Table, scalar: int, start: Point = IDENTITY) -> Point:
    """start + scalar * base, for 0 <= scalar < 2^254."""
    x, y, z, t = start
    for row, digit in zip(table, (scalar + _OFFSET).to_bytes(_BYTES, "little"), strict=True):
        minus, plus, t2d = row[digit]
        a = (y + P - x) * minus
        b = (y + x) * plus
        c = t * t2d
        a = (a & LOW) + 19 * (a >> 255)
        b = (b & LOW) + 19 * (b >> 255)
        c = (c & LOW) + 19 * (c >> 255)
        d = z + z
        e = b - a
        f = d - c
        g = d + c
        h = b + a
        x = e * f % P
        y = g * h % P
        z = f * g % P
        t = e * h % P
    return x, y, z, t


class Tables:
    """The tables of the bases used last. A base gets one when it has been, or is about to be, used often enough."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: OrderedDict[bytes, Table] = OrderedDict()
        self._uses: OrderedDict[bytes, int] = OrderedDict()

    def get(self, name: bytes, base: Point, uses: int) -> Table | None:
        """The table of `base`, whose encoding is `name`, for `uses` more products; None where it does not pay yet."""
        with self._lock:
            table = self._tables.get(name)
            if table is not None:
                self._tables.move_to_end(name)
                return table
            uses += self._uses.pop(name, 0)
            if uses < WORTH_A_TABLE:
                self._uses[name] = uses
                if len(self._uses) > _COUNTED:
                    self._uses.popitem(last=False)
                return None
            table = make_table(base)
            self._tables[name] = table
            if len(self._tables) > _TABLES:
                self._tables.popitem(last=False)
            return table
