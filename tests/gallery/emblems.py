"""Invented emblems: plain figures in plain colours, of no party that there is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Final

DOTS: Final = 96
_COLOURS: Final = (
    (30, 79, 163), (176, 42, 48), (46, 125, 50), (214, 152, 20), (230, 106, 28), (122, 31, 61), (84, 70, 150),
)  # fmt: skip
_FIGURES: Final[Sequence[Callable[[float, float], bool]]] = (
    lambda x, y: x * x + y * y < 0.62,
    lambda x, y: max(abs(x), abs(y)) < 0.66,
    lambda x, y: abs(x) + abs(y) < 0.9,
    lambda x, y: y > -0.7 and y < 0.65 and abs(x) < 0.42 + 0.5 * y,
    lambda x, y: abs(x) < 0.25 or abs(y) < 0.25,
    lambda x, y: 0.22 < x * x + y * y < 0.7,
    lambda x, y: int((x + 1) * 2.5) % 2 == 0,
)
FIGURES: Final = len(_FIGURES)


def emblem(number: int) -> bytes:
    """The PNG of an emblem; each number below `FIGURES` has its own."""
    colour, figure = bytes(_COLOURS[number % FIGURES]), _FIGURES[number % FIGURES]
    rows = []
    for row in range(DOTS):
        places = (((2 * column + 1) / DOTS - 1, (2 * row + 1) / DOTS - 1) for column in range(DOTS))
        rows.append(b"\0" + b"".join(colour if figure(x, y) else b"\xff\xff\xff" for x, y in places))
    head = struct.pack(">IIBBBBB", DOTS, DOTS, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", head) + _part(b"IDAT", zlib.compress(b"".join(rows), 9)) + _part(b"IEND")
    )


def _part(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
