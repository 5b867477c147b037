"""Shamir's scheme in the exponent."""

from __future__ import annotations

from itertools import combinations

import pytest
from proof_cases import points, scalars

from vemre.group import Group, Scalars
from vemre.params import GROUP_ORDER
from vemre.proofs.threshold import (
    combine_distinct,
    combine_shares,
    evaluate_commitments,
    lagrange_at_zero,
    verification_key,
)


def evaluate(polynomial: Scalars, at: int) -> int:
    return sum(coefficient * at**m for m, coefficient in enumerate(polynomial)) % GROUP_ORDER


def test_lagrange_of_known_indices() -> None:
    """Through (1, y1), (2, y2), (3, y3) the value at 0 is 3 y1 - 3 y2 + y3."""
    assert lagrange_at_zero([1, 2, 3]) == [3, GROUP_ORDER - 3, 1]
    assert lagrange_at_zero([3, 1, 2]) == [1, 3, GROUP_ORDER - 3]
    assert lagrange_at_zero([7]) == [1]


@pytest.mark.parametrize("indices", [[1, 1], [0, 1], [-1, 2], [2, 3, 2]])
def test_indices_are_distinct_and_positive(indices: list[int]) -> None:
    with pytest.raises(ValueError, match="distinct positive"):
        lagrange_at_zero(indices)


def test_commitments_give_the_value_in_the_exponent(group: Group) -> None:
    polynomial = scalars(group, 3)
    commitments = group.base_mul(polynomial)
    for at in (1, 2, 200):
        expected = group.base_mul(group.scalars([evaluate(polynomial, at)]))
        assert evaluate_commitments(group, commitments, at).encode() == expected.encode()


@pytest.mark.parametrize(("trustees", "threshold"), [(3, 2), (5, 3), (2, 2)])
def test_any_quorum_decrypts(group: Group, trustees: int, threshold: int) -> None:
    polynomials = [scalars(group, threshold) for _ in range(trustees)]
    commitments = [group.base_mul(polynomial) for polynomial in polynomials]
    secrets = {k: sum(evaluate(p, k) for p in polynomials) % GROUP_ORDER for k in range(1, trustees + 1)}
    for k, secret in secrets.items():
        expected = group.base_mul(group.scalars([secret])).encode()
        assert verification_key(group, commitments, k).encode() == expected

    key = group.concat([one.slice(0, 1) for one in commitments]).sum()
    messages, r = points(group, 2), scalars(group, 2)
    a, b = group.base_mul(r), messages + group.fixed_mul(key, r)
    shares = {k: group.mul_by_one(a, secret) for k, secret in secrets.items()}
    for quorum in combinations(shares, threshold):
        found = combine_shares(group, b, {k: shares[k] for k in reversed(quorum)})
        assert found.encode() == messages.encode()
    assert combine_shares(group, b, shares).encode() == messages.encode()
    for used in (shares, dict(list(shares.items())[-threshold:])):
        # Rows 0, 2 and 3 carry the same message, in different ciphertexts.
        r = scalars(group, 4)
        rows = [0, 1, 0, 0]
        several = messages.take(rows) + group.fixed_mul(key, r)
        parts = {k: group.mul_by_one(group.base_mul(r), secrets[k]) for k in used}
        distinct, places = combine_distinct(group, several, parts)
        assert places == rows
        assert distinct.encode() == messages.encode()
    too_few = dict(list(shares.items())[: threshold - 1])
    assert combine_shares(group, b, too_few).encode() != messages.encode()
