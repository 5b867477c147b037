"""The reference back end: ristretto255 in pure Python, straight from RFC 9496.

It needs no compiler, it is the oracle of the tests, and an auditor may choose it so that two audits share no
arithmetic. **It is not constant-time**: the time that it takes depends on the secrets it is given. It may make
demonstrations, tests and verifications; production roles that hold secrets must refuse it by `constant_time`.

Points are added in extended coordinates (`curve`), bases that come back get tables (`comb`), sums of products use
buckets (`msm`), and what is going to be encoded is kept as a half (`elements`).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import comb, ristretto
from vemre.group.curve import IDENTITY, Point, affine, multiply, naf
from vemre.group.derive import derive_element, generator_bytes
from vemre.group.elements import ReferenceElements, elements_of
from vemre.group.interface import Elements, Group, Scalars
from vemre.group.msm import msm
from vemre.group.scalars import ReferenceScalars, reduced, same_length, values_of
from vemre.params import ELEMENT_BYTES, GROUP_ORDER, SCALAR_BYTES

__all__ = ["ReferenceElements", "ReferenceGroup", "ReferenceScalars"]

_WIDE_BYTES: Final = 64
_IDENTITY_BYTES: Final = bytes(ELEMENT_BYTES)
_GENERATOR_BYTES: Final = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
_SHORT_BITS: Final = 128
_ONE_HALF: Final = (GROUP_ORDER + 1) // 2


class ReferenceGroup(Group):
    """ristretto255 in pure Python. Not constant-time. Safe to share between threads."""

    name = "reference"
    constant_time = False

    def __init__(self) -> None:
        self._generator = self.decode(_GENERATOR_BYTES)
        self._tables = comb.Tables()
        self._generators = ReferenceElements([])
        self._generator_h: ReferenceElements | None = None
        self._deriving = threading.Lock()

    # --- scalars -----------------------------------------------------------------------------------------

    def scalars(self, values: Iterable[int]) -> ReferenceScalars:
        return reduced(values)

    def decode_scalars(self, data: bytes) -> ReferenceScalars:
        values = []
        for index, chunk in enumerate(_chunks(data, SCALAR_BYTES, Check.SCALAR)):
            value = int.from_bytes(chunk, "little")
            if value >= GROUP_ORDER:
                raise CheckFailed(Check.SCALAR, f"scalar {index} is not reduced")
            values.append(value)
        return ReferenceScalars(values)

    def reduce_scalars(self, data: bytes) -> ReferenceScalars:
        return reduced(int.from_bytes(chunk, "little") for chunk in _wide_chunks(data))

    def hash_scalars(self, seed: bytes, count: int) -> ReferenceScalars:
        hashes = (hashlib.sha512(seed + i.to_bytes(8, "big")).digest() for i in range(1, count + 1))
        return reduced(int.from_bytes(digest, "little") for digest in hashes)

    # --- elements ----------------------------------------------------------------------------------------

    def decode(self, data: bytes, *, identity: bool = False) -> ReferenceElements:
        points = []
        for index, chunk in enumerate(_chunks(data, ELEMENT_BYTES, Check.ELEMENT)):
            point = ristretto.decode(chunk)
            if point is None:
                raise CheckFailed(Check.ELEMENT, f"element {index} is not a canonical encoding")
            if not identity and chunk == _IDENTITY_BYTES:
                raise CheckFailed(Check.IDENTITY, f"element {index} is the identity")
            points.append(point)
        return ReferenceElements(points, encoding=bytes(data))

    def try_decode(self, data: bytes) -> list[bool]:
        chunks = _chunks(data, ELEMENT_BYTES, Check.ELEMENT)
        return [chunk != _IDENTITY_BYTES and ristretto.decode(chunk) is not None for chunk in chunks]

    def identity(self, count: int = 1) -> ReferenceElements:
        points = [IDENTITY] * count
        return ReferenceElements(points, halves=points, encoding=_IDENTITY_BYTES * count)

    def generator(self) -> ReferenceElements:
        return self._generator

    def one_way(self, data: bytes) -> ReferenceElements:
        return ReferenceElements([ristretto.one_way(chunk) for chunk in _wide_chunks(data)])

    def generators(self, count: int) -> ReferenceElements:
        with self._deriving:
            known = len(self._generators)
            if count > known:
                more = self.one_way(b"".join(generator_bytes("H", i) for i in range(known + 1, count + 1)))
                self._generators = ReferenceElements(self._generators.points + affine(more.points))
            return self._generators.slice(0, count)

    def generator_h(self) -> ReferenceElements:
        if self._generator_h is None:
            self._generator_h = elements_of(derive_element(self, "H", 0))
        return self._generator_h

    # --- multiplication ----------------------------------------------------------------------------------

    def base_mul(self, scalars: Scalars) -> ReferenceElements:
        return self.fixed_mul(self._generator, scalars)

    def fixed_mul(self, base: Elements, scalars: Scalars) -> ReferenceElements:
        values = [value * _ONE_HALF % GROUP_ORDER for value in values_of(scalars)]
        return ReferenceElements(halves=self._fixed_points(elements_of(base), values))

    def _fixed_points(self, base: ReferenceElements, values: Sequence[int]) -> list[Point]:
        point = _single(base)
        table = self._tables.get(base.encode(), point, len(values))
        if table is None:
            return [multiply(naf(value), point) for value in values]
        return [comb.multiply(table, value) for value in values]

    def mul(self, elements: Elements, scalars: Scalars) -> ReferenceElements:
        vector, values = elements_of(elements), values_of(scalars)
        if vector.halves is not None:
            same_length(vector.halves, values)
            return ReferenceElements(
                halves=[multiply(naf(value), half) for half, value in zip(vector.halves, values, strict=True)]
            )
        same_length(vector.points, values)
        pairs = zip(vector.points, values, strict=True)
        return ReferenceElements(
            halves=[multiply(naf(value * _ONE_HALF % GROUP_ORDER), point) for point, value in pairs]
        )

    def mul_by_one(self, elements: Elements, scalar: int) -> ReferenceElements:
        if scalar.bit_length() <= _SHORT_BITS:
            # The half of a short scalar is a long one, so here the doublings saved outweigh the cheaper encoding.
            short = naf(scalar)
            return ReferenceElements([multiply(short, point) for point in elements_of(elements).points])
        digits = naf(scalar * _ONE_HALF % GROUP_ORDER)
        return ReferenceElements(halves=[multiply(digits, point) for point in elements_of(elements).points])

    def msm(self, scalars: Scalars, elements: Elements) -> ReferenceElements:
        # Nothing here is constant-time, so the fast way is as good.
        return self._msm(scalars, elements)

    def vartime_msm(self, scalars: Scalars, elements: Elements) -> ReferenceElements:
        return self._msm(scalars, elements)

    @staticmethod
    def _msm(scalars: Scalars, elements: Elements) -> ReferenceElements:
        values, points = values_of(scalars), elements_of(elements).points
        same_length(values, points)
        return ReferenceElements([msm(values, points)])

    def vartime_mul_by_one(self, elements: Elements, scalar: int) -> ReferenceElements:
        return self.mul_by_one(elements, scalar)

    def two_mul(self, base: Elements, xs: Scalars, us: Scalars) -> ReferenceElements:
        same_length(values_of(xs), values_of(us))
        return self.base_mul(xs) + self.fixed_mul(base, us)


def _chunks(data: bytes, size: int, check: Check) -> list[bytes]:
    if len(data) % size:
        raise CheckFailed(check, f"{len(data)} bytes, not a multiple of {size}")
    return [data[i : i + size] for i in range(0, len(data), size)]


def _wide_chunks(data: bytes) -> list[bytes]:
    """What the program itself makes (hashes, random bytes), so a wrong length is a mistake in the program."""
    if len(data) % _WIDE_BYTES:
        raise ValueError(f"{len(data)} bytes, not a multiple of {_WIDE_BYTES}")
    return [data[i : i + _WIDE_BYTES] for i in range(0, len(data), _WIDE_BYTES)]


def _single(elements: ReferenceElements) -> Point:
    if len(elements) != 1:
        raise ValueError(f"one base expected, not {len(elements)}")
    return elements.points[0]
