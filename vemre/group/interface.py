"""The group as the protocol uses it: whole vectors in, whole vectors out.

Callers hold `Scalars` and `Elements`, opaque vectors that a back end keeps in its own form, so that nothing is
decoded twice and no caller loops over group operations. Two back ends implement the interface: `reference`
(pure Python, the oracle) and, where built, `native`. Names that start with ``vartime_`` (and everything that
decodes) may only see public data; all else is constant-time in a back end whose `constant_time` is true.

Source: RFC 9496 (ristretto255), RFC 9380 section 5.3.1; protocol, section 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from vemre.group.kernel import Kernel
from vemre.types import Random

Backend = Literal["native", "reference"]


class Scalars(ABC):
    """A vector of integers modulo the group order l. Immutable."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> int:
        """The scalar at `index` (negative counts from the end) as an integer in [0, l)."""

    @abstractmethod
    def __iter__(self) -> Iterator[int]: ...

    @abstractmethod
    def slice(self, start: int, stop: int) -> Scalars: ...

    @abstractmethod
    def take(self, indices: Sequence[int]) -> Scalars:
        """The scalars at `indices`, in that order (a permutation, a selection, or with repeats)."""

    @abstractmethod
    def concat(self, *others: Scalars) -> Scalars: ...

    @abstractmethod
    def encode(self) -> bytes:
        """32 bytes little-endian each, concatenated."""

    @abstractmethod
    def __add__(self, other: Scalars) -> Scalars:
        """Element-wise sum of two vectors of one length."""

    @abstractmethod
    def __sub__(self, other: Scalars) -> Scalars: ...

    @abstractmethod
    def __neg__(self) -> Scalars: ...

    @abstractmethod
    def __mul__(self, other: Scalars) -> Scalars:
        """Element-wise product of two vectors of one length."""

    @abstractmethod
    def scale(self, factor: int) -> Scalars:
        """Each times one `factor`."""

    @abstractmethod
    def shift(self, term: int) -> Scalars:
        """Each plus one `term`."""

    @abstractmethod
    def outer(self, others: Scalars) -> Scalars:
        """Each of these times each of the others: s_0 o_0, s_0 o_1, .. (n m scalars)."""

    @abstractmethod
    def links(self, us: Scalars) -> tuple[Scalars, Scalars]:
        """X_i = x_i + u_i X_(i-1), with X_0 = 0, and U_i = u_i U_(i-1), with U_0 = 1, for i = 1..n, where these are the
        x_i: the chain D_i = x_i G + u_i D_(i-1) is X_i G + U_i D_0 (protocol, section 9, step 3)."""

    @abstractmethod
    def sum(self) -> int: ...

    @abstractmethod
    def dot(self, other: Scalars) -> int:
        """Inner product."""

    @abstractmethod
    def product(self) -> int: ...

    @abstractmethod
    def suffix_products(self) -> Scalars:
        """v with v[n-1] = 1 and v[i] = self[i+1] * v[i+1] (protocol, section 9, step 5)."""


class Elements(ABC):
    """A vector of group elements, decoded once. Immutable. Equality of two vectors is by `encode()`."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def slice(self, start: int, stop: int) -> Elements: ...

    @abstractmethod
    def take(self, indices: Sequence[int]) -> Elements: ...

    @abstractmethod
    def strided(self, start: int, count: int, stride: int) -> Elements:
        """Of every `stride` elements (a row) the `count` from `start` on. Raises ValueError where there are none."""

    @abstractmethod
    def concat(self, *others: Elements) -> Elements: ...

    @abstractmethod
    def interleave(self, other: Elements) -> Elements:
        """The first of both, the second of both, and so on, of two vectors of one length."""

    @abstractmethod
    def encode(self) -> bytes:
        """32 bytes each (RFC 9496), concatenated."""

    @abstractmethod
    def __add__(self, other: Elements) -> Elements:
        """Element-wise sum of two vectors of one length."""

    @abstractmethod
    def __sub__(self, other: Elements) -> Elements: ...

    @abstractmethod
    def __neg__(self) -> Elements: ...

    @abstractmethod
    def double(self) -> Elements:
        """Each twice. The doubles of many are encoded for less than they themselves."""

    @abstractmethod
    def sum(self) -> Elements:
        """The sum of all, as a vector of length one (the identity where the vector is empty)."""

    @abstractmethod
    def vartime_identity_at(self) -> int | None:
        """The first index that holds the identity, or None."""


class Group(ABC):
    """A back end of ristretto255. Stateless for its callers (caches inside are allowed)."""

    name: Backend
    constant_time: bool
    """Whether what does not start with ``vartime_`` may see secrets in production."""
    kernel: Kernel | None = None
    """Where the back end brings them: whole steps over public data, in compiled code."""

    # --- scalars -----------------------------------------------------------------------------------------

    @abstractmethod
    def scalars(self, values: Iterable[int]) -> Scalars:
        """Integers, reduced modulo l."""

    @abstractmethod
    def decode_scalars(self, data: bytes) -> Scalars:
        """n * 32 bytes little-endian, each < l. Raises CheckFailed(SCALAR), the detail with the index."""

    @abstractmethod
    def reduce_scalars(self, data: bytes) -> Scalars:
        """n * 64 bytes little-endian, each reduced modulo l."""

    @abstractmethod
    def hash_scalars(self, seed: bytes, count: int) -> Scalars:
        """SHA-512(seed || u64be(i)) mod l for i = 1..count (sections 9.2 and 10)."""

    def random_scalars(self, count: int, random: Random) -> Scalars:
        """Fresh scalars: 64 bytes of `random` each, reduced modulo l (section 1)."""
        return self.reduce_scalars(random(64 * count))

    def random_weights(self, count: int, random: Random) -> Scalars:
        """Fresh 128-bit weights for batch verification (section 2). Public, so short is enough."""
        data = random(16 * count)
        return self.scalars(int.from_bytes(data[16 * i : 16 * i + 16], "little") for i in range(count))

    # --- elements ----------------------------------------------------------------------------------------

    @abstractmethod
    def decode(self, data: bytes, *, identity: bool = False) -> Elements:
        """n * 32 bytes. Raises CheckFailed(ELEMENT) for what is not canonical and, unless `identity` is true,
        CheckFailed(IDENTITY) for the identity; the detail names the first bad index."""

    @abstractmethod
    def try_decode(self, data: bytes) -> list[bool]:
        """For each 32-byte string, whether it decodes canonically and is not the identity."""

    @abstractmethod
    def identity(self, count: int = 1) -> Elements: ...

    @abstractmethod
    def generator(self) -> Elements:
        """G, as a vector of length one."""

    @abstractmethod
    def one_way(self, data: bytes) -> Elements:
        """The RFC 9496 one-way map (section 4.3.4) of n * 64 uniform bytes."""

    @abstractmethod
    def generators(self, count: int) -> Elements:
        """H_1..H_count, derived (section 1) and cached."""

    @abstractmethod
    def generator_h(self) -> Elements:
        """H = derive_element("H", 0), as a vector of length one."""

    # --- multiplication ----------------------------------------------------------------------------------

    @abstractmethod
    def base_mul(self, scalars: Scalars) -> Elements:
        """s_i * G."""

    @abstractmethod
    def fixed_mul(self, base: Elements, scalars: Scalars) -> Elements:
        """s_i * B for one base B (a vector of length one), with a table made for it (cached)."""

    @abstractmethod
    def mul(self, elements: Elements, scalars: Scalars) -> Elements:
        """s_i * P_i, element-wise."""

    @abstractmethod
    def mul_by_one(self, elements: Elements, scalar: int) -> Elements:
        """s * P_i: one secret scalar, many elements (decryption shares)."""

    @abstractmethod
    def msm(self, scalars: Scalars, elements: Elements) -> Elements:
        """sum s_i P_i for secret s_i, as a vector of length one."""

    @abstractmethod
    def vartime_msm(self, scalars: Scalars, elements: Elements) -> Elements:
        """sum s_i P_i, as a vector of length one. Public data only."""

    @abstractmethod
    def two_mul(self, base: Elements, xs: Scalars, us: Scalars) -> Elements:
        """x_i G + u_i B for one base B (a vector of length one). Secret inputs."""

    @abstractmethod
    def vartime_mul_by_one(self, elements: Elements, scalar: int) -> Elements:
        """s P_i for one public scalar; quick where it is short."""

    # --- conveniences shared by the back ends ------------------------------------------------------------

    def vartime_msm_terms(self, terms: Sequence[tuple[Scalars, Elements]]) -> Elements:
        """The sum of all scalars times their elements, as a vector of length one. Public data only."""
        scalars = self.scalars([]).concat(*(scalars for scalars, _ in terms))
        return self.vartime_msm(scalars, self.concat([elements for _, elements in terms]))

    def chain(self, first: Elements, xs: Scalars, us: Scalars) -> Elements:
        """D_i = x_i G + u_i D_(i-1) for i = 1..n with D_0 = `first` (section 9, step 3); gives D_1..D_n.
        Secret inputs."""
        return self.two_mul(first, *xs.links(us))

    def repeat(self, element: Elements, count: int) -> Elements:
        """One element, `count` times."""
        return element.take([0] * count)

    def concat(self, vectors: Sequence[Elements]) -> Elements:
        """All vectors, one after the other."""
        return self.identity(0).concat(*vectors)
