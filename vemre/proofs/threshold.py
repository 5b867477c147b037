"""Shamir's scheme in the exponent: verification keys and the combination of shares. Source: protocol, 5.1 and 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm, prod

from vemre.group import Elements, Group
from vemre.params import ELEMENT_BYTES, GROUP_ORDER


def evaluate_commitments(group: Group, commitments: Elements, at: int) -> Elements:
    """sum_m k^m A_m for k = `at`: f(k) G of the committed polynomial."""
    return group.vartime_msm(group.scalars(pow(at, m, GROUP_ORDER) for m in range(len(commitments))), commitments)


def verification_key(group: Group, commitments: Sequence[Elements], trustee: int) -> Elements:
    """X_k = sum_j sum_m k^m A_jm, for k = `trustee` and the commitments of all dealers."""
    return group.concat([evaluate_commitments(group, one, trustee) for one in commitments]).sum()


def lagrange_at_zero(indices: Sequence[int]) -> list[int]:
    """lambda_k modulo l for distinct indices k >= 1. Raises ValueError for others."""
    common, numerators = _common_denominator(indices)
    inverse = pow(common, -1, GROUP_ORDER)
    return [numerator * inverse % GROUP_ORDER for numerator in numerators]


def combine_shares(group: Group, payloads: Elements, shares: Mapping[int, Elements]) -> Elements:
    """M_i = b_i - sum_k lambda_k S_ik, for b = `payloads` and at least t vectors of verified shares by trustee.

    The lambda_k are fractions of small numbers. With D their common denominator, D M_i is D b_i minus the sum over k of
    (D lambda_k) S_ik: short multiplications alone, and one of full length at the end where D is not 1. All public.
    """
    return _divide(group, *_multiples(group, payloads, shares))


def combine_distinct(group: Group, payloads: Elements, shares: Mapping[int, Elements]) -> tuple[Elements, list[int]]:
    """The distinct elements among the M_i of `combine_shares`, and for each i the place of M_i among them: most votes
    of a batch are alike, and a double tells elements apart at a tenth of the price of an encoding (l is odd)."""
    total, common = _multiples(group, payloads, shares)
    doubles = total.double().encode()
    first: dict[bytes, int] = {}
    rows: list[int] = []
    places: list[int] = []
    for index, start in enumerate(range(0, len(doubles), ELEMENT_BYTES)):
        place = first.setdefault(doubles[start : start + ELEMENT_BYTES], len(rows))
        if place == len(rows):
            rows.append(index)
        places.append(place)
    return _divide(group, total.take(rows), common), places


def _multiples(group: Group, payloads: Elements, shares: Mapping[int, Elements]) -> tuple[Elements, int]:
    """D M_i for all i, and D."""
    common, numerators = _common_denominator(list(shares))
    total = _times(group, payloads, common)
    for numerator, vector in zip(numerators, shares.values(), strict=True):
        total = total - _times(group, vector, numerator)
    return total, common


def _divide(group: Group, multiples: Elements, common: int) -> Elements:
    return multiples if common == 1 else group.vartime_mul_by_one(multiples, pow(common, -1, GROUP_ORDER))


def _common_denominator(indices: Sequence[int]) -> tuple[int, list[int]]:
    """D > 0 and D lambda_k for each k, as small (signed) integers. Raises ValueError unless distinct and positive."""
    if len(set(indices)) != len(indices) or any(k < 1 for k in indices):
        raise ValueError("interpolation needs distinct positive indices")
    lambdas = [prod((Fraction(m, m - k) for m in indices if m != k), start=Fraction(1)) for k in indices]
    common = lcm(*(value.denominator for value in lambdas))
    return common, [int(value * common) for value in lambdas]


def _times(group: Group, vector: Elements, factor: int) -> Elements:
    """A vector times a small signed integer, without going through its long residue modulo l."""
    if factor == 1:
        return vector
    return group.vartime_mul_by_one(vector, factor) if factor > 0 else -group.vartime_mul_by_one(vector, -factor)
