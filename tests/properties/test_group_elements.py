"""Laws of the group, and the agreement of every way to multiply."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.params import GROUP_ORDER

FIELD_PRIME = 2**255 - 19

integers = st.one_of(
    st.integers(0, GROUP_ORDER - 1),
    st.integers(0, 2**128 - 1),
    st.integers(-40, 40),
    st.integers(0, 252).map(lambda n: 2**n),
)
vectors = st.lists(integers, max_size=5)
uniform = st.binary(min_size=64, max_size=64)


def in_every_form(group: Group, elements: Elements) -> list[Elements]:
    """The same elements: as they are, decoded, and computed from decoded ones."""
    decoded = group.decode(elements.encode(), identity=True)
    return [elements, decoded, decoded + group.identity(len(decoded))]


@settings(max_examples=40)
@given(uniform, uniform, uniform)
def test_group_laws(group: Group, one: bytes, two: bytes, three: bytes) -> None:
    p, q, r = group.one_way(one), group.one_way(two), group.one_way(three)
    zero = group.identity()
    assert ((p + q) + r).encode() == (p + (q + r)).encode()
    assert (p + q).encode() == (q + p).encode()
    assert (p + zero).encode() == p.encode()
    assert (p - p).encode() == zero.encode()
    assert (p + -p).vartime_identity_at() == 0
    assert (p - q).encode() == (p + -q).encode()
    assert (p + p).encode() == group.mul_by_one(p, 2).encode()
    for vector in in_every_form(group, p.concat(q, zero)):
        assert vector.double().encode() == (vector + vector).encode()
    assert p.concat(q, r).sum().encode() == (p + q + r).encode()


@settings(max_examples=40)
@given(vectors, integers)
@example([0, 1, -1], 0)
def test_all_ways_to_multiply_agree(group: Group, values: list[int], scalar: int) -> None:
    scalars = group.scalars(values)
    expected = group.base_mul(scalars)
    base = group.generator()
    assert group.fixed_mul(base, scalars).encode() == expected.encode()
    assert group.mul(group.repeat(base, len(values)), scalars).encode() == expected.encode()
    multiplied = group.base_mul(scalars.scale(scalar)).encode()
    for vector in in_every_form(group, expected):
        assert group.mul_by_one(vector, scalar).encode() == multiplied
        assert group.mul(vector, group.scalars([scalar] * len(values))).encode() == multiplied


@settings(max_examples=40)
@given(st.lists(st.tuples(integers, integers), max_size=12))
def test_sums_of_products_are_sums_of_products(group: Group, pairs: list[tuple[int, int]]) -> None:
    logs, scalars = group.scalars(a for a, _ in pairs), group.scalars(b for _, b in pairs)
    expected = group.base_mul(group.scalars([logs.dot(scalars)])).encode()
    for points in in_every_form(group, group.base_mul(logs)):
        assert group.vartime_msm(scalars, points).encode() == expected
        assert group.mul(points, scalars).sum().encode() == expected


@settings(max_examples=40)
@given(vectors, vectors)
def test_addition_follows_the_scalars(group: Group, left: list[int], right: list[int]) -> None:
    size = min(len(left), len(right))
    a, b = group.scalars(left[:size]), group.scalars(right[:size])
    total, difference = group.base_mul(a + b).encode(), group.base_mul(a - b).encode()
    for p in in_every_form(group, group.base_mul(a)):
        assert (-p).encode() == group.base_mul(-a).encode()
        assert p.sum().encode() == group.base_mul(group.scalars([a.sum()])).encode()
        for q in in_every_form(group, group.base_mul(b)):
            assert (p + q).encode() == total
            assert (p - q).encode() == difference


@settings(max_examples=30)
@given(st.lists(st.tuples(integers, integers), max_size=5), integers)
def test_chain_follows_its_definition(group: Group, pairs: list[tuple[int, int]], start: int) -> None:
    logs = []
    last = start
    for x, u in pairs:
        last = x + u * last
        logs.append(last)
    expected = group.base_mul(group.scalars(logs)).encode()
    xs, us = group.scalars(x for x, _ in pairs), group.scalars(u for _, u in pairs)
    for first in in_every_form(group, group.base_mul(group.scalars([start]))):
        assert group.chain(first, xs, us).encode() == expected


@given(uniform)
@example(bytes(64))  # the identity
def test_what_encodes_decodes_to_itself(group: Group, data: bytes) -> None:
    element = group.one_way(data)
    encoding = element.encode()
    decoded = group.decode(encoding, identity=True)
    assert decoded.encode() == encoding
    assert (decoded + group.identity()).encode() == encoding
    assert (decoded - element).vartime_identity_at() == 0


@given(st.binary(min_size=32, max_size=32) | st.integers(0, 2**64).map(lambda n: n.to_bytes(32, "little")))
@example(bytes(32))
def test_what_decodes_encodes_to_itself(group: Group, data: bytes) -> None:
    if group.try_decode(data) == [True]:
        assert (group.decode(data) + group.identity()).encode() == data
    else:
        with pytest.raises(CheckFailed) as failure:
            group.decode(data)
        assert failure.value.check == (Check.IDENTITY if data == bytes(32) else Check.ELEMENT)


@given(uniform)
def test_every_other_spelling_is_refused(group: Group, data: bytes) -> None:
    encoding = group.one_way(data).encode()
    s = int.from_bytes(encoding, "little")
    # The negative, the sign bit, and what is the same modulo p where it fits in 32 bytes.
    spellings = [FIELD_PRIME - s, s + 2**255, s + FIELD_PRIME, 2 * FIELD_PRIME - s]
    for spelling in spellings:
        if 0 < spelling < 2**256:
            assert group.try_decode(spelling.to_bytes(32, "little")) == [False]


@given(st.integers(0, 18))
def test_small_integers_with_p_added_are_refused(group: Group, value: int) -> None:
    assert group.try_decode((FIELD_PRIME + value).to_bytes(32, "little")) == [False]
