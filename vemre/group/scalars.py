"""Vectors of scalars as lists of Python integers. Not constant-time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vemre.group.interface import Scalars
from vemre.params import GROUP_ORDER, SCALAR_BYTES


class ReferenceScalars(Scalars):
    """Integers in [0, l). Made by `ReferenceGroup`; its `repr` shows no value."""

    __slots__ = ("values",)

    def __init__(self, values: list[int]) -> None:
        self.values = values
        """Reduced modulo l; never changed after."""

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> int:
        return self.values[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.values)

    def slice(self, start: int, stop: int) -> ReferenceScalars:
        return ReferenceScalars(self.values[start:stop])

    def take(self, indices: Sequence[int]) -> ReferenceScalars:
        return ReferenceScalars([self.values[i] for i in indices])

    def concat(self, *others: Scalars) -> ReferenceScalars:
        joined = list(self.values)
        for other in others:
            joined += values_of(other)
        return ReferenceScalars(joined)

    def encode(self) -> bytes:
        return b"".join(value.to_bytes(SCALAR_BYTES, "little") for value in self.values)

    def __add__(self, other: Scalars) -> ReferenceScalars:
        return reduced(a + b for a, b in self._pairs(other))

    def __sub__(self, other: Scalars) -> ReferenceScalars:
        return reduced(a - b for a, b in self._pairs(other))

    def __neg__(self) -> ReferenceScalars:
        return reduced(-a for a in self.values)

    def __mul__(self, other: Scalars) -> ReferenceScalars:
        return reduced(a * b for a, b in self._pairs(other))

    def scale(self, factor: int) -> ReferenceScalars:
        return reduced(a * factor for a in self.values)

    def shift(self, term: int) -> ReferenceScalars:
        return reduced(a + term for a in self.values)

    def outer(self, others: Scalars) -> ReferenceScalars:
        factors = values_of(others)
        return reduced(a * b for a in self.values for b in factors)

    def links(self, us: Scalars) -> tuple[ReferenceScalars, ReferenceScalars]:
        sums, products = [], []
        total, product = 0, 1
        for x, u in self._pairs(us):
            total = (x + u * total) % GROUP_ORDER
            product = u * product % GROUP_ORDER
            sums.append(total)
            products.append(product)
        return ReferenceScalars(sums), ReferenceScalars(products)

    def sum(self) -> int:
        return sum(self.values) % GROUP_ORDER

    def dot(self, other: Scalars) -> int:
        return sum(a * b for a, b in self._pairs(other)) % GROUP_ORDER

    def product(self) -> int:
        product = 1
        for value in self.values:
            product = product * value % GROUP_ORDER
        return product

    def suffix_products(self) -> ReferenceScalars:
        products = []
        product = 1
        for value in reversed(self.values):
            products.append(product)
            product = product * value % GROUP_ORDER
        products.reverse()
        return ReferenceScalars(products)

    def _pairs(self, other: Scalars) -> Iterator[tuple[int, int]]:
        values = values_of(other)
        same_length(self.values, values)
        return zip(self.values, values, strict=True)


def reduced(values: Iterable[int]) -> ReferenceScalars:
    return ReferenceScalars([value % GROUP_ORDER for value in values])


def values_of(scalars: Scalars) -> list[int]:
    """The integers of a vector of this back end. Raises TypeError for another back end's."""
    if not isinstance(scalars, ReferenceScalars):
        raise TypeError(f"{type(scalars).__name__} given to the reference back end")
    return scalars.values


def same_length(left: Sequence[object], right: Sequence[object]) -> None:
    """Raises ValueError for vectors of different lengths."""
    if len(left) != len(right):
        raise ValueError(f"vectors of different lengths: {len(left)} and {len(right)}")
