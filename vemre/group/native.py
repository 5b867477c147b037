"""The native back end: ristretto255 in Rust (`native/`, on curve25519-dalek), for production and for speed.

Whole vectors cross over; decoded points stay on the other side. Constant-time in what does not start with
``vartime_`` and does not decode.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import vemre_native as native

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group.interface import Elements, Group, Scalars
from vemre.group.kernel import PublicKeys
from vemre.params import ELEMENT_BYTES, GROUP_ORDER, NAME, SCALAR_BYTES
from vemre.types import Random

_WIDE_BYTES: Final = 64
_WEIGHT_BYTES: Final = 16
_GENERATOR_BYTES: Final = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
_TAG: Final = f"{NAME}/generator/H".encode("ascii")
_MOST_TABLES: Final = 64
_SMALL_BITS: Final = 64


class NativeScalars(Scalars):
    """Made by `NativeGroup`; its `repr` shows no value, and its memory is erased when it goes."""

    __slots__ = ("inner",)

    def __init__(self, inner: native.Scalars) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> int:
        return int.from_bytes(self.inner.item(index), "little")

    def __iter__(self) -> Iterator[int]:
        data = self.inner.encode()
        return (int.from_bytes(data[i : i + SCALAR_BYTES], "little") for i in range(0, len(data), SCALAR_BYTES))

    def slice(self, start: int, stop: int) -> NativeScalars:
        start, stop, _ = slice(start, stop).indices(len(self))
        return NativeScalars(self.inner.slice(start, stop))

    def take(self, indices: Sequence[int]) -> NativeScalars:
        return NativeScalars(self.inner.take(indices))

    def concat(self, *others: Scalars) -> NativeScalars:
        return NativeScalars(self.inner.concat([_scalars(other) for other in others]))

    def encode(self) -> bytes:
        return self.inner.encode()

    def __add__(self, other: Scalars) -> NativeScalars:
        return NativeScalars(self.inner.add(_scalars(other)))

    def __sub__(self, other: Scalars) -> NativeScalars:
        return NativeScalars(self.inner.sub(_scalars(other)))

    def __neg__(self) -> NativeScalars:
        return NativeScalars(self.inner.neg())

    def __mul__(self, other: Scalars) -> NativeScalars:
        return NativeScalars(self.inner.mul(_scalars(other)))

    def scale(self, factor: int) -> NativeScalars:
        return NativeScalars(self.inner.scale(_one(factor)))

    def shift(self, term: int) -> NativeScalars:
        return NativeScalars(self.inner.shift(_one(term)))

    def outer(self, others: Scalars) -> NativeScalars:
        return NativeScalars(self.inner.outer(_scalars(others)))

    def links(self, us: Scalars) -> tuple[NativeScalars, NativeScalars]:
        sums, products = self.inner.links(_scalars(us))
        return NativeScalars(sums), NativeScalars(products)

    def sum(self) -> int:
        return int.from_bytes(self.inner.sum().encode(), "little")

    def dot(self, other: Scalars) -> int:
        return int.from_bytes(self.inner.dot(_scalars(other)).encode(), "little")

    def product(self) -> int:
        return int.from_bytes(self.inner.product().encode(), "little")

    def suffix_products(self) -> NativeScalars:
        return NativeScalars(self.inner.suffix_products())


class NativeElements(Elements):
    """Made by `NativeGroup`."""

    __slots__ = ("inner",)

    def __init__(self, inner: native.Elements) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def slice(self, start: int, stop: int) -> NativeElements:
        start, stop, _ = slice(start, stop).indices(len(self))
        return NativeElements(self.inner.slice(start, stop))

    def take(self, indices: Sequence[int]) -> NativeElements:
        return NativeElements(self.inner.take(indices))

    def interleave(self, other: Elements) -> NativeElements:
        return NativeElements(self.inner.interleave(_elements(other)))

    def strided(self, start: int, count: int, stride: int) -> NativeElements:
        return NativeElements(self.inner.strided(start, count, stride))

    def concat(self, *others: Elements) -> NativeElements:
        return NativeElements(self.inner.concat([_elements(other) for other in others]))

    def encode(self) -> bytes:
        return self.inner.encode()

    def __add__(self, other: Elements) -> NativeElements:
        return NativeElements(self.inner.add(_elements(other)))

    def __sub__(self, other: Elements) -> NativeElements:
        return NativeElements(self.inner.sub(_elements(other)))

    def __neg__(self) -> NativeElements:
        return NativeElements(self.inner.neg())

    def double(self) -> NativeElements:
        return NativeElements(self.inner.double())

    def sum(self) -> NativeElements:
        return NativeElements(self.inner.sum())

    def vartime_identity_at(self) -> int | None:
        return self.inner.vartime_identity_at()


class NativeKernel:
    """See `vemre.group.kernel.Kernel`."""

    read_ballots = staticmethod(native.read_ballots)
    public_keys = staticmethod(native.PublicKeys)
    work_aside = staticmethod(native.work_aside)
    leaf_hashes = staticmethod(native.leaf_hashes)
    node_hashes = staticmethod(native.node_hashes)

    def vartime_verify_signatures(
        self,
        publics: bytes,
        messages: Sequence[bytes],
        signatures: bytes,
        known: PublicKeys | None = None,
        *,
        records: bool = False,
    ) -> int | None:
        if known is not None and not isinstance(known, native.PublicKeys):
            raise TypeError(f"{type(known).__name__} given to the native back end")
        return native.vartime_verify_signatures(publics, messages, signatures, known, records)

    def ballot_challenges(
        self,
        head: bytes,
        joint_key: bytes,
        contests: Sequence[tuple[str, int]],
        credentials: bytes,
        points: bytes,
        commitments: bytes,
    ) -> NativeScalars:
        found = native.ballot_challenges(head, joint_key, contests, credentials, points, commitments)
        return NativeScalars(found)


class NativeGroup(Group):
    """ristretto255 over curve25519-dalek. Safe to share between threads; works on all cores."""

    name = "native"
    constant_time = True
    kernel = NativeKernel()

    def __init__(self) -> None:
        self._generator = self.decode(_GENERATOR_BYTES)
        self._generator_h = NativeElements(native.derive_elements(_TAG, 0, 1))
        self._generators = NativeElements(native.derive_elements(_TAG, 1, 0))
        self._tables: dict[bytes, native.Table] = {}
        self._lock = threading.Lock()

    # --- scalars -----------------------------------------------------------------------------------------

    def scalars(self, values: Iterable[int]) -> NativeScalars:
        data = b"".join([(value % GROUP_ORDER).to_bytes(SCALAR_BYTES, "little") for value in values])
        return NativeScalars(native.scalars(data))

    def decode_scalars(self, data: bytes) -> NativeScalars:
        _check_length(data, SCALAR_BYTES, Check.SCALAR)
        found, index = native.decode_scalars(data)
        if found is None:
            raise CheckFailed(Check.SCALAR, f"scalar {index} is not reduced")
        return NativeScalars(found)

    def reduce_scalars(self, data: bytes) -> NativeScalars:
        return NativeScalars(native.reduce_scalars(_wide(data)))

    def hash_scalars(self, seed: bytes, count: int) -> NativeScalars:
        return NativeScalars(native.hash_scalars(seed, count))

    def random_weights(self, count: int, random: Random) -> NativeScalars:
        return NativeScalars(native.short_scalars(random(_WEIGHT_BYTES * count)))

    # --- elements ----------------------------------------------------------------------------------------

    def decode(self, data: bytes, *, identity: bool = False) -> NativeElements:
        _check_length(data, ELEMENT_BYTES, Check.ELEMENT)
        found, index, reason = native.decode(data, identity)
        if found is not None:
            return NativeElements(found)
        if reason == native.IDENTITY:
            raise CheckFailed(Check.IDENTITY, f"element {index} is the identity")
        raise CheckFailed(Check.ELEMENT, f"element {index} is not a canonical encoding")

    def try_decode(self, data: bytes) -> list[bool]:
        _check_length(data, ELEMENT_BYTES, Check.ELEMENT)
        return native.try_decode(data)

    def identity(self, count: int = 1) -> NativeElements:
        return NativeElements(native.identity(count))

    def generator(self) -> NativeElements:
        return self._generator

    def one_way(self, data: bytes) -> NativeElements:
        return NativeElements(native.one_way(_wide(data)))

    def generators(self, count: int) -> NativeElements:
        with self._lock:
            known = len(self._generators)
            if count > known:
                more = NativeElements(native.derive_elements(_TAG, known + 1, count - known))
                self._generators = self._generators.concat(more)
            return self._generators.slice(0, count)

    def generator_h(self) -> NativeElements:
        return self._generator_h

    # --- multiplication ----------------------------------------------------------------------------------

    def base_mul(self, scalars: Scalars) -> NativeElements:
        return NativeElements(native.base_mul(_scalars(scalars)))

    def fixed_mul(self, base: Elements, scalars: Scalars) -> NativeElements:
        return NativeElements(self._table(base).mul(_scalars(scalars)))

    def mul(self, elements: Elements, scalars: Scalars) -> NativeElements:
        return NativeElements(native.mul(_elements(elements), _scalars(scalars)))

    def mul_by_one(self, elements: Elements, scalar: int) -> NativeElements:
        return NativeElements(native.mul_by_one(_elements(elements), _one(scalar)))

    def msm(self, scalars: Scalars, elements: Elements) -> NativeElements:
        return NativeElements(native.msm(_scalars(scalars), _elements(elements)))

    def vartime_msm(self, scalars: Scalars, elements: Elements) -> NativeElements:
        return self.vartime_msm_terms([(scalars, elements)])

    def vartime_msm_terms(self, terms: Sequence[tuple[Scalars, Elements]]) -> NativeElements:
        return NativeElements(native.vartime_msm_terms([(_scalars(s), _elements(e)) for s, e in terms]))

    def vartime_mul_by_one(self, elements: Elements, scalar: int) -> NativeElements:
        scalar %= GROUP_ORDER
        if scalar.bit_length() <= _SMALL_BITS:
            return NativeElements(native.vartime_mul_by_small(_elements(elements), scalar))
        return self.mul_by_one(elements, scalar)

    def two_mul(self, base: Elements, xs: Scalars, us: Scalars) -> NativeElements:
        return NativeElements(native.two_mul(self._table(base), _scalars(xs), _scalars(us)))

    def _table(self, base: Elements) -> native.Table:
        """The table of a base, kept: the bases of an election are few and public."""
        if len(base) != 1:
            raise ValueError(f"one base expected, not {len(base)}")
        key = base.encode()
        with self._lock:
            table = self._tables.get(key)
            if table is None:
                if len(self._tables) >= _MOST_TABLES:
                    self._tables.clear()
                table = self._tables[key] = native.Table(_elements(base))
            return table


def _one(value: int) -> native.Scalars:
    return native.scalars((value % GROUP_ORDER).to_bytes(SCALAR_BYTES, "little"))


def _check_length(data: bytes, size: int, check: Check) -> None:
    if len(data) % size:
        raise CheckFailed(check, f"{len(data)} bytes, not a multiple of {size}")


def _wide(data: bytes) -> bytes:
    """What the program itself makes (hashes, random bytes), so a wrong length is a mistake in the program."""
    if len(data) % _WIDE_BYTES:
        raise ValueError(f"{len(data)} bytes, not a multiple of {_WIDE_BYTES}")
    return data


def _scalars(scalars: Scalars) -> native.Scalars:
    if not isinstance(scalars, NativeScalars):
        raise TypeError(f"{type(scalars).__name__} given to the native back end")
    return scalars.inner


def _elements(elements: Elements) -> native.Elements:
    if not isinstance(elements, NativeElements):
        raise TypeError(f"{type(elements).__name__} given to the native back end")
    return elements.inner
