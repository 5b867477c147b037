"""Vectors of group elements as lists of curve points. Not constant-time.

A vector knows up to three forms of itself and makes the others when they are asked for: points; halves, points
whose doubles the elements are; and the encoding. Halves pay because a double encodes ten times as fast
(`ristretto.encode_doubles`), and a product s P can be made as the double of (s/2) P at no cost: l is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vemre.group import ristretto
from vemre.group.curve import IDENTITY, Point, add, double, negate, subtract
from vemre.group.interface import Elements
from vemre.group.scalars import same_length
from vemre.params import ELEMENT_BYTES


class ReferenceElements(Elements):
    """Made by `ReferenceGroup`, from points or halves; every form that is given is of the same elements."""

    __slots__ = ("_encoding", "_halves", "_points")

    def __init__(
        self, points: list[Point] | None = None, *, halves: list[Point] | None = None, encoding: bytes | None = None
    ) -> None:
        self._points = points
        self._halves = halves
        self._encoding = encoding

    @property
    def points(self) -> list[Point]:
        if self._points is None:
            self._points = [double(half) for half in self.halves or ()]
        return self._points

    @property
    def halves(self) -> list[Point] | None:
        """Points whose doubles are the elements, where they are known."""
        return self._halves

    def __len__(self) -> int:
        return len(self._points if self._halves is None else self._halves)  # type: ignore[arg-type]

    def slice(self, start: int, stop: int) -> ReferenceElements:
        start, stop, _ = slice(start, stop).indices(len(self))
        encoding = self._encoding
        return ReferenceElements(
            None if self._points is None else self._points[start:stop],
            halves=None if self._halves is None else self._halves[start:stop],
            encoding=None if encoding is None else encoding[ELEMENT_BYTES * start : ELEMENT_BYTES * stop],
        )

    def take(self, indices: Sequence[int]) -> ReferenceElements:
        encoding = self._encoding
        size = len(self)
        if encoding is not None:
            starts = [ELEMENT_BYTES * (i + size if i < 0 else i) for i in indices]
            encoding = b"".join([encoding[start : start + ELEMENT_BYTES] for start in starts])
        return ReferenceElements(
            None if self._points is None else [self._points[i] for i in indices],
            halves=None if self._halves is None else [self._halves[i] for i in indices],
            encoding=encoding,
        )

    def interleave(self, other: Elements) -> ReferenceElements:
        count = len(self)
        if len(other) != count:
            raise ValueError(f"vectors of different lengths: {count} and {len(other)}")
        return self.concat(other).take([place for i in range(count) for place in (i, count + i)])

    def strided(self, start: int, count: int, stride: int) -> ReferenceElements:
        if stride < 1 or not 0 <= start <= start + count <= stride or len(self) % stride:
            raise ValueError("no such part of every row")
        return self.take([row + place for row in range(start, len(self), stride) for place in range(count)])

    def concat(self, *others: Elements) -> ReferenceElements:
        parts = [part for part in (self, *map(elements_of, others)) if len(part)]
        halves = [part._halves for part in parts if part._halves is not None]
        encodings = [part._encoding for part in parts if part._encoding is not None]
        all_halves = len(halves) == len(parts)
        return ReferenceElements(
            None if all_halves else [point for part in parts for point in part.points],
            halves=[half for part in halves for half in part] if all_halves else None,
            encoding=b"".join(encodings) if len(encodings) == len(parts) else None,
        )

    def encode(self) -> bytes:
        if self._encoding is None:
            encodings = (
                [ristretto.encode(point) for point in self.points]
                if self._halves is None
                else ristretto.encode_doubles(self._halves)
            )
            self._encoding = b"".join(encodings)
        return self._encoding

    def __add__(self, other: Elements) -> ReferenceElements:
        return self._combine(add, elements_of(other))

    def __sub__(self, other: Elements) -> ReferenceElements:
        return self._combine(subtract, elements_of(other))

    def __neg__(self) -> ReferenceElements:
        if self._halves is not None:
            return ReferenceElements(halves=[negate(half) for half in self._halves])
        return ReferenceElements([negate(point) for point in self.points])

    def double(self) -> ReferenceElements:
        return ReferenceElements(halves=self.points)

    def sum(self) -> ReferenceElements:
        total = IDENTITY
        if self._halves is not None:
            for half in self._halves:
                total = add(total, half)
            return ReferenceElements(halves=[total])
        for point in self.points:
            total = add(total, point)
        return ReferenceElements([total])

    def vartime_identity_at(self) -> int | None:
        for index, point in enumerate(self.points):
            if ristretto.is_identity(point):
                return index
        return None

    def _combine(self, operation: Callable[[Point, Point], Point], other: ReferenceElements) -> ReferenceElements:
        """Halves of both give halves of the result."""
        if self._halves is not None and other._halves is not None:
            same_length(self._halves, other._halves)
            return ReferenceElements(halves=list(map(operation, self._halves, other._halves)))
        same_length(self.points, other.points)
        return ReferenceElements(list(map(operation, self.points, other.points)))


def elements_of(elements: Elements) -> ReferenceElements:
    """A vector of this back end. Raises TypeError for another back end's."""
    if not isinstance(elements, ReferenceElements):
        raise TypeError(f"{type(elements).__name__} given to the reference back end")
    return elements
