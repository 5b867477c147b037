"""What the proofs ask of vectors beside plain sums and products, against its definition."""

from __future__ import annotations

import pytest

from vemre.group import Elements, Group
from vemre.params import GROUP_ORDER


def parts(elements: Elements) -> list[bytes]:
    data = elements.encode()
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def some(group: Group, count: int, *, halves: bool) -> Elements:
    made = group.base_mul(group.hash_scalars(b"some", count))
    return made if halves else group.decode(made.encode())


@pytest.mark.parametrize("count", [0, 1, 5, 70])
def test_shift_and_outer(group: Group, count: int) -> None:
    scalars, factors = group.hash_scalars(b"a", count), group.hash_scalars(b"b", 3)
    for term in (0, 7, -7, GROUP_ORDER):
        assert list(scalars.shift(term)) == [(value + term) % GROUP_ORDER for value in scalars]
    assert list(scalars.outer(factors)) == [a * b % GROUP_ORDER for a in scalars for b in factors]
    assert list(factors.outer(scalars)) == [b * a % GROUP_ORDER for b in factors for a in scalars]


@pytest.mark.parametrize("count", [0, 1, 2, 70])
def test_links_are_their_recurrence(group: Group, count: int) -> None:
    xs, us = group.hash_scalars(b"x", count), group.hash_scalars(b"u", count)
    total, product = 0, 1
    expected = []
    for x, u in zip(xs, us, strict=True):
        total, product = (x + u * total) % GROUP_ORDER, u * product % GROUP_ORDER
        expected.append((total, product))
    assert list(zip(*xs.links(us), strict=True)) == expected
    with pytest.raises(ValueError, match="different lengths"):
        xs.links(group.scalars([1] * (count + 1)))


@pytest.mark.parametrize("halves", [True, False])
def test_parts_of_every_row(group: Group, halves: bool) -> None:
    elements = some(group, 60, halves=halves)
    whole = parts(elements)
    for start, count, stride in ((0, 1, 2), (1, 1, 2), (0, 4, 4), (2, 3, 6), (5, 1, 6), (0, 60, 60), (3, 0, 5)):
        expected = [whole[row + place] for row in range(0, 60, stride) for place in range(start, start + count)]
        assert parts(elements.strided(start, count, stride)) == expected
    for start, count, stride in ((0, 1, 7), (1, 2, 2), (0, 1, 0)):
        with pytest.raises(ValueError, match="no such part"):
            elements.strided(start, count, stride)


@pytest.mark.parametrize("halves", [(True, True), (True, False), (False, False)])
def test_interleaved_vectors(group: Group, halves: tuple[bool, bool]) -> None:
    left, right = (some(group, 7, halves=known) for known in halves)
    right = right.take(range(6, -1, -1))
    expected = [one for pair in zip(parts(left), parts(right), strict=True) for one in pair]
    assert parts(left.interleave(right)) == expected
    with pytest.raises(ValueError, match="different lengths"):
        left.interleave(right.slice(0, 3))


def test_sums_over_two_bases(group: Group) -> None:
    xs, us = group.hash_scalars(b"x", 40), group.hash_scalars(b"u", 40)
    for base in (group.generator_h(), group.generator(), group.identity()):
        expected = group.base_mul(xs) + group.fixed_mul(base, us)
        assert group.two_mul(base, xs, us).encode() == expected.encode()


@pytest.mark.parametrize("scalar", [0, 1, 2, 3, 2**64 - 1, 2**64, GROUP_ORDER - 1, GROUP_ORDER, 2**200 + 5, -3])
def test_a_public_factor_of_any_length(group: Group, scalar: int) -> None:
    elements = some(group, 40, halves=False)
    assert group.vartime_mul_by_one(elements, scalar).encode() == group.mul_by_one(elements, scalar).encode()


@pytest.mark.parametrize("lengths", [[], [0], [1], [3, 0, 200], [40_000, 1, 2, 9_000]])
def test_a_sum_over_several_vectors(group: Group, lengths: list[int]) -> None:
    if group.name == "reference" and sum(lengths) > 1000:
        pytest.skip("nothing is cut into pieces here")
    base = some(group, 50, halves=True)
    terms = []
    for number, length in enumerate(lengths):
        terms.append((group.hash_scalars(bytes([number]), length), base.take([i % 50 for i in range(length)])))
    on_each = [0] * 50
    for scalars, _ in terms:
        for place, scalar in enumerate(scalars):
            on_each[place % 50] += scalar
    expected = group.vartime_msm(group.scalars(on_each), base)
    assert group.vartime_msm_terms(terms).encode() == expected.encode()
