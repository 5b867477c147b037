"""Vectors of scalars: parsing, edges and lengths."""

from __future__ import annotations

import hashlib

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.params import GROUP_ORDER


def scalar(value: int) -> bytes:
    return value.to_bytes(32, "little")


def test_scalars_are_reduced(group: Group) -> None:
    assert list(group.scalars([-1, 0, GROUP_ORDER, GROUP_ORDER + 5, 2**600])) == [
        GROUP_ORDER - 1,
        0,
        0,
        5,
        2**600 % GROUP_ORDER,
    ]


def test_decoding_gives_the_integers(group: Group) -> None:
    values = [0, 1, 2**252, GROUP_ORDER - 1]
    data = b"".join(map(scalar, values))
    decoded = group.decode_scalars(data)
    assert list(decoded) == values
    assert decoded.encode() == data
    assert decoded[-1] == GROUP_ORDER - 1


@pytest.mark.parametrize("bad", [GROUP_ORDER, GROUP_ORDER + 1, 2**253, 2**255, 2**256 - 1])
@pytest.mark.parametrize("index", [0, 1, 7])
def test_what_is_not_reduced_is_refused(group: Group, bad: int, index: int) -> None:
    data = scalar(1) * index + scalar(bad) + scalar(bad)
    with pytest.raises(CheckFailed) as failure:
        group.decode_scalars(data)
    assert failure.value.check == Check.SCALAR
    assert str(index) in failure.value.detail.split()


@pytest.mark.parametrize("length", [1, 31, 33, 63])
def test_odd_lengths_are_refused(group: Group, length: int) -> None:
    with pytest.raises(CheckFailed) as failure:
        group.decode_scalars(bytes(length))
    assert failure.value.check == Check.SCALAR


def test_reduction_of_64_bytes(group: Group) -> None:
    data = bytes(range(64)) + b"\xff" * 64
    expected = [int.from_bytes(data[:64], "little") % GROUP_ORDER, (2**512 - 1) % GROUP_ORDER]
    assert list(group.reduce_scalars(data)) == expected
    with pytest.raises(ValueError):
        group.reduce_scalars(bytes(63))


def test_hash_scalars_count_from_one(group: Group) -> None:
    seed = b"seed"
    expected = [
        int.from_bytes(hashlib.sha512(seed + i.to_bytes(8, "big")).digest(), "little") % GROUP_ORDER for i in (1, 2, 3)
    ]
    assert list(group.hash_scalars(seed, 3)) == expected
    assert len(group.hash_scalars(seed, 0)) == 0


def test_random_scalars_take_64_bytes_each(group: Group) -> None:
    asked = []

    def random(count: int) -> bytes:
        asked.append(count)
        return b"\x05" + bytes(count - 1)

    assert list(group.random_scalars(2, random)) == [5, 0]
    assert list(group.random_weights(2, random)) == [5, 0]
    assert asked == [128, 32]


def test_empty_vectors(group: Group) -> None:
    empty = group.scalars([])
    assert len(empty) == 0
    assert empty.encode() == b""
    assert list(group.decode_scalars(b"")) == []
    assert empty.sum() == 0
    assert empty.dot(empty) == 0
    assert empty.product() == 1
    for vector in (
        -empty,
        empty + empty,
        empty - empty,
        empty * empty,
        empty.scale(2),
        empty.suffix_products(),
        empty.take([]),
        empty.slice(0, 0),
        empty.concat(),
    ):
        assert len(vector) == 0


def test_suffix_products(group: Group) -> None:
    assert list(group.scalars([7]).suffix_products()) == [1]
    assert list(group.scalars([7, 5]).suffix_products()) == [5, 1]
    assert list(group.scalars([7, 5, 3]).suffix_products()) == [15, 3, 1]


def test_different_lengths_are_refused(group: Group) -> None:
    one, two = group.scalars([1]), group.scalars([1, 2])
    for operation in (one.__add__, one.__sub__, one.__mul__, one.dot):
        with pytest.raises(ValueError):
            operation(two)


def test_an_index_outside_is_an_error(group: Group) -> None:
    with pytest.raises(IndexError):
        group.scalars([1])[1]
    with pytest.raises(IndexError):
        group.scalars([1]).take([0, 1])


def test_scalars_do_not_show_themselves(group: Group) -> None:
    assert "424242" not in repr(group.scalars([424242]))
    assert "424242" not in str(group.scalars([424242]))
