"""Products and sums of products at the edges of their algorithms: digits, windows, tables, lengths."""

from __future__ import annotations

import random

import pytest

from vemre.group import Group
from vemre.params import GROUP_ORDER

EDGES = [
    *(0, 1, 2, 3, 15, 16, 17, 31, 32, 127, 128, 129, 255, 256),
    *(GROUP_ORDER - 1, GROUP_ORDER - 2, GROUP_ORDER // 2, GROUP_ORDER // 2 + 1, 2**252, 2**252 - 1, 2**251),
    *(int("80" * 31, 16), int("7f" * 31, 16), int("ff" * 31, 16), int("88" * 31, 16), int("55" * 31, 16)),
]


def test_edge_scalars_give_the_same_in_every_way(group: Group) -> None:
    scalars = group.scalars(EDGES)
    base = group.generator()
    expected = group.mul(group.repeat(base, len(EDGES)), scalars).encode()
    assert group.base_mul(scalars).encode() == expected
    assert group.fixed_mul(base, scalars).encode() == expected
    one_by_one = [group.mul_by_one(base, value) for value in EDGES]
    assert group.concat(one_by_one).encode() == expected
    sums = [group.vartime_msm(group.scalars([value]), base) for value in EDGES]
    assert group.concat(sums).encode() == expected
    # The halves, the doubles and the encodings of one vector agree.
    assert (group.base_mul(scalars) + group.decode(expected, identity=True)).encode() == group.base_mul(
        scalars.scale(2)
    ).encode()


def test_the_order_annihilates(group: Group) -> None:
    assert group.mul_by_one(group.generators(3), GROUP_ORDER).encode() == bytes(96)
    assert group.mul_by_one(group.generators(3), GROUP_ORDER + 1).encode() == group.generators(3).encode()


@pytest.mark.parametrize("count", [1, 2, 3, 40, 400])
@pytest.mark.parametrize("bits", [1, 15, 16, 63, 127, 128, 129, 250, 251, 252])
def test_sums_of_products_of_the_largest_scalars_of_a_length(group: Group, count: int, bits: int) -> None:
    # All equal to 2^bits - 1 or its negative: every signed digit and carry of a window at its extreme.
    points = group.repeat(group.generator(), count)
    largest = min(2**bits - 1, GROUP_ORDER // 2)
    for value in (largest, -largest, 2 ** (bits - 1)):
        total = group.vartime_msm(group.scalars([value] * count), points)
        assert total.encode() == group.base_mul(group.scalars([value * count])).encode()


@pytest.mark.parametrize("count", [2, 30, 150, 600, 2500])
def test_sums_of_products_of_mixed_lengths(group: Group, count: int) -> None:
    source = random.Random(count)
    logs = [source.randrange(GROUP_ORDER) for _ in range(count)]
    values = [source.randrange(GROUP_ORDER) if i % 3 else source.getrandbits(128) - 2**127 for i in range(count)]
    values[0], values[-1] = 0, GROUP_ORDER - 1
    points = group.base_mul(group.scalars(logs))
    expected = group.base_mul(group.scalars([sum(a * b for a, b in zip(logs, values, strict=True))])).encode()
    assert group.vartime_msm(group.scalars(values), points).encode() == expected
    assert group.vartime_msm(group.scalars(values), group.decode(points.encode())).encode() == expected


def test_points_that_cancel_and_coincide(group: Group) -> None:
    points = group.generators(2)
    pairs = points.concat(-points, points, group.identity(2))
    for count in (1, 100):
        vector = group.concat([pairs] * count)
        total = group.vartime_msm(group.scalars([9] * len(vector)), vector)
        assert total.encode() == group.vartime_msm(group.scalars([9 * count] * 2), points).encode()
        cancelled = group.vartime_msm(group.scalars([9, 9, 9, 9, 0, 0, 5, 5] * count), vector)
        assert cancelled.encode() == bytes(32)


@pytest.mark.parametrize("count", [1, 5, 100])
def test_a_base_gives_the_same_with_and_without_a_table(group: Group, count: int) -> None:
    base = group.generators(7).slice(6, 7)
    scalars = group.scalars(range(10**60, 10**60 + count))
    expected = group.mul(group.repeat(base, count), scalars).encode()
    for _ in range(3):
        assert group.fixed_mul(base, scalars).encode() == expected


def test_many_bases_used_at_once(group: Group) -> None:
    scalars = group.scalars(range(1, 41))
    for i in range(12):
        base = group.generators(12).slice(i, i + 1)
        assert group.fixed_mul(base, scalars).sum().encode() == group.mul_by_one(base, scalars.sum()).encode()


@pytest.mark.parametrize("count", [1, 2, 9, 50])
def test_chain_is_its_recurrence(group: Group, count: int) -> None:
    xs = group.hash_scalars(b"x", count)
    us = group.hash_scalars(b"u", count)
    expected = []
    last = group.generator_h()
    for x, u in zip(xs, us, strict=True):
        last = group.base_mul(group.scalars([x])) + group.mul_by_one(last, u)
        expected.append(last)
    assert group.chain(group.generator_h(), xs, us).encode() == group.concat(expected).encode()


def test_chain_with_zeros_and_the_identity(group: Group) -> None:
    xs, us = group.scalars([0, 3, 0]), group.scalars([5, 0, 0])
    expected = group.base_mul(group.scalars([5, 3, 0])).encode()
    assert group.chain(group.generator(), xs, us).encode() == expected
    assert group.chain(group.identity(), xs, us).encode() == bytes(32) + expected[32:]
