"""Vectors of scalars are vectors of integers modulo l."""

from __future__ import annotations

import hashlib
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.params import GROUP_ORDER

integers = st.one_of(st.integers(0, GROUP_ORDER - 1), st.integers(-3, 3), st.integers(GROUP_ORDER - 3, GROUP_ORDER + 3))
vectors = st.lists(integers, max_size=6)
pairs = st.lists(st.tuples(integers, integers), max_size=6)


@given(pairs, integers)
def test_arithmetic_is_that_of_integers(group: Group, values: list[tuple[int, int]], factor: int) -> None:
    a, b = group.scalars(x for x, _ in values), group.scalars(y for _, y in values)
    assert list(a + b) == [(x + y) % GROUP_ORDER for x, y in values]
    assert list(a - b) == [(x - y) % GROUP_ORDER for x, y in values]
    assert list(a * b) == [x * y % GROUP_ORDER for x, y in values]
    assert list(-a) == [-x % GROUP_ORDER for x, _ in values]
    assert list(a.scale(factor)) == [x * factor % GROUP_ORDER for x, _ in values]
    assert a.dot(b) == sum(x * y for x, y in values) % GROUP_ORDER
    assert a.sum() == sum(x for x, _ in values) % GROUP_ORDER
    assert a.product() == prod(x for x, _ in values) % GROUP_ORDER


@given(vectors)
def test_suffix_products_are_products_of_suffixes(group: Group, values: list[int]) -> None:
    products = list(group.scalars(values).suffix_products())
    assert products == [prod(values[i + 1 :]) % GROUP_ORDER for i in range(len(values))]


@given(vectors, vectors, st.data())
def test_vectors_are_cut_and_joined_as_lists(
    group: Group, values: list[int], others: list[int], data: st.DataObject
) -> None:
    vector = group.scalars(values)
    plain = [value % GROUP_ORDER for value in values]
    assert list(vector) == plain
    assert [vector[i] for i in range(len(vector))] == plain
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    assert list(vector.slice(start, stop)) == plain[start:stop]
    assert list(vector.concat(group.scalars(others), vector)) == plain + [x % GROUP_ORDER for x in others] + plain
    if values:
        indices = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=8))
        assert list(vector.take(indices)) == [plain[i] for i in indices]


@given(vectors)
def test_encoding_round_trips(group: Group, values: list[int]) -> None:
    data = group.scalars(values).encode()
    assert len(data) == 32 * len(values)
    assert group.decode_scalars(data).encode() == data


@given(
    st.lists(
        st.binary(min_size=32, max_size=32) | integers.map(lambda n: (n % 2**256).to_bytes(32, "little")), max_size=3
    )
)
def test_decoding_accepts_reduced_integers_alone(group: Group, chunks: list[bytes]) -> None:
    values = [int.from_bytes(chunk, "little") for chunk in chunks]
    bad = [i for i, value in enumerate(values) if value >= GROUP_ORDER]
    if not bad:
        assert list(group.decode_scalars(b"".join(chunks))) == values
        return
    with pytest.raises(CheckFailed) as failure:
        group.decode_scalars(b"".join(chunks))
    assert failure.value.check == Check.SCALAR
    assert str(bad[0]) in failure.value.detail.split()


@given(st.lists(st.binary(min_size=64, max_size=64), max_size=3))
def test_wide_reduction(group: Group, chunks: list[bytes]) -> None:
    expected = [int.from_bytes(chunk, "little") % GROUP_ORDER for chunk in chunks]
    assert list(group.reduce_scalars(b"".join(chunks))) == expected


@given(st.binary(max_size=80), st.integers(0, 5))
def test_hash_scalars_follow_their_definition(group: Group, seed: bytes, count: int) -> None:
    digests = (hashlib.sha512(seed + i.to_bytes(8, "big")).digest() for i in range(1, count + 1))
    assert list(group.hash_scalars(seed, count)) == [int.from_bytes(d, "little") % GROUP_ORDER for d in digests]
