"""Vectors of elements: parsing, edges and lengths."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group

IDENTITY = bytes(32)


def multiples(group: Group, count: int) -> Elements:
    return group.base_mul(group.scalars(range(1, count + 1)))


def test_the_identity_is_refused_unless_allowed(group: Group) -> None:
    data = multiples(group, 3).encode() + IDENTITY + bytes(31) + b"\xff"
    with pytest.raises(CheckFailed) as failure:
        group.decode(data)
    assert failure.value.check == Check.IDENTITY
    assert "3" in failure.value.detail.split()
    with pytest.raises(CheckFailed) as failure:
        group.decode(data, identity=True)
    assert failure.value.check == Check.ELEMENT
    assert "4" in failure.value.detail.split()
    assert group.decode(data[:-32], identity=True).vartime_identity_at() == 3


@pytest.mark.parametrize("length", [1, 31, 33, 63])
def test_odd_lengths_are_refused(group: Group, length: int) -> None:
    for parse in (group.decode, group.try_decode):
        with pytest.raises(CheckFailed) as failure:
            parse(bytes(length))
        assert failure.value.check == Check.ELEMENT
    with pytest.raises(ValueError):
        group.one_way(bytes(length))


def test_slices_selections_and_concatenations(group: Group) -> None:
    computed = multiples(group, 5)
    data = computed.encode()
    rows = [data[i : i + 32] for i in range(0, len(data), 32)]
    fresh = multiples(group, 5)
    for vector in (computed, fresh, group.decode(data), group.decode(data) + group.identity(5)):
        assert len(vector) == 5
        assert vector.slice(1, 3).encode() == rows[1] + rows[2]
        assert vector.slice(2, 2).encode() == b""
        assert vector.take([4, 0, 0, 2]).encode() == rows[4] + rows[0] + rows[0] + rows[2]
        assert vector.concat(fresh.slice(0, 1), group.decode(rows[3])).encode() == data + rows[0] + rows[3]
        assert vector.concat().encode() == data
        assert group.concat([vector, vector.slice(0, 1)]).encode() == data + rows[0]
        assert group.repeat(vector.slice(1, 2), 3).encode() == rows[1] * 3
        with pytest.raises(IndexError):
            vector.take([5])


def test_empty_vectors(group: Group) -> None:
    none = group.scalars([])
    empty = group.decode(b"")
    vectors = [
        empty,
        group.identity(0),
        group.one_way(b""),
        group.concat([]),
        empty + empty,
        empty - empty,
        -empty,
        empty.slice(0, 0),
        empty.take([]),
        empty.concat(empty),
        group.base_mul(none),
        group.fixed_mul(group.generator_h(), none),
        group.mul(empty, none),
        group.mul_by_one(empty, 5),
        group.chain(group.generator(), none, none),
        group.repeat(group.generator(), 0),
    ]
    for vector in vectors:
        assert len(vector) == 0
        assert vector.encode() == b""
        assert vector.vartime_identity_at() is None
        assert vector.sum().encode() == IDENTITY
    assert group.vartime_msm(none, empty).encode() == IDENTITY
    assert group.try_decode(b"") == []


def test_the_identity_is_found_wherever_it_comes_from(group: Group) -> None:
    points = multiples(group, 4)
    decoded = group.decode(points.encode())
    for left in (points, decoded):
        for right in (points, decoded):
            difference = left - right.take([1, 1, 2, 2])
            assert difference.vartime_identity_at() == 1
            assert difference.encode()[32:96] == bytes(64)
    assert points.vartime_identity_at() is None
    assert group.base_mul(group.scalars([3, 0])).vartime_identity_at() == 1
    assert group.identity(2).encode() == bytes(64)


def test_different_lengths_are_refused(group: Group) -> None:
    one, two = group.generator(), multiples(group, 2)
    scalar = group.scalars([1])
    attempts: list[Callable[[], Elements]] = [
        lambda: one + two,
        lambda: two - one,
        lambda: group.decode(two.encode()) + one,
        lambda: group.mul(two, scalar),
        lambda: group.mul(group.decode(two.encode()), scalar),
        lambda: group.vartime_msm(scalar, two),
        lambda: group.chain(one, scalar, group.scalars([1, 2])),
        lambda: group.fixed_mul(two, scalar),
        lambda: group.fixed_mul(group.identity(0), scalar),
        lambda: group.chain(two, scalar, scalar),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError):
            attempt()
